//go:build unix

package snapshot_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/rdb"
	"github.com/redistill/redistill/internal/snapshot"
)

// Loading ends when it is told to, also in the middle of a value that is skipped.
func TestStopInTheMiddle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := openStore(t, engine.Options{})
	l := &snapshot.Loader{Store: s, Path: path, MaxString: 1 << 20, Skip: true}
	stopped, written := errors.New("stopped"), make(chan error, 1)
	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			written <- err
			return
		}
		defer f.Close()
		w := rdb.NewWriter(f, nil)
		_ = w.Key(1, []byte("a list without end"), 0, -1, -1)
		_ = w.Len(1 << 40)
		for err = w.String(make([]byte, 10_000)); err == nil; err = w.String(make([]byte, 10_000)) {
			if l.Read.Load() > 1<<20 {
				l.Stop(stopped)
			}
		}
		_ = w.Close()
		written <- err
	}()
	if err := l.Run(); !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
	if err := <-written; !errors.Is(err, syscall.EPIPE) {
		t.Errorf("writing ended with %v", err)
	}
}
