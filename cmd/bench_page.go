package cmd

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/redistill/redistill/tools/bench"
)

// benchPage is the file of --html. It is opened before anything is measured, so
// that a directory which is not there is found out then, and takes its name when
// it is complete.
type benchPage struct {
	name string
	file *os.File // nil if there is no page to write, or no more
}

func createPage(name string) (*benchPage, error) {
	if name == "" {
		return &benchPage{}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".redistill-bench-")
	return &benchPage{name, f}, err
}

// write writes the report and closes the file.
func (p *benchPage) write(r *bench.Report) error {
	f := p.file
	if f == nil {
		return nil
	}
	p.file = nil
	err := errors.Join(r.WriteHTML(f), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), p.name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// discard removes what was not written.
func (p *benchPage) discard() {
	if p.file != nil {
		_ = p.file.Close() // it is empty
		os.Remove(p.file.Name())
	}
}
