package verify_test

import (
	"fmt"
	"net"
	"testing"
	"testing/synctest"

	"github.com/redistill/redistill/internal/resp/resptest"
	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/plan"
	"github.com/redistill/redistill/tools/verify"
)

// TestVerifyMeasures: what is measured is the growth that is left when memory has settled, whatever the system does with the pages of the
// program's file meanwhile.
func TestVerifyMeasures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		keys, program, dead := 0, 9_000_000, 0
		go resptest.Serve(theirs, func(name string) string {
			switch name {
			case "SET":
				keys++
			case "FLUSHALL":
				keys = 0
			case "DBSIZE":
				return ":0\r\n"
			case "CONFIG":
				dead = 50 * keys // to be compacted, some at each look
			case "INFO":
				program = program * 9 / 10
				dead /= 2
				text := fmt.Sprintf("used_memory_rss:%d\r\nredistill_program_bytes:%d\r\nredistill_dead_bytes:%d\r\nmaxmemory:1000\r\n",
					20_000_000+100*keys+dead+program, program, dead)
				return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text)
			}
			return "+OK\r\n"
		})
		items := []plan.Item{{Name: "a", Count: 10_000, Size: 10, Key: 20}}
		v, err := verify.Run(t.Context(), client.New(ours, minute), items, []int64{1_000_000}, func(verify.Progress) {})
		if err != nil || v.All.Measured != 1_000_000 {
			t.Errorf("got %+v, %v", v, err)
		}
		_ = ours.Close()
	})
}
