//go:build !linux

package cmd

// trimProgram does nothing here.
func trimProgram() {}
