//go:build !race

package cmd

// raceDetector says whether the tests, and the servers that they start, run under the race detector.
const raceDetector = false
