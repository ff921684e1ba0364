// Package atomicfile replaces files so that, whenever the machine stops, either the old one or the new
// one is there, and whole.
//
// A new file is written beside the old one, synchronised with the disk, and takes the old one's place;
// last the directory is synchronised. Its name is random, and it must not exist before: another user
// who may write to the directory can neither put a file, a link or a pipe there in advance, nor own
// what becomes the new file. The writer holds a lock of the file until it has its final name. So a file
// that nobody has locked was left behind by a process that was killed, and the next writer removes it.
// Windows has no such lock, and there it stays.
//
// What is at the path itself is replaced only if it is a regular file. A device or a pipe is there
// for another purpose.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// suffix is what the name of a file that is not complete ends with.
const suffix = ".tmp"

// File is a file that is being written. Either Commit or Discard must be called in the end.
type File struct {
	*os.File
	path string // of the file that it replaces
}

// Check returns an error if there is something at a path that is no regular file. It must not be
// replaced, and reading it may never end.
func Check(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	return nil // what is not there can be made; what cannot be reached gives an error later
}

// Create begins to replace the file of a path. Only the owner may read the new one. Several may be
// written at once: the last one that is committed stays. The errors are those of Check too.
func Create(path string) (*File, error) {
	if err := Check(path); err != nil {
		return nil, err
	}
	removeLeft(path)
	for {
		f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+suffix)
		if err != nil {
			return nil, err
		}
		lock(f)
		if named(f) {
			return &File{f, path}, nil
		}
		_ = f.Close() // somebody took it for one that was left behind, before it was locked
	}
}

// named reports whether a file still has the name that it was opened by, and is a regular one.
func named(f *os.File) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(f.Name())
	return err == nil && there.Mode().IsRegular() && os.SameFile(opened, there)
}

// leftBy returns the names of files that were begun to replace the file of a path, and are there still.
func leftBy(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	var names []string
	for _, entry := range entries {
		middle, ok := strings.CutPrefix(entry.Name(), filepath.Base(path)+".")
		middle, is := strings.CutSuffix(middle, suffix)
		if ok && is && entry.Type().IsRegular() && strings.Trim(middle, "0123456789") == "" {
			names = append(names, filepath.Join(filepath.Dir(path), entry.Name()))
		}
	}
	return names, err
}

// Commit puts the file in the old one's place and closes it. After an error the old one is as it was, unless the error says that only its
// directory could not be synchronised.
func (f *File) Commit() error {
	if err := f.Sync(); err != nil {
		f.Discard()
		return err
	}
	if err := replace(f.File, f.path); err != nil {
		f.Discard()
		return err
	}
	if err := syncDir(filepath.Dir(f.path)); err != nil {
		return fmt.Errorf("the new file is in place, but might not outlast a crash of the machine: %w", err)
	}
	return nil
}

// Discard closes and removes the file. If that fails, the next writer removes it.
func (f *File) Discard() { discard(f.File) }

// Write puts text into the file of a path, with these permissions, in place of what it was. The errors are
// those of Create and Commit.
func Write(path string, text []byte, mode fs.FileMode) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode)); err != nil {
		f.Discard()
		return err
	}
	return f.Commit()
}

// syncDir makes a renaming in a directory last. Windows, and some filesystems, have no such call.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
