//go:build !unix || aix || solaris

package atomicfile

import "os"

// lock does nothing: there is no lock that ends with the process.
func lock(*os.File) {}

// removeLeft does nothing: what was left behind looks like what another process writes.
func removeLeft(string) {}

// replace closes a file and gives it its final name, in this order, for Windows renames no file that is open.
func replace(f *os.File, path string) error {
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// discard closes a file and removes it, in this order, for Windows removes no file that is open.
func discard(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name())
}
