package cmd

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/redistill/redistill/engine"
)

// TestTrimProgram: what only the start of the program needed is not resident any more, and the program runs on.
func TestTrimProgram(t *testing.T) {
	adviseProgram(unix.MADV_POPULATE_READ) // for a system that is short of memory may have taken the program's pages already
	_, before := engine.ResidentSet()
	if before == 0 {
		t.Skip("skipped, because the system does not tell what is resident")
	}
	trimProgram()
	if _, after := engine.ResidentSet(); after > before*3/4 {
		t.Errorf("%d bytes of files are resident, %d were", after, before)
	}
}
