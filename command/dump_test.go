package command

import (
	"bytes"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/rdb"
)

// A payload of a megabyte that claims to be a hundred is refused by what it claims.
func TestRestoreOfMoreThanFits(t *testing.T) {
	srv := newSavingServer(t, filepath.Join(t.TempDir(), "dump.rdb"), io.Discard)
	load(t, srv)
	srv.Store.SetMaxMemory(64 << 20)
	c := connect(t, srv)
	const runs = 400_000
	packed := append([]byte{0, 'x'}, bytes.Repeat([]byte{7 << 5, 255, 0}, runs)...) // one byte, then 264 for each three
	for name, head := range map[string][]byte{"a string": {byte(rdb.String), 0xc3}, "a hash": {byte(rdb.Hash), 1, 1, 'f', 0xc3}} {
		payload := rdb.AppendLen(rdb.AppendLen(head, uint64(len(packed))), 264*runs+1)
		payload = rdb.EndPayload(append(payload, packed...), 0)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		reply := c.do("RESTORE k 0 " + string(payload))
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; !strings.HasPrefix(reply, "-OOM ") || n > 40<<20 {
			t.Errorf("%s: %.60q, and %d bytes were allocated", name, reply, n)
		}
	}
}
