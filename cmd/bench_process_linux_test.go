package cmd

import (
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

	"github.com/creack/pty"

	"github.com/redistill/redistill/test/await"
)

// benchProcess is 'redistill bench' as a process, with a server that it spawned and
// that answers on a socket as well.
type benchProcess struct {
	*exec.Cmd
	socket         string
	stdout, stderr bytes.Buffer
}

// startBench starts bench in a process group of its own, as a shell does, and
// returns when it has measured something.
func startBench(t *testing.T, args ...string) *benchProcess {
	t.Helper()
	p := &benchProcess{socket: filepath.Join(t.TempDir(), "s")}
	server := "redistill serve --bind 127.0.0.1 --port {port} --max-memory 100mb --unix-socket " + p.socket
	p.Cmd = exec.Command("redistill", append([]string{
		"bench", server, "--connections", "1", "--pipeline", "1", "--keys", "10", "--warmup", "0s",
		"--duration", "1h", "--timeout", await.Limit.String(),
	}, args...)...)
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() }) // it has ended, unless the test failed
	await.True(t, "bench gets so far that it measures", p.hasMeasured)
	return p
}

// hasMeasured reports whether the server has answered two GETs. The only connection
// sends the second when it has recorded the reply to the first.
func (p *benchProcess) hasMeasured() bool {
	stats, err := ask(p.socket, "INFO stats")
	_, hits, there := strings.Cut(stats, "keyspace_hits:") // not in what it says until it has looked for a snapshot
	return err == nil && there && !strings.HasPrefix(hits, "0\r\n") && !strings.HasPrefix(hits, "1\r\n")
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
	await.True(t, "the server of --spawn ends after bench", func() bool {
		_, err := ask(p.socket, "PING")
		return err != nil
	})
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
		cmd := exec.Command("redistill", "bench", "--requests", "100", "--keys", "10", "--warmup", "0s", "--timeout", await.Limit.String(), "--output", output)
		cmd.Stdout, cmd.Stderr = w, &stderr
		_ = cmd.Run() // the code is looked at
		w.Close()
		if cmd.ProcessState.ExitCode() != exitError || stderr.String() != "redistill: writing the report: write /dev/stdout: broken pipe\n" {
			t.Errorf("%s: got %v, %s", output, cmd.ProcessState, &stderr)
		}
	}
}

func (o *output) shows(what *regexp.Regexp) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return what.Match(o.text)
}

// benchOnTerminal is onTerminal for bench.
func benchOnTerminal(t *testing.T, columns uint16, stdout io.Writer, until *regexp.Regexp, args ...string) string {
	t.Helper()
	return onTerminal(t, columns, stdout, until,
		append([]string{"bench", "--keys", "100", "--warmup", "0s", "--connections", "2", "--timeout", await.Limit.String()}, args...)...)
}

// onTerminal runs the program with stderr, and stdout if it is nil, on a terminal,
// and returns what that got. If until is not nil, the program is interrupted when
// the terminal has got that.
func onTerminal(t *testing.T, columns uint16, stdout io.Writer, until *regexp.Regexp, args ...string) string {
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
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, unless the test failed
	var got output
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(&got, master) // it ends with an error, when all slaves are closed
		close(ended)
	}()
	want := exitOK
	if until != nil {
		await.True(t, "the terminal shows "+until.String(), func() bool { return got.shows(until) })
		_ = cmd.Process.Signal(os.Interrupt)
		want = exitPartial
	}
	_ = cmd.Wait() // the code is looked at
	if code := cmd.ProcessState.ExitCode(); code != want {
		t.Errorf("exit code %d, want %d", code, want)
	}
	slave.Close()
	<-ended
	return string(got.text)
}

// control are the sequences that move the cursor.
var control = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// TestBenchNarrowTerminal: on 20 columns no line is longer, but for words that are.
func TestBenchNarrowTerminal(t *testing.T) {
	benchOnTerminal(t, 20, nil, regexp.MustCompile(`1/2 measure \[.*\] \d+ %`), "--duration", "1h", "--repeat", "2")
	got := benchOnTerminal(t, 20, nil, nil, "--requests", "500", "--repeat", "2")
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
	got := benchOnTerminal(t, 80, &stdout, regexp.MustCompile(`measure \[`), "--duration", "1h", "--output", "csv")
	if !strings.HasPrefix(stdout.String(), "target,profile,") {
		t.Errorf("got %q and %q", got, stdout.String())
	}
	got, _, _ = strings.Cut(got, "redistill: the results are partial")
	if strings.Contains(stdout.String(), "measure") || !strings.HasSuffix(got, "\x1b[J") {
		t.Errorf("the bar is left over in %q", got)
	}
}

// TestBenchManyConnections: 10,000 of them work, without another setting. Under the
// race detector it is 2,000, which are more than a process may have at first too.
func TestBenchManyConnections(t *testing.T) {
	connections := uint64(10_000)
	if raceDetector {
		connections = 2000
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Max < connections+1000 {
		t.Skipf("skipped, because a process may have %d files only", limit.Max)
	}
	var stderr bytes.Buffer
	cmd := exec.Command("redistill", "bench", "--connections", fmt.Sprint(connections), "--requests", fmt.Sprint(3*connections), "--keys", "1000", "--warmup", "0s", "--timeout", await.Limit.String())
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), fmt.Sprint(3*connections, " in ")) || !strings.Contains(string(out), " 0 errors") {
		t.Errorf("got %v, %s%s", err, out, &stderr)
	}
}
