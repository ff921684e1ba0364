package soak

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/tools/client"
)

// browser asks without keeping connections, which would count in the end.
var browser = &http.Client{Timeout: await.Limit, Transport: &http.Transport{DisableKeepAlives: true}}

// page returns what the HTTP listener answers.
func (sc *scene) page(path string) (string, error) {
	r, err := browser.Get("http://" + sc.httpAddr + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s: %.200q, %w", path, r.Status, text, err)
	}
	return string(text), nil
}

// scrape asks as Prometheus and load balancers do.
func (sc *scene) scrape() error {
	for _, path := range []string{"/healthz", "/readyz", "/health", "/metrics", "/debug/pprof/goroutine?debug=1"} {
		text, err := sc.page(path)
		if err != nil {
			return err
		}
		var health struct{ Status string }
		switch {
		case strings.Contains(text, "s3cret"):
			return fmt.Errorf("%s has a password", path)
		case path == "/health":
			if err := json.Unmarshal([]byte(text), &health); err != nil || health.Status != "ok" {
				return fmt.Errorf("/health: %q, %w", text, err)
			}
		}
	}
	sc.tally.scrapes.Add(1)
	return nil
}

// monitor watches all commands for a while. Those of another connection come in their order, and no password with them.
func (sc *scene) monitor() error {
	speaker, err := dialConsole(sc.Addr)
	if err != nil {
		return err
	}
	defer speaker.close()
	return sc.inRegime(func(bool) error {
		conn, err := net.Dial("tcp", sc.Addr)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(await.Deadline())
		err = sc.follow(conn, speaker)
		if errors.As(err, &lost{}) && !timedOut(err) {
			return nil // it was too slow for what others say
		}
		return err
	})
}

// follow is monitor for a connection. The speaker says numbers, which the lines have to show one after the other.
func (sc *scene) follow(conn net.Conn, speaker *console) error {
	if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
		return lost{err}
	}
	in := client.NewReader(conn, largestReply)
	if got, err := readReply(in); err != nil || string(got) != "+OK\r\n" {
		return fmt.Errorf("MONITOR: got %q: %w", got, err)
	}
	for n := range 20 {
		word := fmt.Sprint("spoken-", n)
		if err := speaker.expect(fmt.Sprintf("$%d\r\n%s", len(word), word), "ECHO", word); err != nil {
			return err
		}
		for {
			got, err := readReply(in)
			if err != nil {
				return fmt.Errorf("MONITOR before %q: %w", word, err)
			}
			sc.tally.monitored.Add(1)
			line := string(got)
			if line[0] != '+' || !strings.HasSuffix(line, "\"\r\n") || !strings.Contains(line, "] \"") || strings.Contains(line, "s3cret") {
				return fmt.Errorf("MONITOR shows %.200q", line)
			}
			if _, spoken, ok := strings.Cut(line, `] "ECHO" "spoken-`); ok {
				if spoken != fmt.Sprint(n, "\"\r\n") {
					return fmt.Errorf("MONITOR shows %q in the place of %q", line, word)
				}
				break
			}
		}
		if sc.changing.Load() || sc.over() {
			break
		}
	}
	return nil
}

// flushed is the database that flusher has for itself.
const flushed = "9"

// flusher writes keys into a database of its own, looks that they are there, and flushes it.
type flusher struct {
	*scene
	r       *rand.Rand
	console *console
}

func newFlusher(sc *scene) (*flusher, error) {
	f := &flusher{sc, rand.New(rand.NewPCG(*seed, 2<<32)), sc.console()}
	return f, f.console.expect("+OK", "SELECT", flushed)
}

func (f *flusher) round() error {
	return f.inRegime(func(tight bool) error {
		n := 1 + f.r.IntN(300)
		for i := range n {
			got, err := f.console.do("SET", fmt.Sprint("flush:", i), strconv.Itoa(i))
			if err != nil || string(got) != "+OK\r\n" && !(tight && strings.HasPrefix(string(got), "-OOM ")) {
				return fmt.Errorf("SET: got %q, %w", got, err)
			}
		}
		got, err := f.console.do("DBSIZE")
		if err != nil || string(got) != fmt.Sprintf(":%d\r\n", n) && !tight {
			return fmt.Errorf("DBSIZE after %d keys: got %q, %w", n, got, err)
		}
		f.tally.flushes.Add(1)
		return errors.Join(
			f.console.expect("+OK", "FLUSHDB", []string{"ASYNC", "SYNC"}[f.r.IntN(2)]),
			f.console.expect(":0", "DBSIZE"),
		)
	})
}
