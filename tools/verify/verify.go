// Package verify writes what a plan describes into a server, and measures what it
// takes there.
package verify

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/plan"
)

// Progress says how far a verification is.
type Progress struct {
	Item        string
	Done, Count int64 // keys
}

const (
	settleStep  = 100 * time.Millisecond
	settleSteps = 5 // steps without a change after which memory has settled
	settleMost  = 60 * time.Second
	leastLimit  = "16mb" // a limit so low that all is compacted that can be
)

// ErrUnknownMemory says that the server does not know its resident memory.
var ErrUnknownMemory = errors.New("the server does not tell its resident memory on this system")

// Run loads items, one after the other, into an empty server without eviction,
// whose connection is c, and measures after each how much its resident memory has
// grown. predicted is by how much it should. The server is one of ours: it is told
// to compact before each measurement, by a low limit, and has the one that it had
// while it is loaded.
func Run(ctx context.Context, c *client.Conn, items []plan.Item, predicted []int64, progress func(Progress)) (*plan.Verification, error) {
	defer c.Until(ctx)()
	memory, err := c.Info("memory")
	if err != nil {
		return nil, err
	}
	if memory["used_memory_rss"] == 0 {
		return nil, ErrUnknownMemory
	}
	limit := strconv.FormatInt(memory["maxmemory"], 10)
	l := &loader{Conn: c, progress: func(int64) {}}
	if err := l.warmUp(); err != nil {
		return nil, err
	}
	_, before, err := compacted(ctx, c, limit)
	if err != nil {
		return nil, err
	}
	if memory, err = c.Info("memory"); err != nil {
		return nil, err
	}
	v := &plan.Verification{Process: memory["used_memory_rss"], All: plan.Measured{Name: "all"}}
	for i := range items {
		it := &items[i]
		l.progress = func(done int64) { progress(Progress{it.Name, done, it.Count}) }
		if err := l.load(it); err != nil {
			return nil, err
		}
		loaded, now, err := compacted(ctx, c, limit)
		if err != nil {
			return nil, err
		}
		m := plan.Measured{
			Name: it.Name, Count: it.Count, Predicted: predicted[i], Measured: now - before, Loaded: loaded - before,
		}
		before = now
		v.Items = append(v.Items, m)
		v.All.Count += m.Count
		v.All.Predicted += m.Predicted
		v.All.Measured += m.Measured
		v.All.Loaded += m.Loaded
	}
	return v, nil
}

// warmUp has an empty server do what it will do, so that buffers and the heap of
// its runtime are there before its memory is measured.
func (l *loader) warmUp() error {
	if n, err := l.Do("DBSIZE"); err != nil || n.String() != "0" {
		return cmp.Or(err, errors.New("the server is not empty"))
	}
	it := plan.Item{Name: "warm-up", Count: 20_000, Size: 500, Key: 32, TTL: time.Hour}
	if err := l.load(&it); err != nil {
		return err
	}
	_, err := l.Do("FLUSHALL")
	return err
}

// grown returns the resident memory that a server can give back. Pages of the
// program's file are not in it: the system takes them away, and gets them back from
// the file, as it likes.
func grown(memory map[string]int64) int64 {
	return memory["used_memory_rss"] - memory["redistill_program_bytes"]
}

// compacted returns the resident memory as it is, and as it is when the server
// has compacted all that it can. The limit is the given one again then.
func compacted(ctx context.Context, c *client.Conn, limit string) (loaded, settled int64, err error) {
	memory, err := c.Info("memory")
	if err != nil {
		return 0, 0, err
	}
	if _, err := c.Do("CONFIG", "SET", "maxmemory", leastLimit); err != nil {
		return 0, 0, err
	}
	if settled, err = settle(ctx, c); err != nil {
		return 0, 0, err
	}
	_, err = c.Do("CONFIG", "SET", "maxmemory", limit)
	return grown(memory), settled, err
}

// settle waits until the resident memory does not shrink any more, and returns it.
// It shrinks when compaction is over; until then there is less and less to compact.
func settle(ctx context.Context, c *client.Conn) (int64, error) {
	least, same, resident := int64(0), 0, int64(0)
	for end := time.Now().Add(settleMost); same < settleSteps && time.Now().Before(end); same++ {
		select {
		case <-ctx.Done():
			return 0, client.ErrInterrupted
		case <-time.After(settleStep):
		}
		memory, err := c.Info("memory")
		if err != nil {
			return 0, err
		}
		if resident == 0 || grown(memory) < resident {
			resident = grown(memory)
		}
		if now := resident + memory["redistill_dead_bytes"]; least == 0 || now < least {
			least, same = now, 0
		}
	}
	return resident, nil
}
