// Package arch holds tests of the source itself: which package may import
// which, and habits that a compiler does not enforce.
package arch
