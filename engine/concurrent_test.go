package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
)

// concurrentKeys is how many keys the goroutines of TestConcurrency share.
const concurrentKeys = 200

// signed is a value that says whose it is: its key, its version, and the same again up to its length.
func signed(key string, version, n int) []byte {
	unit := []byte(fmt.Sprintf("%s:%d;", key, version))
	return bytes.Repeat(unit, n/len(unit)+1)
}

// versionOf returns the version of a value that signed made for a key, an error if it is another key's or torn.
func versionOf(key string, val []byte) (int, error) {
	end := bytes.IndexByte(val, ';')
	text, ours := bytes.CutPrefix(val[:max(end, 0)], []byte(key+":"))
	version, err := strconv.Atoi(string(text))
	unit := val[:end+1]
	if !ours || err != nil || len(val)%len(unit) != 0 || !bytes.Equal(val, bytes.Repeat(unit, len(val)/len(unit))) {
		return 0, fmt.Errorf("key %s has %.60q of %d bytes", key, val, len(val))
	}
	return version, nil
}

// client is one goroutine of TestConcurrency.
type client struct {
	s       *engine.Store
	tx      *engine.Tx
	r       *rand.Rand
	written *[concurrentKeys]atomic.Int64 // by key: versions up to this one have been written
}

// step does something that clients do, and reports what is wrong with what it sees.
func (c *client) step() error {
	c.tx.Now = time.Now().UnixMilli()
	i, j := c.r.IntN(concurrentKeys), c.r.IntN(concurrentKeys)
	a, b := key(i), key(j)
	ka, kb := c.s.Key([]byte(a)), c.s.Key([]byte(b))
	c.tx.Prefetch([]engine.Key{ka, kb}, [][]byte{[]byte("f"), nil})
	switch c.r.IntN(12) {
	case 0, 1, 2, 3:
		return c.set(i, a, ka)
	case 4:
		c.tx.LockKeys([]engine.Key{ka, kb, ka})
		defer c.tx.Unlock()
		return errors.Join(c.read(i, a, ka), c.read(j, b, kb))
	case 5:
		c.tx.LockAll()
		defer c.tx.Unlock()
		c.tx.SetDeadline(ka, c.tx.Now+int64(c.r.IntN(50)))
		return c.read(j, b, kb)
	case 6:
		c.tx.LockKey(ka)
		defer c.tx.Unlock()
		c.tx.Delete(ka)
	case 7:
		c.tx.Scan(uint64(c.r.Uint32()), 10, func(key []byte, _ engine.Type) bool { return true })
		c.tx.Stats()
	default:
		c.tx.LockKey(ka)
		defer c.tx.Unlock()
		return c.read(i, a, ka)
	}
	return nil
}

// set writes the next version of a key.
func (c *client) set(i int, name string, k engine.Key) error {
	n := []int{10, 100, 2000, 20_000, 70_000}[c.r.IntN(5)]
	if err := c.s.Reserve(n); err != nil {
		return nil // full, as the policy has it
	}
	c.tx.LockKey(k)
	defer c.tx.Unlock()
	version := int(c.written[i].Load()) + 1
	deadline := engine.NoDeadline
	if c.r.IntN(2) == 0 {
		deadline = c.tx.Now + int64(c.r.IntN(2000))
	}
	c.written[i].Store(int64(version)) // under the key's lock
	if c.r.IntN(4) > 0 {
		return c.tx.Set(k, signed(name, version, n), deadline)
	}
	c.tx.Delete(k)
	_, err := c.tx.HSet(k, []byte("f"), signed(name, version, n))
	return err
}

// read looks at a key, which is missing or has the version that was written last.
func (c *client) read(i int, name string, k engine.Key) error {
	v, ok, err := c.tx.Get(k)
	if errors.Is(err, engine.ErrWrongType) {
		v, ok, err = c.tx.HGet(k, []byte("f"))
	}
	if !ok || err != nil {
		return err
	}
	version, err := versionOf(name, v.AppendTo(nil))
	if want := int(c.written[i].Load()); err == nil && version != want {
		err = fmt.Errorf("key %s has version %d, want %d", name, version, want)
	}
	return err
}

// Clients, the expiry of keys, eviction, and changes of limit and policy go on at once. Nobody may see another key's value, a torn one,
// or an old one.
func TestConcurrency(t *testing.T) {
	s, err := engine.OpenArena(engine.Options{Shards: 8, MaxMemory: 6 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var written [concurrentKeys]atomic.Int64
	var clients, others sync.WaitGroup
	stop := make(chan struct{})
	for n := range 4 {
		clients.Go(func() {
			c := &client{s, s.NewTx(), rand.New(rand.NewPCG(uint64(n), 1)), &written}
			for range *ops {
				if err := c.step(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	others.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			s.SetPolicy(engine.Policy(i % len(engine.Policies())))
			s.SetMaxMemory(int64(4+i%5) << 20)
			s.ExpireCycle(time.Now().UnixMilli())
			if i%16 == 0 {
				if err := s.Check(); err != nil {
					t.Error(err)
				}
			}
		}
	})
	clients.Wait()
	close(stop)
	others.Wait()
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

// However many shards there are, those of the keys are locked, and no other.
func TestLockKeys(t *testing.T) {
	s, err := engine.OpenArena(engine.Options{Shards: 256})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.StopBackground()
	tx := s.NewTx()
	for n := range 40 {
		var keys []engine.Key
		var want []int
		for i := range n {
			k := s.Key([]byte(key(100*n + i)))
			keys, want = append(keys, k), append(want, s.ShardOf(k))
		}
		slices.Sort(want)
		tx.LockKeys(keys)
		if got := s.Locked(); !slices.Equal(got, slices.Compact(want)) {
			t.Errorf("locked: %v, want %v", got, want)
		}
		tx.Unlock()
		if got := s.Locked(); len(got) > 0 {
			t.Fatalf("still locked: %v", got)
		}
	}
}

// A shard keeps 16 MB, there are up to eight for each processor, and no shard has to address more than half of what it can.
func TestShardsFor(t *testing.T) {
	const mb, gb = 1 << 20, 1 << 30
	for _, test := range []struct {
		maxMemory  int64
		cpus, want int
	}{
		{0, 1, 8}, {0, 2, 16}, {0, 3, 32}, {1, 2, 4}, {128*mb - 1, 2, 4}, {128 * mb, 2, 8}, {256*mb - 1, 2, 8}, {256 * mb, 2, 16}, {gb, 2, 16},
		{128 * gb, 2, 16}, {128*gb + 16, 2, 32}, {256 * gb, 1, 32},
	} {
		if got := engine.ShardsFor(test.maxMemory, test.cpus); got != test.want {
			t.Errorf("%+v: got %d", test, got)
		}
	}
}
