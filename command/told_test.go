package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLogIsLimited(t *testing.T) {
	var l limitedLog
	told, omitted := 0, 0
	count := func(at time.Time, n int) {
		for range n {
			tell, before := l.tell(at)
			if tell {
				told++
			}
			omitted += before
		}
	}
	start := time.Unix(1000, 0)
	count(start, 1000)
	if told != toldPerSecond || omitted != 0 {
		t.Errorf("in a second %d were told", told)
	}
	count(start.Add(time.Second), 1)
	if told != toldPerSecond+1 || omitted != 1000-toldPerSecond {
		t.Errorf("a second later %d were told, %d omitted", told, omitted)
	}
}

// A single line that was not logged is counted in the next one.
func TestOneOmittedLineIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l limitedLog
		var log bytes.Buffer
		for range toldPerSecond + 1 {
			l.warn(slog.New(slog.NewTextHandler(&log, nil)), "text")
		}
		if got := log.String(); strings.Contains(got, "not_logged_before") {
			t.Errorf("before any was omitted: %s", got)
		}
		time.Sleep(time.Second)
		log.Reset()
		l.warn(slog.New(slog.NewTextHandler(&log, nil)), "text")
		if got := log.String(); !strings.Contains(got, "not_logged_before=1\n") {
			t.Errorf("after one was omitted: %s", got)
		}
	})
}

// send runs one command of any words.
func (c *client) send(words ...string) {
	var args [][]byte
	for _, w := range words {
		args = append(args, []byte(w))
	}
	c.BeginBatch(time.Now().UnixMilli())
	c.Exec(&Request{Args: args})
	c.EndBatch()
}

// textLine is a line of the log as text: words without spaces or quotes, and quoted ones.
var textLine = regexp.MustCompile(`^time=\S+ level=(INFO|WARN|ERROR) msg=("([^"\\]|\\.)*"|\w+)( \w+=("([^"\\]|\\.)*"|[^\s"=]*))*$`)

// TestNobodyForgesTheLog has clients send what would be lines or fields of the log wherever they can choose a text: every event is one line,
// and every line is whole.
func TestNobodyForgesTheLog(t *testing.T) {
	const forged = "x\n\rtime=2026-01-01T00:00:00Z level=ERROR msg=\"forged\" \"}\n{\"msg\":\"forged\"}\x00\x1b[2J\u2028\xff\x85"
	for name, handler := range map[string]func(w io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			srv := newTestServer(t, "maxclients 1")
			srv.Log = slog.New(handler(&log))
			c := connect(t, srv)
			c.send("AUTH", forged, forged)
			c.send("HELLO", "3", "AUTH", forged, forged)
			c.send("HELLO", "3", "SETNAME", forged)
			c.send("CLIENT", "SETNAME", forged)
			c.send("CLIENT", "SETINFO", "LIB-NAME", forged)
			c.send("ACL", "SETUSER", forged, "on", ">"+forged, "~"+forged)
			c.send("CONFIG", "SET", "maxmemory-policy", forged)
			c.send("CONFIG", "SET", forged, forged)
			c.send("CONFIG", "SET", "requirepass", forged)
			c.send(forged, forged)
			c.TLSFailed(errors.New(forged))
			c.TLSFailed(io.EOF)
			_, _ = srv.NewSession(forged, forged, 3, func() {})
			c.Recovered(forged)
			lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
			if want := 6; len(lines) != want { // two logins, the password, a handshake, a refused client, a panic
				t.Errorf("%d lines, want %d", len(lines), want)
			}
			for _, line := range lines {
				if name == "text" && !textLine.MatchString(line) || name == "json" && !json.Valid([]byte(line)) {
					t.Errorf("not a line of the log: %q", line)
				}
				if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
					t.Errorf("control characters: %q", line)
				}
			}
			if c.clientName() != "" || strings.Count(c.do("CLIENT LIST"), "\n") != 3 {
				t.Errorf("name %q, CLIENT LIST %q", c.clientName(), c.do("CLIENT LIST"))
			}
		})
	}
}

// TestChangesOfSettingsAreLogged: one line for each that is different afterwards, by whom, and no secret.
func TestChangesOfSettingsAreLogged(t *testing.T) {
	var log bytes.Buffer
	srv := newLoggingServer(t, &log)
	c := connect(t, srv)
	c.expect("CONFIG SET timeout 5 maxclients 77", "+OK", "CONFIG SET timeout 5", "+OK", "CONFIG SET requirepass swordfish", "+OK")
	c.send("CONFIG", "SET", "timeout", "6", "maxclients", "none")
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	by := " client=127.0.0.1:50000 user=default"
	for i, want := range []string{
		"setting=server.connection_timeout old=0 new=5" + by, "setting=server.max_connections old=10000 new=77" + by,
		`setting=security.password old="" new=********` + by, "",
	} {
		if (i < len(lines)) != (want != "") || want != "" && !strings.Contains(lines[i], `msg="a setting was changed" `+want) {
			t.Errorf("line %d of %q: want %q", i, lines, want)
		}
	}
	if strings.Contains(log.String(), "swordfish") {
		t.Errorf("a password is in the log: %s", log.String())
	}
}

// TestRefusedClientsAreLogged: why, and no more than some in a second, for which the clock stands still.
func TestRefusedClientsAreLogged(t *testing.T) { synctest.Test(t, testRefusedClientsAreLogged) }

func testRefusedClientsAreLogged(t *testing.T) {
	var log bytes.Buffer
	srv := newLoggingServer(t, &log, "maxclients 1")
	connect(t, srv)
	for range 1000 {
		if _, err := srv.NewSession("127.0.0.1:7", "127.0.0.1:6379", 3, func() {}); err != errMaxClients {
			t.Fatalf("got %v", err)
		}
	}
	n := strings.Count(log.String(), `level=WARN msg="connection refused" because=max_connections client=127.0.0.1:7`)
	if n != toldPerSecond {
		t.Errorf("%d of 1000 refused clients are in the log, want %d", n, toldPerSecond)
	}
	if _, err := srv.NewSession("192.0.2.1:7", "192.0.2.2:6379", 3, func() {}); err != errProtected {
		t.Fatalf("got %v", err)
	}
}

// TestHandshakeFailuresAreLogged: but not those who only looked whether the port is open.
func TestHandshakeFailuresAreLogged(t *testing.T) {
	var log bytes.Buffer
	srv := newLoggingServer(t, &log)
	c := connect(t, srv)
	c.TLSFailed(io.EOF)
	c.TLSFailed(errors.New("tls: client didn't provide a certificate"))
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), `level=WARN msg="TLS handshake failed" client=127.0.0.1:50000 error="tls: client`) {
		t.Errorf("log: %s", log.String())
	}
	log.Reset()
	c.TLSFailed(errors.New("x509: certificate signed by unknown authority: " + strings.Repeat("x", 50_000))) // a name that the client chose
	if got := log.Len(); got < errorTold || got > 2*errorTold {
		t.Errorf("%d bytes are logged of an error of 50 KB", got)
	}
	if n := srv.total.tlsFailures.Load(); n != 3 {
		t.Errorf("%d failures are counted", n)
	}
}
