//go:build unix

package configfile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/redistill/redistill/test/await"
)

// A pipe in the place of the configuration file is neither waited for nor replaced.
func TestRewritePipe(t *testing.T) {
	file, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(file, "redistill.toml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := loadAnd(t, file, "timeout", "3")
	if err := errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- Rewrite(file, cfg) }()
	if err := await.Receive(t, "the answer", ended); err == nil || err.Error() != file+" is not a regular file" {
		t.Errorf("got %v", err)
	}
}
