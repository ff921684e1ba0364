//go:build unix

package snapshot_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/snapshot"
	"github.com/redistill/redistill/test/await"
)

// Loading ends when it is told to, also in the middle of a value that is skipped.
func TestStopInTheMiddle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.rdb")
	const size = 1 << 38 // it is a list with a hole, whose zeros are empty strings
	list := []byte("REDIS0009\x01\x04list\x81\xff\xff\xff\xff\xff\xff\xff\xff")
	if err := errors.Join(os.WriteFile(path, list, 0o600), os.Truncate(path, size)); err != nil {
		t.Fatal(err)
	}
	s, _ := openStore(t, engine.Options{})
	l := &snapshot.Loader{Store: s, Path: path, MaxString: 1 << 20, Skip: true}
	stopped, ended := errors.New("stopped"), make(chan error, 1)
	go func() { ended <- l.Run() }()
	await.True(t, "it loads", func() bool { return l.Read.Load() > 1<<20 })
	l.Stop(stopped)
	if err := await.Receive(t, "the loading ends", ended); !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
	if l.Read.Load() == size {
		t.Error("all of it was read")
	}
}

// Nobody waits for a pipe in the place of the file.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	s, tx := openStore(t, engine.Options{})
	want := path + " is not a regular file"
	if _, err := load(s, path); err == nil || err.Error() != want {
		t.Errorf("loading: got %v, want %s", err, want)
	}
	if _, err := snapshot.Save(begin(t, tx), path, "7.0.15"); err == nil || err.Error() != want {
		t.Errorf("saving: got %v, want %s", err, want)
	}
}
