package cmd

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/redistill/redistill/test/await"
)

func TestSecrets(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{"stats", "redis://:pw@h"}, []string{"", "pw"}},
		{[]string{"rediss://ann:p@w:x@h:1/3"}, []string{"p@w:x"}},
		{[]string{"redis://h:h@h/h"}, []string{"h"}},
		{[]string{"--compare=redis://:pw@h"}, []string{"pw"}},
		{[]string{"stats", "ann:pw@h:1", "--compare=:p=w@h", "unix://:pw@/run/s"}, []string{"", "pw", "p=w", "pw"}},
		{[]string{"redis://h:6379", "redis://ann@h", "redis://h/a:b@c", "h:6379", "--password"}, []string{"", "", "", "", ""}},
		{[]string{"serve", "--password", "pw", "--port", "1"}, []string{"", "", "pw", "", ""}},
		{[]string{"--password=pw=x"}, []string{"pw=x"}},
		{[]string{"--", "-"}, []string{"", ""}},
	} {
		var got []string
		for i, part := range secrets(test.args) {
			got = append(got, test.args[i][part.from:part.to])
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q", test.args, got)
		}
	}
}

func TestPasswordIn(t *testing.T) {
	if got := passwordIn("--x=redis://h:h@h/h"); got != (span{14, 15}) {
		t.Errorf("got %v", got)
	}
}

// TestProcessListShowsNoPassword looks at the program as other users could.
func TestProcessListShowsNoPassword(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("skipped, because this system has no /proc")
	}
	clearEnvironment(t)
	pid, log, _ := serverProcess(t, "--password", "open-sesame")
	port, _ := log.ports(t)
	connectTo(t, "redis://:open-sesame@127.0.0.1:"+port)
	s := openConsole(t, 80, 24, "stats", "redis://:open-sesame@127.0.0.1:"+port, "--watch", "--timeout", await.Limit.String())
	s.waitFor("hit rate")
	for pid, want := range map[int]string{
		pid:   "--password\x00***********\x00",
		s.pid: "redis://:***********@127.0.0.1:" + port,
	} {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(line), "sesame") || !strings.Contains(string(line), want) {
			t.Errorf("got %q", line)
		}
	}
	s.send("q")
	if code := s.waitExit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
