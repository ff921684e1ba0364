//go:build !race

package engine_test

// slower divides the operations of tests of one goroutine; see the other build.
const slower = 1
