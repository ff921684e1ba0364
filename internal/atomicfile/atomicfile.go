// Package atomicfile replaces files so that, whenever the machine stops, either the old one or the new one is there, and whole.
//
// A new file is written beside the old one, under its name with .tmp at the end, synchronised with the disk, and takes the old one's
// place; last the directory is synchronised. As the name is always the same, what a process that was killed left behind is overwritten by the
// next one, and never more than one is there. The writer holds a lock of the file until it has its final name, so that two processes that
// replace the same file do not write into the same new one. Windows has no such lock.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// ErrBusy is the error of Create while somebody else replaces the same file.
var ErrBusy = errors.New("another process is writing this file")

// suffix is what the name of a file that is not complete ends with.
const suffix = ".tmp"

// File is a file that is being written. Either Commit or Discard must be called in the end.
type File struct {
	*os.File
	path string // of the file that it replaces
}

// Create begins to replace the file of a path. Only the owner may read the new one.
func Create(path string) (*File, error) { return create(path, false) }

// create is Create, which waits while somebody else replaces the file if it is told to.
func create(path string, wait bool) (*File, error) {
	for {
		f, err := os.OpenFile(path+suffix, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		ours := false
		if err = lock(f, wait); err == nil {
			ours, err = named(f)
		}
		if ours {
			_ = f.Chmod(0o600) // of one that was left behind; not every filesystem has permissions
			err = f.Truncate(0)
		}
		if ours && err == nil {
			return &File{f, path}, nil
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}

// named reports whether a file still has the name that it was opened by. It has not if somebody finished it before it was locked.
func named(f *os.File) (bool, error) {
	opened, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Lstat(f.Name())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !there.Mode().IsRegular():
		return false, &fs.PathError{Op: "replace", Path: f.Name(), Err: errors.New("not a file")}
	}
	return os.SameFile(opened, there), nil
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

// Discard closes and removes the file. If that fails, the next one that is written takes its place.
func (f *File) Discard() { discard(f.File) }

// Write puts text into the file of a path, with these permissions, in place of what it was. The errors are those of Create and Commit, but it
// waits for others that replace the file.
func Write(path string, text []byte, mode fs.FileMode) error {
	f, err := create(path, true)
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
