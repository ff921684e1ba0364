package faults

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redistill/redistill/netserver"
	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
)

// TestTerminate: a server that is told to end under load, by SIGTERM or SHUTDOWN, perhaps while it saves, ends with success. Every client
// has whole replies, one after the other and without a gap, and then the end of the connection. What was answered, and nothing more, is in
// the snapshot.
func TestTerminate(t *testing.T) {
	onEachPath(t, func(t *testing.T, path string) {
		rounds, replies := 0, 0
		for end := time.Now().Add(*length); (rounds < 3 || time.Now().Before(end)) && !t.Failed(); rounds++ {
			replies += terminate(t, path, rounds%3 > 0, rounds%3 == 1)
		}
		t.Logf("ended %d times, %d replies", rounds, replies)
	})
}

// terminate starts a server, and ends it under load, while it saves if it is told to, by a command or by a signal. It returns how many
// replies there were.
func terminate(t *testing.T, path string, saving, command bool) (replies int) {
	const clients = 20
	dir := t.TempDir()
	// The clients may need more than the grace period that is usual to take what lies in the sockets' buffers.
	s := servertest.StartIn(t, dir, redistill(t, path, "--max-memory", "64mb", "--persistence", "--snapshot-interval", "0",
		"--shutdown-grace-period-secs", "300")...)
	c := dialLoaded(t, s)
	defer c.close()
	c.expect("+OK", "SELECT", "1")
	for i := range 16 {
		c.expect("+OK", "SET", fmt.Sprint(i), strings.Repeat("x", 256<<10))
	}
	var running, signals sync.WaitGroup
	var counted [clients]int
	for i := range clients {
		running.Go(func() {
			var err error
			if counted[i], err = countUntilEnd(dial(t, s.Addr), fmt.Sprint("counter", i), 1+i*5); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	s.Eventually("all clients are served", func() bool { return servedAll(t, s.Addr, clients) })
	time.Sleep(rand.N(*length / 10)) // the moment is random
	if saving {
		c.expect("+Background saving started", "BGSAVE")
	}
	if command {
		c.expect("EOF", "SHUTDOWN", "SAVE")
	} else {
		// Supervisors send it to the process and to its group, and some repeat it.
		signals.Go(func() {
			await.True(t, "the server has ended", func() bool {
				s.Signal(syscall.SIGTERM)
				return s.Ended()
			})
		})
	}
	running.Wait()
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
	signals.Wait()
	saved := read(t, filepath.Join(dir, "dump.rdb"))
	for i, n := range counted {
		if got := saved[name{0, fmt.Sprint("counter", i)}].text; got != fmt.Sprint(n) {
			t.Errorf("client %d was answered up to %d, the snapshot has %q", i, n, got)
		}
		replies += n
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 || len(saved) != clients+16 {
		t.Errorf("%d keys were saved, there is %v", len(saved), files)
	}
	return replies
}

// TestEndWhileLoading: a server that ends while it loads, by SIGTERM or by SIGKILL, changes nothing, and the next one loads all.
func TestEndWhileLoading(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			c := newCalls(t)
			s := startSaver(t, c.dir)
			for i := range 32 {
				s.Set(t.Context(), fmt.Sprint(i), strings.Repeat("x", 256<<10), 0)
			}
			if err := s.Save(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			s.Kill()
			hang, release := newHang()
			defer release()
			c.set(0, hang, 3, "read")
			loading := servertest.Launch(t, t.TempDir(), redistill(t, netserver.Portable, "--persistence", "--snapshot-path",
				filepath.Join(c.dir, "dump.rdb"))...)
			loading.Eventually("it loads", func() bool { return c.hung() > 0 })
			client := dial(t, loading.Addr)
			defer client.close()
			client.expect("-LOADING Redis is loading the dataset in memory", "GET", "1")
			loading.Signal(sig)
			release()
			if err := loading.Wait(); (err == nil) != (sig == syscall.SIGTERM) {
				t.Errorf("it ended with %v", err)
			}
			c.set(0, nil, 0)
			if files, _ := os.ReadDir(c.below); len(files) != 1 {
				t.Errorf("there is %v", files)
			}
			if n := startSaver(t, c.dir).DBSize(t.Context()).Val(); n != 32 {
				t.Errorf("%d keys are loaded in the end", n)
			}
		})
	}
}

// servedAll reports whether each client has counted.
func servedAll(t *testing.T, addr string, clients int) bool {
	c := dial(t, addr)
	defer c.close()
	return c.do("DBSIZE") == fmt.Sprint(":", clients)
}

// countUntilEnd increments a key in pipelines until the server ends the connection, and returns how many replies came. Each has to be one
// more than the one before it. It always has commands under way, and more than fit into the buffers of the server.
func countUntilEnd(c *peer, key string, pipeline int) (n int, err error) {
	defer c.close()
	underWay, ended, writer := make(chan struct{}, 20_000/pipeline), make(chan struct{}), make(chan struct{})
	go func() { // it writes on while replies come
		defer close(writer)
		for {
			for range pipeline {
				c.say("INCR", key)
			}
			select {
			case underWay <- struct{}{}:
			case <-ended:
				return
			}
			if !c.flush() {
				return
			}
		}
	}()
	defer func() { <-writer }()
	defer close(ended)
	for {
		reply, err := c.reply()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET): // not within a reply
			return n, nil
		case err != nil:
			return n, err
		}
		n++
		if want := ":" + strconv.Itoa(n); reply != want {
			return n, fmt.Errorf("got %q, want %q", reply, want)
		}
		if n%pipeline == 0 {
			<-underWay
		}
	}
}
