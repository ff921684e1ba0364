package cmd

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"github.com/redistill/redistill/test/await"
)

// console is a program on a terminal, as its user sees it.
type console struct {
	t      *testing.T
	pid    int
	pty    *os.File
	mu     sync.Mutex // of screen and raw
	screen *vt.Emulator
	raw    []byte        // all that the program wrote
	drawn  chan struct{} // has an element when the screen changed, and is closed at its end
	exited chan error
}

// openConsole runs redistill on a terminal of a size, in columns and rows.
func openConsole(t *testing.T, width, height int, args ...string) *console {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("skipped, because this system has no pseudo-terminals")
	}
	c := exec.Command("redistill", args...)
	c.Env = append(os.Environ(), "TERM=xterm-256color")
	file, err := pty.StartWithSize(c, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)})
	if err != nil {
		t.Fatal(err)
	}
	s := &console{t: t, pid: c.Process.Pid, pty: file, screen: vt.NewEmulator(width, height), drawn: make(chan struct{}, 1), exited: make(chan error, 1)}
	go s.read()
	go s.answer()
	go func() { s.exited <- c.Wait() }()
	t.Cleanup(func() {
		_ = c.Process.Kill() // an error if it has ended, as it should have
		s.pty.Close()        // the screen stays open, for its Close races with answer
	})
	return s
}

// read draws what the program writes.
func (s *console) read() {
	defer close(s.drawn)
	buf := make([]byte, 64<<10)
	for {
		n, err := s.pty.Read(buf)
		s.mu.Lock()
		s.raw = append(s.raw, buf[:n]...)
		_, _ = s.screen.Write(buf[:n]) // fails after Close only
		s.mu.Unlock()
		if err != nil {
			return
		}
		select {
		case s.drawn <- struct{}{}:
		default:
		}
	}
}

// answer gives the program what it asked the terminal for.
func (s *console) answer() { _, _ = io.Copy(s.pty, s.screen) }

// resize gives the terminal another size.
func (s *console) resize(width, height int) {
	s.t.Helper()
	s.mu.Lock()
	s.screen.Resize(width, height)
	s.mu.Unlock()
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *console) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.String()
}

// wait returns when the screen is as wanted.
func (s *console) wait(what string, ok func(text string) bool) {
	s.t.Helper()
	deadline := time.After(await.Limit)
	for !ok(s.text()) {
		select {
		case _, open := <-s.drawn:
			if !open && !ok(s.text()) {
				s.t.Fatalf("%s: the program ended with\n%s", what, s.text())
			}
		case <-deadline:
			s.t.Fatalf("%s: the screen stays\n%s", what, s.text())
		}
	}
}

func (s *console) waitFor(words ...string) {
	s.t.Helper()
	s.wait(fmt.Sprintf("waiting for %q", words), func(text string) bool {
		for _, w := range words {
			if !strings.Contains(text, w) {
				return false
			}
		}
		return true
	})
}

func (s *console) send(keys string) {
	s.t.Helper()
	if _, err := s.pty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// waitExit returns the exit code.
func (s *console) waitExit() int {
	s.t.Helper()
	select {
	case err := <-s.exited:
		if exit, ok := err.(*exec.ExitError); ok {
			return exit.ExitCode()
		}
		if err != nil {
			s.t.Fatal(err)
		}
	case <-time.After(await.Limit):
		s.t.Fatalf("the program does not end:\n%s", s.text())
	}
	return 0
}

// TestWatch looks at 'redistill stats --watch' on a terminal that changes its
// size, while the server goes away and comes back.
func TestWatch(t *testing.T) {
	clearEnvironment(t)
	_, log, stop := serverProcess(t)
	port, _ := log.ports(t)
	c := connectTo(t, "127.0.0.1:"+port)
	if _, err := c.Do("SET", "a", "b"); err != nil {
		t.Fatal(err)
	}
	s := openConsole(t, 120, 36, "stats", "127.0.0.1:"+port, "--watch", "--interval", "50ms", "--timeout", await.Limit.String())
	s.waitFor("Redistill", "redis://127.0.0.1:"+port, "q quits", "hit rate", "since start", "of 128MB", "▅", "db0", "latency|histogr", "Slowest")
	if !s.screen.IsAltScreen() {
		t.Error("the screen is not a full one")
	}
	s.resize(20, 10)
	s.wait("20 columns", func(text string) bool {
		return strings.HasPrefix(text, "Redistill ") && strings.Contains(text, "\nhit rate") && strings.Contains(text, "\ncores") && !strings.Contains(text, "since")
	})
	s.resize(80, 24)
	s.waitFor("q quits", "since start", "Memory", "left to the limit")

	stop()
	s.waitFor("no answer for", "connection refused", "of 128MB")
	serverProcess(t, "--port", port)
	s.wait("the server is back", func(text string) bool {
		return !strings.Contains(text, "no answer") && strings.Contains(text, "(empty)")
	})
	s.send("q")
	if code := s.waitExit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for range s.drawn { // until the last byte
	}
	if s.screen.IsAltScreen() || s.screen.CursorHidden() {
		t.Error("the terminal is not as before")
	}
}

// TestWatchEndsWhileServerHangs: a server that does not answer keeps nobody.
func TestWatchEndsWhileServerHangs(t *testing.T) {
	clearEnvironment(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // answers PING alone
		conn, err := l.Accept()
		if err == nil {
			_, _ = io.WriteString(conn, "+PONG\r\n")
			_, _ = io.Copy(io.Discard, conn)
		}
	}()
	s := openConsole(t, 80, 24, "stats", l.Addr().String(), "--watch", "--timeout", "1h")
	s.waitFor("waiting for the first answer")
	s.send("\x03") // Ctrl-C
	if code := s.waitExit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestPasswordPrompt(t *testing.T) {
	clearEnvironment(t)
	t.Setenv("REDISCLI_AUTH", "")
	_, log, _ := serverProcess(t, "--password", "open-sesame")
	port, _ := log.ports(t)
	connectTo(t, "redis://:open-sesame@127.0.0.1:"+port)
	for _, test := range []struct {
		typed string
		code  int
		want  string
	}{
		{"open-sesame", 0, "Traffic"},
		{"wrong-word", 1, "redistill: connecting to redis://127.0.0.1:" + port + ": the server replied: WRONGPASS"},
	} {
		s := openConsole(t, 200, 100, "stats", "127.0.0.1:"+port, "--timeout", await.Limit.String())
		s.waitFor("Password for redis://127.0.0.1:" + port + ":")
		s.send(test.typed + "\r")
		if code := s.waitExit(); code != test.code {
			t.Errorf("%s: exit code %d", test.typed, code)
		}
		s.waitFor(test.want)
		s.mu.Lock()
		if text := ansi.Strip(string(s.raw)); strings.Contains(text, test.typed) {
			t.Errorf("the password is shown:\n%s", text)
		}
		s.mu.Unlock()
	}
}
