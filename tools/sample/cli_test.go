package sample_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/redistill/redistill/test/servertest"
)

// run runs 'redistill plan' with REDISCLI_AUTH, and returns what it printed.
func run(t *testing.T, password string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	cmd := exec.Command(servertest.Program(t), append([]string{"plan"}, args...)...)
	cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+password)
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); (err == nil) != (errors.Len() == 0) {
		t.Errorf("%q: %v, and on stderr %q", args, err, &errors)
	}
	return out.String(), errors.String()
}

// TestPlanFrom plans for what is in a server that wants a password.
func TestPlanFrom(t *testing.T) {
	s := servertest.Start(t, servertest.Program(t), "serve", "--port", servertest.Port)
	fill(t, s.Addr, false)
	if err := connect(t, s.Addr).ConfigSet(t.Context(), "requirepass", "secret").Err(); err != nil {
		t.Fatal(err)
	}

	for _, output := range []string{"table", "markdown", "csv", "toml"} {
		out, _ := run(t, "secret", "--from", s.Addr, "--sample-rate", "1000000", "--output", output)
		for _, name := range []string{"session", "user", "user.string", "hits", "other"} {
			if !strings.Contains(out, name) {
				t.Errorf("%s: no %s in\n%s", output, name, out)
			}
		}
	}
	out, _ := run(t, "", "--from", "redis://:secret@"+s.Addr, "--sample", "1000", "--sample-rate", "1000000", "--output", "json", "--item", "more=1:1B")
	var got struct {
		Connections int
		Sample      struct {
			Target  string
			Sampled int
			Whole   bool
			Groups  []struct {
				Name  string
				Count int
				Bound int `json:"count_bound"`
			}
		}
		Items []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Sample.Target != "redis://"+s.Addr || got.Sample.Sampled != 1000 || got.Sample.Whole ||
		len(got.Sample.Groups) < 4 || got.Sample.Groups[0].Bound == 0 || got.Items[0].Name != "more" || got.Connections < 1 || got.Connections > 10 {
		t.Errorf("got %+v, error %v from\n%s", got, err, out)
	}
	for _, test := range []struct{ password, target, want string }{
		{"wrong", s.Addr, "WRONGPASS"}, {"", s.Addr, "; set REDISCLI_AUTH"}, {"", "redis://:wrong@" + s.Addr, "WRONGPASS"}, {"secret", s.Addr + "/15", "the database is empty"},
		{"", "127.0.0.1:1", "connection refused"}, {"", "http://127.0.0.1", "scheme"}, {"", "redis://:p%zz@x", "not a URL"}, {"secret", s.Addr + "/99", "DB index"},
	} {
		_, text := run(t, test.password, "--from", test.target)
		if !strings.HasPrefix(text, "redistill: --from: ") || !strings.Contains(text, test.want) || strings.Count(text, "\n") != 1 || strings.Contains(text, ":wrong@") {
			t.Errorf("%s with password %q: got %q, want %s", test.target, test.password, text, test.want)
		}
	}
}
