// Command redistill is a cache server that speaks Redis's protocol.
package main

import (
	"os"

	"github.com/redistill/redistill/cmd"
)

func main() {
	os.Exit(cmd.Main(cmd.Arguments(), os.Stdin, os.Stdout, os.Stderr))
}
