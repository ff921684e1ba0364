package cmd

import (
	"errors"
	"os"
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
// [race] holds under the race detector.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Condition: func(name string) (bool, error) {
		if name != "race" {
			return false, errors.New("unknown condition")
		}
		return raceDetector, nil
	}})
}
