package faults

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/servertest"
)

// TestTerminate: a server that is told to end (SIGTERM) under load ends with success. Every client has whole replies, one after the other
// and without a gap, and then the end of the connection.
func TestTerminate(t *testing.T) {
	onEachPath(t, func(t *testing.T, path string) {
		const clients = 20
		for began := time.Now(); time.Since(began) < *length; {
			s := servertest.Start(t, redistill(t, path, "--max-memory", "64mb")...)
			var running sync.WaitGroup
			var replies atomic.Int64
			for i := range clients {
				running.Go(func() {
					n, err := countUntilEnd(dial(t, s.Addr), fmt.Sprint("counter", i), 1+i*5)
					if err != nil {
						t.Errorf("client %d: %v", i, err)
					}
					replies.Add(int64(n))
				})
			}
			s.Eventually("all clients are served", func() bool { return servedAll(t, s.Addr, clients) })
			time.Sleep(rand.N(*length / 10)) // the moment is random
			s.Signal(syscall.SIGTERM)
			running.Wait()
			if err := s.Wait(); err != nil {
				t.Error(err)
			}
			t.Logf("%d replies", replies.Load())
		}
	})
}

// servedAll reports whether each client has counted.
func servedAll(t *testing.T, addr string, clients int) bool {
	c := dial(t, addr)
	defer c.close()
	return c.do("DBSIZE") == fmt.Sprint(":", clients)
}

// countUntilEnd increments a key in pipelines until the server ends the connection, and returns how many replies came. Each has to be one
// more than the one before it.
func countUntilEnd(c *client, key string, pipeline int) (n int, err error) {
	defer c.close()
	sent := make(chan struct{})
	go func() { // it writes on while replies come
		defer close(sent)
		for {
			for range pipeline {
				c.say("INCR", key)
			}
			if !c.flush() {
				return
			}
		}
	}()
	for {
		reply, err := c.reply()
		switch {
		case errors.Is(err, io.EOF) && reply == "", errors.Is(err, syscall.ECONNRESET):
			<-sent
			return n, nil
		case err != nil:
			return n, err
		}
		n++
		if want := fmt.Sprint(":", n); reply != want {
			return n, fmt.Errorf("got %q, want %q", reply, want)
		}
	}
}
