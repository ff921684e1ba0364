package cmd

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// TestClosedPipe: output that nobody takes is an error of one line.
func TestClosedPipe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("skipped, because this system words it otherwise")
	}
	clearEnvironment(t)
	port := startOnPort(t)
	connectTo(t, "127.0.0.1:"+port)
	stats := "stats --timeout 3m 127.0.0.1:" + port
	for _, args := range []string{
		"version", "config", "plan --item a=1:1B",
		stats, stats + " --output json", stats + " --output csv", stats + " --check connections>0",
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		var errs bytes.Buffer
		c := exec.Command("redistill", strings.Fields(args)...)
		c.Stdout, c.Stderr = w, &errs
		err = c.Run()
		w.Close()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || errs.String() != "redistill: write /dev/stdout: broken pipe\n" {
			t.Errorf("%s: got %v: %s", args, err, errs.String())
		}
	}
}
