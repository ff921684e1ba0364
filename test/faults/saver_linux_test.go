package faults

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/netserver"
	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
)

// saver is a server that loads what was saved in a directory, with a client.
type saver struct {
	*servertest.Server
	*redis.Client
	metrics string // address
}

// startSaver starts a server that has its snapshot in a directory and saves when it is told to. Before stand words that start it, or none.
func startSaver(t *testing.T, dir string, before ...string) saver {
	t.Helper()
	s := servertest.StartIn(t, t.TempDir(), append(before, redistill(t, netserver.Portable, "--persistence", "--snapshot-interval", "0",
		"--save-on-shutdown=false", "--snapshot-path", filepath.Join(dir, "dump.rdb"), "--http", "127.0.0.1:0")...)...)
	c := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, DialerRetries: 1, DialTimeout: await.Limit, ReadTimeout: await.Limit})
	t.Cleanup(func() { _ = c.Close() })
	s.Eventually("it has loaded its snapshot", func() bool { return c.Ping(context.Background()).Err() == nil })
	where := regexp.MustCompile(`serving health and metrics over HTTP" address=(\S+)`).FindStringSubmatch(s.Log())
	if where == nil {
		t.Fatalf("the log does not say where metrics are:\n%s", s.Log())
	}
	return saver{s, c, "http://" + where[1] + "/metrics"}
}

// info returns the value of a field of INFO persistence.
func (s saver) info(t *testing.T, field string) string {
	t.Helper()
	_, rest, _ := strings.Cut(s.Info(t.Context(), "persistence").Val(), field+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

// last fails the test unless INFO and the metrics tell how the last snapshot went.
func (s saver) last(t *testing.T, status string, failed int) {
	t.Helper()
	if got := s.info(t, "rdb_last_bgsave_status"); got != status {
		t.Errorf("INFO says that the last snapshot went %q, want %q", got, status)
	}
	answer, err := http.Get(s.metrics)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if want := fmt.Sprintf("\nredistill_snapshot_last_failed %d\n", failed); err != nil || !bytes.Contains(text, []byte(want)) {
		t.Errorf("the metrics do not have %q, %v", want, err)
	}
}

// saved waits until no snapshot is being written.
func (s saver) saved(t *testing.T) {
	t.Helper()
	s.Eventually("no snapshot is being written", func() bool { return s.info(t, "rdb_bgsave_in_progress") == "0" })
}

// serves fails the test unless commands that read and write are answered.
func (s saver) serves(t *testing.T) {
	t.Helper()
	n := fmt.Sprint(time.Now().UnixNano())
	if err := s.Set(t.Context(), "served", n, 0).Err(); err != nil {
		t.Error(err)
	}
	if got, err := s.Get(t.Context(), "served").Result(); got != n {
		t.Errorf("read %q, %v, want %q", got, err, n)
	}
}
