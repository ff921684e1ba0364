package soak

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/resp"
	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/spawn"
)

// scene is a server and what its clients have to know of each other.
type scene struct {
	*server
	t        *testing.T
	tlsAddr  string
	httpAddr string
	certs    *certificates
	stop     chan struct{} // closed when the time is over

	// regime is held for reading by whoever relies on tight as it is.
	regime   sync.RWMutex
	tight    bool        // memory is short, so that keys may be missing, writes refused and clients closed
	changing atomic.Bool // regime is about to be locked: whoever holds it shall let go soon

	// ACL LOAD ends the connections of all users but the default one.
	loadsBegun, loadsDone atomic.Int64
	// narrowed is odd while some handshakes are refused on purpose, and changes with that.
	narrowed atomic.Int64

	tally tally
}

// tally counts what happened.
type tally struct {
	rounds, commands, connections, lost, killed, loads, rules, scans, scrapes, monitored, regimes, reloads, rotations, snapshots,
	failedSnapshots, missed, refusals, flushes atomic.Int64
}

func (c *tally) String() string {
	var b strings.Builder
	for _, n := range []struct {
		name  string
		count *atomic.Int64
	}{
		{"rounds of the director", &c.rounds}, {"commands", &c.commands}, {"connections", &c.connections}, {"lost while memory was short", &c.lost},
		{"keys and fields missing", &c.missed}, {"commands refused for want of memory", &c.refusals}, {"killed", &c.killed},
		{"ended by ACL LOAD", &c.loads}, {"changes of rules", &c.rules}, {"scans", &c.scans}, {"scrapes", &c.scrapes},
		{"lines of MONITOR", &c.monitored}, {"changes of the memory's regime", &c.regimes}, {"reloads", &c.reloads},
		{"rotations of the certificate", &c.rotations}, {"snapshots loaded", &c.snapshots}, {"snapshots given up", &c.failedSnapshots},
		{"flushes", &c.flushes},
	} {
		fmt.Fprintf(&b, "\n%12d %s", n.count.Load(), n.name)
	}
	return b.String()
}

// settingsFile is what the server is configured with, beside flags.
const settingsFile = `# The settings of a soak
[server]
tls_port = "auto"
shutdown_grace_period_secs = 600

[security]
acl_file = "users.acl"
enable_debug_command = "local"
tls_cert_path = "tls/server.crt"
tls_key_path = "tls/server.key"
tls_client_ca = "clients.crt"
tls_client_auth = "optional" # CONFIG SET changes it for moments
tls_client_user = "common_name"

[memory]
max_memory = "2gb"
eviction_policy = "noeviction"

[persistence]
enabled = true
snapshot_interval = 0

[http]
bind = "127.0.0.1:0"
pprof = true
`

// newScene starts a server on an I/O path with everything that clients may want.
func newScene(t *testing.T, path string) *scene {
	t.Helper()
	dir := t.TempDir()
	sc := &scene{t: t, certs: newCertificates(t, dir), stop: make(chan struct{})}
	args := redistill(t, path, "--config", "redistill.toml")
	write(t, filepath.Join(dir, "redistill.toml"), settingsFile)
	write(t, filepath.Join(dir, "users.acl"), "user default on nopass ~* &* +@all\n")
	sc.server = startServerIn(t, dir, args...)
	_, port := spawn.ChosenPorts([]byte(sc.Log()))
	sc.tlsAddr = net.JoinHostPort("127.0.0.1", port)
	sc.Eventually("it serves HTTP", func() bool {
		_, rest, ok := strings.Cut(sc.Log(), `msg="serving health and metrics over HTTP" address=`)
		if ok {
			sc.httpAddr = strings.Fields(rest)[0]
		}
		return ok
	})
	return sc
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// over reports whether the time is over.
func (sc *scene) over() bool {
	select {
	case <-sc.stop:
		return true
	default:
		return sc.t.Failed()
	}
}

// rest waits for a while, and reports whether the time is not over.
func (sc *scene) rest(d time.Duration) bool {
	select {
	case <-sc.stop:
		return false
	case <-time.After(d):
		return !sc.over()
	}
}

// repeat calls f again and again until the time is over, with a rest in between. The first error fails the test.
func (sc *scene) repeat(what string, pause time.Duration, f func() error) {
	for {
		if err := f(); err != nil {
			sc.t.Errorf("%s: %v", what, err)
			return
		}
		if !sc.rest(pause) {
			return
		}
	}
}

// inRegime calls f while the regime does not change.
func (sc *scene) inRegime(f func(tight bool) error) error {
	sc.regime.RLock()
	defer sc.regime.RUnlock()
	return f(sc.tight)
}

// console is a connection of the default user, whose replies come one by one.
type console struct {
	conn net.Conn
	in   *client.Reader
	out  resp.Out
}

func dialConsole(address string) (*console, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &console{conn: conn, in: client.NewReader(conn, largestReply)}, nil
}

// console opens one for as long as the test runs, which is not closed where memory is short.
func (sc *scene) console() *console {
	sc.t.Helper()
	c, err := dialConsole(sc.Addr)
	if err == nil {
		err = c.expect("+OK", "CLIENT", "NO-EVICT", "ON")
	}
	if err != nil {
		sc.t.Error(err)
		sc.t.FailNow()
	}
	return c
}

func (c *console) close() { _ = c.conn.Close() }

// do returns the reply to a command, as it came. It is valid until the next call.
func (c *console) do(words ...string) ([]byte, error) {
	c.send(words...)
	return c.reply()
}

// send sends a command. An error comes with the reply.
func (c *console) send(words ...string) {
	c.out.B = c.out.B[:0]
	c.out.Array(len(words))
	for _, w := range words {
		c.out.BulkString(w)
	}
	_ = c.conn.SetDeadline(await.Deadline())
	_, _ = c.conn.Write(c.out.B)
}

func (c *console) reply() ([]byte, error) { return readReply(c.in) }

// expect is do for a reply that is known, without its end of line.
func (c *console) expect(want string, words ...string) error {
	got, err := c.do(words...)
	if err == nil && string(got) != want+"\r\n" {
		err = fmt.Errorf("got %.200q, want %.200q", got, want)
	}
	if err != nil {
		return fmt.Errorf("%.200q: %w", words, err)
	}
	return nil
}

// text returns the string that a command replies.
func (c *console) text(words ...string) (string, error) {
	got, err := c.do(words...)
	if err != nil {
		return "", err
	}
	_, body, ok := bytes.Cut(got, []byte("\r\n"))
	if !ok || got[0] != '$' || len(body) < 2 {
		return "", fmt.Errorf("%q: got %.200q", words, got)
	}
	return string(body[:len(body)-2]), nil
}

// timedOut reports whether an error says that nothing came, rather than that a connection ended.
func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// info returns the fields of a section of INFO.
func (c *console) info(section string) (map[string]string, error) {
	text, err := c.text("INFO", section)
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields, err
}
