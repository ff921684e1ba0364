// Package browser looks at the pages of 'redistill bench --html' in Chromium: what is drawn, how large, in which colours.
package browser
