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

// A pipe, a device or a directory at the path itself stays there, and a file that a link leads to
// is replaced by one in the place of the link.
func TestNotRegular(t *testing.T) {
	dir := t.TempDir()
	pipe, below := filepath.Join(dir, "pipe"), filepath.Join(dir, "directory")
	device, link := filepath.Join(dir, "device"), filepath.Join(dir, "link")
	for _, err := range []error{
		syscall.Mkfifo(pipe, 0o600), os.Mkdir(below, 0o700), os.Symlink(os.DevNull, device), os.Symlink("file", link),
		os.WriteFile(filepath.Join(dir, "file"), []byte("old"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{pipe, below, device} {
		err := Write(path, []byte("text"), 0o600)
		if want := path + " is not a regular file"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := Write(link, []byte("text"), 0o600); err != nil {
		t.Error(err)
	}
	if old, _ := os.ReadFile(filepath.Join(dir, "file")); string(old) != "old" {
		t.Errorf("the file that the link led to has %q", old)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 5 {
		t.Errorf("there is %v", left)
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
