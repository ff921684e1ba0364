package atomicfile

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// holds fails the test unless the file of a path has this text and is alone in its directory.
func holds(t *testing.T, path, text string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != text {
		t.Errorf("the file has %.40q, want %.40q: %v", got, text, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("there is %v", left)
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	leave := func() {
		if err := os.WriteFile(path+".123"+suffix, []byte("what a process that was killed left behind"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if runtime.GOOS != "windows" { // where it cannot be told from one that is being written
		leave()
	}
	for _, text := range []string{"first", "second"} {
		if err := Write(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		holds(t, path, text)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o640 {
		t.Errorf("permissions %v, %v", info.Mode(), err)
	}
	if err := Write(filepath.Join(path, "in a file"), nil, 0o600); err == nil {
		t.Error("a file below a file was written")
	}
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("others may read it: %v, %v", info.Mode(), err)
	}
	_, _ = f.WriteString("third")
	f.Discard()
	holds(t, path, "second")
}

// Two that write the same file at once do not meet: the last one that is committed stays.
func TestTwoAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	var files [2]*File
	for i := range files {
		var err error
		if files[i], err = Create(path); err != nil {
			t.Fatal(err)
		}
	}
	for i, text := range []string{"first", "second"} {
		_, _ = files[i].WriteString(text)
		if err := files[i].Commit(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); string(got) != text {
			t.Errorf("got %q, %v, want %q", got, err, text)
		}
	}
	holds(t, path, "second")
}

// What another user has put into the directory is neither followed nor waited for, nor removed.
func TestInTheWay(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "file"), filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, path+".1"+suffix); err != nil {
		t.Skip("skipped, because links cannot be made here: ", err)
	}
	for _, name := range []string{path + suffix, path + ".x1" + suffix, path + ".1", path + "2.1" + suffix} {
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := filepath.Glob(filepath.Join(dir, "*"))
	if err := Write(path, []byte("text"), 0o600); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(other); string(got) != "other" {
		t.Errorf("the other file has %q", got)
	}
	if after, _ := filepath.Glob(filepath.Join(dir, "*")); len(after) != len(before)+1 {
		t.Errorf("there was %v, and is %v", before, after)
	}
}

// Of several writers at once each file is whole, and none fails.
func TestWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	var running sync.WaitGroup
	for n := range 4 {
		running.Go(func() {
			text := bytes.Repeat([]byte{'a' + byte(n)}, 100_000+n)
			for range 25 {
				if err := Write(path, text, 0o600); err != nil {
					t.Error(err)
				}
				got, err := os.ReadFile(path)
				if err != nil || len(got) < 100_000 || bytes.Count(got, got[:1]) != len(got) || len(got) != 100_000+int(got[0]-'a') {
					t.Errorf("a file of %d bytes is not whole, %v", len(got), err)
				}
			}
		})
	}
	running.Wait()
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("there is %v", left)
	}
}
