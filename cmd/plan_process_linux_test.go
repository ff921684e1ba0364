package cmd

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/redistill/redistill/test/await"
)

// startVerifying starts 'redistill plan --verify' with a population that takes
// long to load, in a process group of its own, as a shell does, and returns when
// it has a server, with the server's process.
func startVerifying(t *testing.T, stderr *bytes.Buffer) (cmd *exec.Cmd, server string) {
	t.Helper()
	cmd = exec.Command("redistill", "plan", "--item", "a=10M:100B", "--verify")
	cmd.Stderr = stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, unless the test failed
	await.True(t, "it starts a server", func() bool {
		server = serverOf(cmd.Process.Pid)
		return server != ""
	})
	return cmd, server
}

// serverOf returns the child of a process, in any of its threads, that is a server: Go's runtime has others for a moment.
func serverOf(pid int) string {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid)) // it may not be there yet
	for _, task := range tasks {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		for child := range strings.FieldsSeq(string(text)) {
			if words, _ := os.ReadFile("/proc/" + child + "/cmdline"); bytes.Contains(words, []byte("\x00serve\x00")) {
				return child
			}
		}
	}
	return ""
}

// requireEnded fails if a process does not end.
func requireEnded(t *testing.T, pid string) {
	t.Helper()
	await.True(t, "the server ends", func() bool {
		state, err := os.ReadFile("/proc/" + pid + "/stat")
		return err != nil || strings.Contains(string(state), ") Z ")
	})
}

// TestVerifyInterrupted: Ctrl-C ends the server too, and is one line.
func TestVerifyInterrupted(t *testing.T) {
	var stderr bytes.Buffer
	cmd, server := startVerifying(t, &stderr)
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the code is looked at
	if text := stderr.String(); cmd.ProcessState.ExitCode() != exitError || !strings.HasPrefix(text, "redistill: --verify: ") ||
		!strings.HasSuffix(text, "interrupted\n") || strings.Count(text, "\n") != 1 {
		t.Errorf("got %v, %q", cmd.ProcessState, text)
	}
	requireEnded(t, server)
}

// TestVerifyKilled: not even then the server is left over.
func TestVerifyKilled(t *testing.T) {
	var stderr bytes.Buffer
	cmd, server := startVerifying(t, &stderr)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	requireEnded(t, server)
}

// TestPlanClosedPipe: a reader that went away is no stack trace.
func TestPlanClosedPipe(t *testing.T) {
	for _, output := range []string{"table", "json", "csv", "markdown", "toml"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		var stderr bytes.Buffer
		cmd := exec.Command("redistill", "plan", "--item", "a=1:1B", "--output", output)
		cmd.Stdout, cmd.Stderr = w, &stderr
		err = cmd.Run()
		w.Close()
		if err == nil || strings.Count(stderr.String(), "\n") > 1 {
			t.Errorf("%s: got %v, %s", output, err, &stderr)
		}
	}
}

// TestVerifyServerEnds: what the server said last is in the one line.
func TestVerifyServerEnds(t *testing.T) {
	var stderr bytes.Buffer
	cmd, server := startVerifying(t, &stderr)
	pid, err := strconv.Atoi(server)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the code is looked at
	if text := stderr.String(); cmd.ProcessState.ExitCode() != exitError || !strings.HasPrefix(text, "redistill: --verify: ") ||
		!strings.Contains(text, "ended") || strings.Count(text, "\n") != 1 {
		t.Errorf("got %v, %q", cmd.ProcessState, text)
	}
}

// TestPlanNarrowTerminal: on 20 columns no line is longer, but for words that are.
func TestPlanNarrowTerminal(t *testing.T) {
	got := onTerminal(t, 20, nil, nil, "plan", "--item", "sessions=1M:256B:ttl=24h", "--memory", "100mb", "--item", "big=10:2MB")
	for line := range strings.SplitSeq(got, "\r\n") {
		if len([]rune(line)) > 20 && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("%q is longer than the terminal", line)
		}
	}
	for _, want := range []string{"sessions item", "overhead", "max_memory", "item>1MB", "wanted"} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in %q", want, got)
		}
	}
}

// TestPlanFromTLS: certificates are checked unless that is refused.
func TestPlanFromTLS(t *testing.T) {
	clearEnvironment(t)
	_, cert, key := certificate(t)
	_, log, _ := serverProcess(t, "--tls", "--tls-port", "auto", "--tls-cert-path", cert, "--tls-key-path", key)
	_, port := log.ports(t)
	await.True(t, "the server starts", func() bool {
		nc, err := net.Dial("tcp", "127.0.0.1:"+port)
		return err == nil && nc.Close() == nil
	})
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--from", "rediss://127.0.0.1:" + port, "--cacert", cert}, "redistill: --from: rediss://127.0.0.1:" + port + ": the database is empty\n"},
		{[]string{"--from", "rediss://127.0.0.1:" + port}, "certificate signed by unknown authority"},
		{[]string{"--from", "redis://127.0.0.1:" + port, "--cacert", cert}, "need a rediss:// target"},
		{[]string{"--item", "a=1:1B", "--insecure"}, "need a rediss:// target"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"plan"}, test.flags...), nil, &stdout, &stderr)
		if code != exitError || !strings.Contains(stderr.String(), test.want) || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%v: got exit code %d, %s", test.flags, code, stderr.String())
		}
	}
}
