package command

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redistill/redistill/internal/config"
)

// integers returns the integers that bulk strings or integer replies in an array consist of.
func integers(reply string) (all []int) {
	for line := range strings.SplitSeq(reply, "\r\n") {
		n, err := strconv.Atoi(strings.TrimPrefix(line, ":"))
		if err == nil {
			all = append(all, n)
		}
	}
	return all
}

// TestExecIsAtomic moves amounts between accounts, in transactions that lock few shards and in ones that lock all, while others look at
// all accounts: the sum must always be the same.
func TestExecIsAtomic(t *testing.T) {
	const accounts, workers, rounds = 8, 6, 300
	srv := newTestServer(t)
	var all strings.Builder
	for i := range accounts {
		fmt.Fprintf(&all, " account:%d", i)
	}
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		parallel(2, func(i int) {
			c := open(t, srv)
			defer c.Close()
			for !stop.Load() {
				reply := ""
				if i == 0 {
					reply = c.do("MGET" + all.String())
				} else {
					c.do("MULTI")
					for k := range accounts {
						c.do("INCRBY account:" + strconv.Itoa(k) + " 0")
					}
					reply = c.do("EXEC")
				}
				sum := 0
				for _, n := range integers(reply) {
					sum += n
				}
				if sum != 0 {
					t.Errorf("sum of accounts: got %d, want 0, in %q", sum, reply)
					return
				}
			}
		})
	}()
	parallel(workers, func(i int) {
		c := open(t, srv)
		defer c.Close()
		r := rand.New(rand.NewPCG(uint64(i), 1))
		for range rounds {
			c.do("MULTI")
			amount := strconv.Itoa(r.IntN(100))
			c.do("DECRBY account:" + strconv.Itoa(r.IntN(accounts)) + " " + amount)
			if i == 0 {
				c.do("DBSIZE") // locks everything
			}
			c.do("INCRBY account:" + strconv.Itoa(r.IntN(accounts)) + " " + amount)
			if reply := c.do("EXEC"); !strings.HasPrefix(reply, "*") {
				t.Errorf("EXEC: got %q", reply)
			}
		}
	})
	stop.Store(true)
	<-done
}

// TestWatchIsOptimisticLock increments a counter by reading and writing it under WATCH: no increment may get lost.
func TestWatchIsOptimisticLock(t *testing.T) {
	const workers, rounds = 6, 150
	srv := newTestServer(t)
	connect(t, srv).expect("SET counter 0", "+OK")
	var aborted atomic.Int64
	parallel(workers, func(int) {
		c := open(t, srv)
		defer c.Close()
		for done := 0; done < rounds; {
			c.do("WATCH counter other")
			n := integers(c.do("GET counter"))
			c.do("MULTI")
			c.do("SET counter " + strconv.Itoa(n[len(n)-1]+1))
			if c.do("EXEC") == "*-1\r\n" {
				aborted.Add(1)
			} else {
				done++
			}
		}
	})
	connect(t, srv).expect("GET counter", fmt.Sprintf("$3 %d", workers*rounds))
	if n := srv.Store.Stats().Watched; n != 0 {
		t.Errorf("keys still watched: %d", n)
	}
	t.Logf("%d transactions aborted", aborted.Load())
}

func TestWatch(t *testing.T) {
	for _, change := range []string{"SET k 2", "DEL k", "EXPIRE k 100", "RENAME k l", "RENAME l k", "FLUSHALL", "FLUSHDB", "SWAPDB 0 1", "PEXPIRE k 0",
		"SETRANGE k 0 x", "MOVE k 3", "COPY l k REPLACE"} {
		srv := newTestServer(t)
		a, b := connect(t, srv), connect(t, srv)
		a.expect("MSET k 1 l 1", "+OK", "WATCH k k other", "+OK", "WATCH k", "+OK")
		if reply := b.do(change); strings.HasPrefix(reply, "-") {
			t.Fatalf("%s: %s", change, reply)
		}
		a.expect("MULTI", "+OK", "SET result 1", "+QUEUED", "EXEC", "*-1", "EXISTS result", ":0", "EXEC", "-ERR EXEC without MULTI")
		a.expect("MULTI", "+OK", "PING", "+QUEUED", "EXEC", "*1 +PONG")
		if n := srv.Store.Stats().Watched; n != 0 {
			t.Errorf("%s: keys still watched: %d", change, n)
		}
	}
}

func TestWatchEnds(t *testing.T) {
	srv := newTestServer(t)
	a, b := open(t, srv), connect(t, srv)
	for _, end := range []string{"UNWATCH", "RESET", "DISCARD", "EXEC", "EXEC x"} {
		a.expect("WATCH k l", "+OK")
		if end != "UNWATCH" {
			a.expect("MULTI", "+OK")
		}
		a.do(end)
		if n := srv.Store.Stats().Watched; n != 0 {
			t.Errorf("%s: keys still watched: %d", end, n)
		}
		b.expect("SET k 1", "+OK")
		a.expect("MULTI", "+OK", "PING", "+QUEUED", "EXEC", "*1 +PONG")
	}
	a.expect("WATCH k l", "+OK", "SELECT 2", "+OK", "WATCH k", "+OK")
	a.Close()
	if n := srv.Store.Stats().Watched; n != 0 {
		t.Errorf("closed: keys still watched: %d", n)
	}
}

// TestWatchOfOtherDatabase watches a key and goes to another database, where a key of the same name changes.
func TestWatchOfOtherDatabase(t *testing.T) {
	srv := newTestServer(t)
	a, b := connect(t, srv), connect(t, srv)
	a.expect("WATCH k", "+OK", "SELECT 1", "+OK")
	b.expect("SELECT 1", "+OK", "SET k 1", "+OK")
	a.expect("MULTI", "+OK", "SELECT 2", "+QUEUED", "SET k 2", "+QUEUED", "EXEC", "*2 +OK +OK")
	b.expect("SELECT 2", "+OK", "GET k", "$1 2")
	a.expect("DBSIZE", ":1")
}

func TestExecReplies(t *testing.T) {
	a := connect(t, newTestServer(t))
	a.expect("SET k text", "+OK", "MULTI", "+OK", "INCR k", "+QUEUED", "MULTI", "-ERR MULTI calls can not be nested",
		"WATCH k", "-ERR WATCH inside MULTI is not allowed", "GET k", "+QUEUED", "MONITOR", "+QUEUED", "FLUSHALL", "+QUEUED", "DBSIZE", "+QUEUED", "UNWATCH", "+QUEUED",
		"EXEC", "*6 -ERR value is not an integer or out of range $4 text -ERR MONITOR isn't allowed for DENY BLOCKING client +OK :0 +OK",
		"MULTI", "+OK", "GET", "-ERR wrong number of arguments for 'get' command", "SET k 1", "+QUEUED",
		"EXEC", "-EXECABORT Transaction discarded because of previous errors.", "EXISTS k", ":0",
		"MULTI", "+OK", "SET k 1", "+QUEUED", "EXEC now", "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
		"EXISTS k", ":0", "DISCARD", "-ERR DISCARD without MULTI",
		"MULTI", "+OK", "SHUTDOWN", "-ERR Command not allowed inside a transaction", "DISCARD", "+OK", "MULTI", "+OK", "EXEC", "*0")
}

func TestExecAtMemoryLimit(t *testing.T) {
	srv := newTestServer(t)
	a, b := connect(t, srv), connect(t, srv)
	const text = "OOM command not allowed when used memory > 'maxmemory'."
	a.expect("SET k "+strings.Repeat("x", 1000), "+OK", "MULTI", "+OK", "SET l 1", "+QUEUED")
	b.expect("MULTI", "+OK", "GET k", "+QUEUED")
	srv.Store.SetMaxMemory(1)
	a.expect("EXEC", "-EXECABORT Transaction discarded because of: "+text, "EXEC", "-ERR EXEC without MULTI")
	a.expect("MULTI", "+OK", "GET l", "-"+text, "EXEC", "-EXECABORT Transaction discarded because of previous errors.")
	b.expect("EXEC", "*1 $1000 "+strings.Repeat("x", 1000), "SET l 1", "-"+text, "DEL k", ":1")
}

// A server that is full lets a client log in, and a monitor run what needs no memory.
func TestLoginAtMemoryLimit(t *testing.T) {
	srv := newTestServer(t)
	m := connect(t, srv)
	m.expect("SET k v", "+OK", "MONITOR", "+OK")
	if err := srv.Config.Set(config.Pair{Name: "requirepass", Value: "secret"}); err != nil {
		t.Fatal(err)
	}
	srv.Store.SetMaxMemory(1)
	c := connect(t, srv)
	c.expect("AUTH secret", "+OK", "GET k", "$1 v", "SET k w", "-"+string(errOutOfMemory))
	m.expect("PING", "+PONG", "SET k w", "-"+string(errOutOfMemory))
}

func TestQueueLimit(t *testing.T) {
	srv := newTestServer(t, "client-query-buffer-limit 1mb")
	a := connect(t, srv)
	a.expect("MULTI", "+OK")
	for range 1000 {
		if a.do("SET k " + strings.Repeat("x", 10000)); a.Closing {
			if a.multi.size > 1<<20+20000 {
				t.Errorf("closed with %d bytes queued", a.multi.size)
			}
			return
		}
	}
	t.Errorf("%d bytes queued", a.multi.size)
}

// TestQueueMemoryIsReused runs transactions of different lengths, which share their arrays.
func TestQueueMemoryIsReused(t *testing.T) {
	a := connect(t, newTestServer(t))
	for _, n := range []int{1, 50, 3, 2000, 7, 300} {
		a.expect("MULTI", "+OK")
		want := "*" + strconv.Itoa(n)
		for i := range n {
			a.expect(fmt.Sprintf("ECHO %d", i), "+QUEUED")
			want += fmt.Sprintf(" $%d %d", len(strconv.Itoa(i)), i)
		}
		a.expect("EXEC", want)
	}
}
