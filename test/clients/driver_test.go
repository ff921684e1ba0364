package clients_test

import (
	"bytes"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A driver is a program in a client's own language. It reads REDIS_HOST,
// REDIS_PORT, REDIS_USER, REDIS_PASSWORD and REDIS_DB, makes its checks, and prints TAP: the
// plan "1..N", then "ok" or "not ok" for each check with "#" lines that say
// why. Names given as arguments restrict it to those checks.
var (
	tapPlan   = regexp.MustCompile(`^1\.\.(\d+)$`)
	tapResult = regexp.MustCompile(`^(not ok|ok) \d+ - (.+)$`)
)

// runDriver runs a driver on an emptied database and makes a subtest of each
// check. A driver that ends early, or prints fewer checks than it planned,
// fails.
func runDriver(t *testing.T, e endpoint, db int, cmd *exec.Cmd, env ...string) {
	t.Helper()
	emptyDB(t, e, otherDB)
	emptyDB(t, e, db)
	cmd.Env = environ(append(append(e.env(), "REDIS_DB="+strconv.Itoa(db)), env...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()

	planned, made, failed := 0, 0, 0
	lines := strings.Split(string(out), "\n")
	for i, line := range lines {
		if m := tapPlan.FindStringSubmatch(line); m != nil {
			planned, _ = strconv.Atoi(m[1])
		}
		m := tapResult.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		made++
		t.Run(m[2], func(t *testing.T) {
			if m[1] == "not ok" {
				failed++
				t.Error(diagnosis(lines[i+1:]))
			}
		})
	}
	switch {
	case planned == 0 || made != planned:
		t.Errorf("%v made %d of %d checks: %v\n%s%s", cmd.Args, made, planned, err, out, &stderr)
	case err != nil && failed == 0:
		t.Errorf("%v: %v\n%s", cmd.Args, err, &stderr)
	}
}

// diagnosis joins the "#" lines that follow a result.
func diagnosis(lines []string) string {
	end := 0
	for end < len(lines) && strings.HasPrefix(lines[end], "#") {
		end++
	}
	return strings.Join(lines[:end], "\n")
}
