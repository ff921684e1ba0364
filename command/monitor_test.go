package command

import (
	"runtime"
	"testing"
	"weak"

	"github.com/redistill/redistill/test/await"
)

// TestClosedMonitorIsForgotten: nothing keeps the memory of a monitor that has gone, also if it was the
// last one.
func TestClosedMonitorIsForgotten(t *testing.T) {
	srv := newTestServer(t)
	watch := func() weak.Pointer[Session] {
		c := open(t, srv)
		c.expect("MONITOR", "+OK")
		defer c.Close()
		return weak.Make(c.Session)
	}
	gone := watch()
	await.True(t, "the session is collected", func() bool {
		runtime.GC()
		return gone.Value() == nil
	})
}
