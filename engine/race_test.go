//go:build race

package engine_test

// slower divides the operations of tests of one goroutine, which take ten times as long under the race detector, and in which it has
// little to find.
const slower = 5
