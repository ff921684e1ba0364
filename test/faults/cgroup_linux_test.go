package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
)

// memoryGroup is a cgroup that limits memory, of the hierarchy that the system uses.
type memoryGroup struct {
	dir              string
	limit, most, oom string // files: the limit, the most that was used, and what has the count of processes killed
}

// newMemoryGroup makes a cgroup with a limit in bytes for as long as the test runs. Only root may.
func newMemoryGroup(t *testing.T, limit int64) *memoryGroup {
	t.Helper()
	g := &memoryGroup{limit: "memory.limit_in_bytes", most: "memory.max_usage_in_bytes", oom: "memory.oom_control"}
	root := "/sys/fs/cgroup/memory"
	if _, err := os.Stat(filepath.Join(root, g.limit)); err != nil {
		g.limit, g.most, g.oom, root = "memory.max", "memory.peak", "memory.events", "/sys/fs/cgroup"
	}
	g.dir = filepath.Join(root, fmt.Sprintf("redistill-test-%d-%d", os.Getpid(), rand.Uint32()))
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		skip(t, "a cgroup of its own", err)
	}
	t.Cleanup(func() {
		var err error
		await.True(t, "the system has forgotten the processes that have ended", func() bool {
			err = os.Remove(g.dir)
			return !errors.Is(err, unix.EBUSY)
		})
		if err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(g.dir, g.limit), []byte(strconv.FormatInt(limit, 10)), 0); err != nil {
		skip(t, "a cgroup that takes a limit", err)
	}
	return g
}

// run puts a command into the group.
func (g *memoryGroup) run(args []string) []string {
	return append([]string{"sh", "-c", `echo $$ > "$0" && exec "$@"`, filepath.Join(g.dir, "cgroup.procs")}, args...)
}

// number returns the number in a file of the group, or the one behind a name in it.
func (g *memoryGroup) number(t *testing.T, file, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, file))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if name == "" || len(f) == 2 && f[0] == name {
			n, err := strconv.ParseInt(f[len(f)-1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%s has no %s:\n%s", file, name, text)
	return 0
}

// TestMemoryGroup: in a cgroup of little more than max_memory the system never has to kill the server, while keys of all sizes push each
// other out and clients do not read their replies.
func TestMemoryGroup(t *testing.T) {
	const maxMemory = 128 << 20
	onEachPath(t, func(t *testing.T, path string) {
		g := newMemoryGroup(t, maxMemory*11/10)
		s := servertest.Start(t, g.run(redistill(t, path, "--max-memory", strconv.Itoa(maxMemory)))...)
		c := dial(t, s.Addr)
		defer c.close()
		var running sync.WaitGroup
		var written, left atomic.Int64
		var ended atomic.Bool
		filled := make(chan struct{})
		defer running.Wait()
		fill := sync.OnceFunc(func() { close(filled) })
		defer fill()
		defer ended.Store(true)
		for i := range 8 {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			running.Go(func() { written.Add(churn(t, s.Addr, r, &ended)) })
		}
		for i := range 20 {
			r := rand.New(rand.NewPCG(2, uint64(i)))
			running.Go(func() { left.Add(neverRead(t, s.Addr, r, filled, &ended)) })
		}
		end := time.Now().Add(*length)
		s.Eventually("the load fills the limit, and clients that do not read are closed for it", func() bool {
			return evicted(c) > 0 && number(c, "evicted_clients") > 0 && s.Usage().Resident > maxMemory*8/10
		})
		fill()
		time.Sleep(time.Until(end)) // the load goes on
		ended.Store(true)
		running.Wait()
		t.Logf("%d keys written, %d clients did not read, at most %.1f %% of max_memory used", written.Load(), left.Load(),
			100*float64(g.number(t, g.most, ""))/maxMemory)
		if n := g.number(t, g.oom, "oom_kill"); n != 0 {
			t.Errorf("the system killed %d processes for want of memory", n)
		}
		if got := c.do("INCR", "alive"); got != ":1" {
			t.Errorf("INCR answers %q in the end", got)
		}
	})
}

// churn writes keys of all sizes up to 200 KB until the load has ended, and returns how many.
func churn(t *testing.T, addr string, r *rand.Rand, ended *atomic.Bool) (n int64) {
	c := dial(t, addr)
	defer c.close()
	value := strings.Repeat("v", 200<<10)
	for !ended.Load() {
		for range 20 {
			c.say("SET", "churn:"+strconv.Itoa(r.IntN(1e6)), value[:1<<r.IntN(18)])
		}
		if !c.flush() {
			return n
		}
		for range 20 {
			if reply, err := c.reply(); err != nil || reply != "+OK" {
				t.Errorf("SET answers %q, %v", reply, err)
				return n
			}
			n++
		}
	}
	return n
}

// neverRead asks for what, with that of others, is more than can stay in memory, reads nothing until
// clients were closed for it, and then for a while, and goes away; again and again. It returns how
// often.
func neverRead(t *testing.T, addr string, r *rand.Rand, filled <-chan struct{}, ended *atomic.Bool,
) (n int64) {
	key, value := "large:"+strconv.Itoa(r.Int()), strings.Repeat("v", 5<<20)
	for ; !ended.Load(); n++ {
		c := dial(t, addr)
		c.do("SET", key, value)
		for range 4 {
			c.say("GET", key)
		}
		c.flush()
		<-filled
		time.Sleep(time.Duration(r.Int64N(int64(*length / 4)))) // clients are slow for different times
		c.close()
	}
	return n
}
