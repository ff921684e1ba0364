//go:build unix && !aix && !solaris

package atomicfile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe under the name of a file that was left behind keeps nobody waiting.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	pipe := path + ".1" + suffix
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Skip("skipped, because pipes cannot be made here: ", err)
	}
	if err := Write(path, []byte("text"), 0o600); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(pipe); err != nil {
		t.Errorf("the pipe: %v", err)
	}
}

// What is being written is not taken for what was left behind.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	removeLeft(path)
	if !named(f.File) {
		t.Error("the file was removed while it was written")
	}
	_ = f.Close() // as the end of the process does
	removeLeft(path)
	if _, err := os.Lstat(f.Name()); !os.IsNotExist(err) {
		t.Errorf("after the process has ended: %v", err)
	}
}
