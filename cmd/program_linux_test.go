package cmd

import (
	"testing"

	"github.com/redistill/redistill/engine"
)

// TestTrimProgram: what only the start of the program needed is not resident any more, and the program runs on.
func TestTrimProgram(t *testing.T) {
	_, before := engine.ResidentSet()
	if before == 0 {
		t.Skip("skipped, because the system does not tell what is resident")
	}
	trimProgram()
	if _, after := engine.ResidentSet(); after > before*3/4 {
		t.Errorf("%d bytes of files are resident, %d were", after, before)
	}
}
