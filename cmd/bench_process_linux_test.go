package cmd

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// benchProcess is 'redistill bench' as a process, with a server that it spawned and
// that answers on a socket as well.
type benchProcess struct {
	*exec.Cmd
	socket         string
	stdout, stderr bytes.Buffer
}

// startBench starts bench in a process group of its own, as a shell does, and
// returns when it measures.
func startBench(t *testing.T, args ...string) *benchProcess {
	t.Helper()
	p := &benchProcess{socket: filepath.Join(t.TempDir(), "s")}
	server := "redistill serve --bind 127.0.0.1 --port {port} --max-memory 100mb --unix-socket " + p.socket
	p.Cmd = exec.Command("redistill", append([]string{"bench", server, "--keys", "10", "--warmup", "0s", "--duration", "1m"}, args...)...)
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() }) // it has ended, unless the test failed
	deadline := time.Now().Add(time.Minute)
	for !p.measures() {
		if time.Now().After(deadline) {
			t.Fatal("bench does not get so far that it measures")
		}
		time.Sleep(20 * time.Millisecond)
	}
	return p
}

// measures reports whether the server has answered GETs.
func (p *benchProcess) measures() bool {
	stats, err := ask(p.socket, "INFO stats")
	_, hits, there := strings.Cut(stats, "keyspace_hits:") // not in what it says until it has looked for a snapshot
	return err == nil && there && !strings.HasPrefix(hits, "0\r\n")
}

// ask sends a command to a Unix socket and returns what comes until there are two
// empty lines, or the end.
func ask(socket, command string) (string, error) {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "%s\r\nQUIT\r\n", command); err != nil {
		return "", err
	}
	reply, err := io.ReadAll(c)
	return string(reply), err
}

// requireGone fails if the server still answers, or does so again.
func (p *benchProcess) requireGone(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		if _, err := ask(p.socket, "PING"); err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the server of --spawn goes on after bench has ended")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestBenchInterrupted: Ctrl-C, which a terminal sends to all processes of a
// group, ends bench with what it measured, and its server with it.
func TestBenchInterrupted(t *testing.T) {
	p := startBench(t)
	if err := syscall.Kill(-p.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait() // the code is looked at
	if p.ProcessState.ExitCode() != exitPartial || p.stderr.String() != "redistill: the results are partial: interrupted\n" {
		t.Errorf("got %v, %s", p.ProcessState, &p.stderr)
	}
	for _, want := range []string{"\nPARTIAL: the run ended early: interrupted\n", "\nPARTIAL RESULTS: interrupted\n", "hit rate 100.00 %, 10 keys", "resident"} {
		if !strings.Contains(p.stdout.String(), want) {
			t.Errorf("there is no %q in\n%s", want, &p.stdout)
		}
	}
	if _, err := ask(p.socket, "PING"); err == nil {
		t.Error("the server goes on")
	}
}

// TestBenchKilled: not even then the server is left over.
func TestBenchKilled(t *testing.T) {
	p := startBench(t)
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
	p.requireGone(t)
}

// TestBenchServerEnds: what was measured until then is reported, and what the
// server said last.
func TestBenchServerEnds(t *testing.T) {
	p := startBench(t, "--output", "json")
	_, _ = ask(p.socket, "SHUTDOWN NOSAVE")
	_ = p.Wait()
	if p.ProcessState.ExitCode() != exitPartial || !strings.HasPrefix(p.stderr.String(), "redistill: the results are partial: ") ||
		!strings.Contains(p.stderr.String(), "; it ended: ") || strings.Count(p.stderr.String(), "\n") != 1 {
		t.Errorf("got %v, %s", p.ProcessState, &p.stderr)
	}
	if !regexp.MustCompile(`"requests": [1-9]`).Match(p.stdout.Bytes()) || strings.Count(p.stdout.String(), `"problem": `) != 2 {
		t.Errorf("got %s", &p.stdout)
	}
}

// TestBenchClosedPipe: a reader that went away is an error of one line.
func TestBenchClosedPipe(t *testing.T) {
	for _, output := range benchOutputs {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		var stderr bytes.Buffer
		cmd := exec.Command("redistill", "bench", "--requests", "100", "--keys", "10", "--warmup", "0s", "--output", output)
		cmd.Stdout, cmd.Stderr = w, &stderr
		_ = cmd.Run() // the code is looked at
		w.Close()
		if cmd.ProcessState.ExitCode() != exitError || stderr.String() != "redistill: writing the report: write /dev/stdout: broken pipe\n" {
			t.Errorf("%s: got %v, %s", output, cmd.ProcessState, &stderr)
		}
	}
}

// onTerminal runs bench with stderr, and stdout if it is nil, on a terminal, and
// returns what that got.
func onTerminal(t *testing.T, columns uint16, stdout io.Writer, args ...string) string {
	t.Helper()
	return programOnTerminal(t, columns, stdout, append([]string{"bench", "--keys", "100", "--warmup", "0s", "--connections", "2"}, args...)...)
}

// programOnTerminal is onTerminal for any command.
func programOnTerminal(t *testing.T, columns uint16, stdout io.Writer, args ...string) string {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Skipf("skipped, because there are no pseudo terminals: %v", err)
	}
	defer master.Close()
	defer slave.Close()
	if err := pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("redistill", args...)
	cmd.Env = append(os.Environ(), "TERM=xterm")
	cmd.Stdout, cmd.Stderr = stdout, slave
	if stdout == nil {
		cmd.Stdout = slave
	}
	got := make(chan string)
	go func() {
		text, _ := io.ReadAll(bufio.NewReader(master)) // it ends with an error, when all slaves are closed
		got <- string(text)
	}()
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
	slave.Close()
	return <-got
}

// control are the sequences that move the cursor.
var control = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// TestBenchNarrowTerminal: on 20 columns no line is longer, but for words that are.
func TestBenchNarrowTerminal(t *testing.T) {
	got := onTerminal(t, 20, nil, "--duration", "1500ms", "--repeat", "2")
	if !regexp.MustCompile(`[12]/2 measure \[.*\] \d+ %`).MatchString(got) {
		t.Errorf("there is no progress in %q", got)
	}
	_, report, found := strings.Cut(got, "profile session")
	if !found {
		t.Fatalf("there is no report in %q", got)
	}
	for line := range strings.SplitSeq(control.ReplaceAllString(report, ""), "\r\n") {
		if len([]rune(line)) > 20 && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("%q is longer than the terminal", line)
		}
	}
	for _, want := range []string{"all µs", "p99.99", "median", "throughput"} {
		if !strings.Contains(report, want) {
			t.Errorf("there is no %q in %q", want, report)
		}
	}
}

// TestBenchProgressBeside: the bar is on the terminal although the report is not,
// and nothing of it stays.
func TestBenchProgressBeside(t *testing.T) {
	var stdout bytes.Buffer
	got := onTerminal(t, 80, &stdout, "--duration", "4s", "--output", "csv")
	if !strings.Contains(got, "measure [") || !strings.HasPrefix(stdout.String(), "target,profile,") {
		t.Errorf("got %q and %q", got, stdout.String())
	}
	if strings.Contains(stdout.String(), "measure") || !strings.HasSuffix(got, "\x1b[J") {
		t.Errorf("the bar is left over in %q", got)
	}
}

// TestBenchManyConnections: 10,000 of them work, without another setting.
func TestBenchManyConnections(t *testing.T) {
	const connections = 10_000
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Max < connections+1000 {
		t.Skipf("skipped, because a process may have %d files only", limit.Max)
	}
	var stderr bytes.Buffer
	cmd := exec.Command("redistill", "bench", "--connections", fmt.Sprint(connections), "--requests", "30000", "--keys", "1000", "--warmup", "0s", "--timeout", "1m")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), "30000 in ") || !strings.Contains(string(out), " 0 errors") {
		t.Errorf("got %v, %s%s", err, out, &stderr)
	}
}
