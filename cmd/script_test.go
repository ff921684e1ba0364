package cmd

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"redistill": func() { os.Exit(Main(Arguments(), os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs testdata/script: the program as a user sees it. Each script
// has an empty directory and an environment without settings. The condition
// [race] holds under the race detector. The command main is redistill without a
// process of its own, nor the script's directory and environment: for command
// lines that are refused.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Condition: func(name string) (bool, error) {
			if name != "race" {
				return false, errors.New("unknown condition")
			}
			return raceDetector, nil
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"main": func(ts *testscript.TestScript, fails bool, args []string) {
			if code := Main(args, strings.NewReader(""), ts.Stdout(), ts.Stderr()); (code != exitOK) != fails {
				ts.Fatalf("exit code %d", code)
			}
		}},
	})
}
