// Package faults does to a server what production does: it ends its process, takes its memory, fills its disk, moves its clock. What was
// promised may not be lost. docs/reliability.md lists the faults and what came of them.
package faults

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/servertest"
	"github.com/redistill/redistill/netserver"
)

var length = flag.Duration("faults", 3*time.Second, "how long the load of a test lasts")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(servertest.Main(m))
}

// onEachPath runs a test on the I/O paths that this machine allows.
func onEachPath(t *testing.T, test func(t *testing.T, path string)) {
	for _, path := range []string{netserver.Portable, netserver.Epoll, netserver.IOUring} {
		t.Run(path, func(t *testing.T) {
			if _, _, err := netserver.ChoosePath(path); err != nil {
				t.Skip("skipped: ", err)
			}
			test(t, path)
		})
	}
}

// redistill returns the arguments that start our server.
func redistill(tb testing.TB, path string, more ...string) []string {
	return append([]string{servertest.Program(tb), "serve", "--port", servertest.Port, "--io", path}, more...)
}
