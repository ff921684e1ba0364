package netserver

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// talk is a random series of commands and the replies to them.
type talk struct {
	commands, replies bytes.Buffer
}

// newTalk makes n commands on keys that begin with prefix. Values have up to size bytes.
func newTalk(r *rand.Rand, prefix string, n, size int) *talk {
	tk := &talk{}
	values := map[string]string{}
	for range n {
		key := fmt.Sprint(prefix, r.IntN(5))
		switch r.IntN(5) {
		case 0:
			word := randomBytes(r, size)
			tk.add(bulk(word), "ECHO", word)
		case 1:
			values[key] = randomBytes(r, size)
			tk.add("+OK\r\n", "SET", key, values[key])
		case 2:
			want := "$-1\r\n"
			if v, ok := values[key]; ok {
				want = bulk(v)
			}
			tk.add(want, "GET", key)
		case 3:
			tk.add(fmt.Sprintf(":%d\r\n", len(values[key])), "STRLEN", key)
		case 4:
			tk.commands.WriteString("  PING \r\n\r\n")
			tk.replies.WriteString("+PONG\r\n")
		}
	}
	return tk
}

func (tk *talk) add(want string, args ...string) {
	tk.commands.WriteString(encode(args...))
	tk.replies.WriteString(want)
}

// randomBytes returns up to size bytes, mostly few.
func randomBytes(r *rand.Rand, size int) string {
	n := r.IntN(40)
	if r.IntN(4) == 0 {
		n = r.IntN(size)
	}
	all := noise()
	return all[r.IntN(len(all)-n):][:n]
}

// noise returns random bytes, which take the race detector long to make.
var noise = sync.OnceValue(func() string {
	b := make([]byte, 4<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return string(b)
})

// run sends the commands in pieces of at most piece bytes while it compares the replies.
func (tk *talk) run(c *client, r *rand.Rand, piece int) error {
	c.wait()
	sent := make(chan error, 1)
	go func() {
		left := tk.commands.Bytes()
		for len(left) > 0 {
			n := min(1+r.IntN(piece), len(left))
			if _, err := c.Write(left[:n]); err != nil {
				sent <- err
				return
			}
			left = left[n:]
		}
		sent <- nil
	}()
	want := tk.replies.Bytes()
	got := make([]byte, 64<<10)
	for len(want) > 0 {
		n, err := c.r.Read(got[:min(len(got), len(want))])
		if !bytes.Equal(got[:n], want[:n]) {
			_ = c.Close()
			<-sent
			return fmt.Errorf("got %.100q, want %.100q", got[:n], want[:n])
		}
		if want = want[n:]; err != nil && len(want) > 0 {
			<-sent
			return fmt.Errorf("%d bytes of replies are missing: %w", len(want), err)
		}
	}
	return <-sent
}

// TestPipelines: however the bytes of a pipeline are cut, the replies are the same.
func TestPipelines(t *testing.T) { eachPath(t, testPipelines) }

func testPipelines(t *testing.T, path string) {
	for i, test := range []struct{ commands, size, piece int }{
		{60, 100, 1}, {300, 3000, 50}, {2000, 50, 1000}, {300, 200_000, 70_000}, {40, 3 << 20, 1 << 20}, {20_000, 20, 1 << 20},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			s := startServer(t, path)
			r := rand.New(rand.NewPCG(1, uint64(i)))
			if err := newTalk(r, "k", test.commands, test.size).run(s.dial(), r, test.piece); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestConnections: connections that talk at the same time get their own replies, whole.
func TestConnections(t *testing.T) { eachPath(t, testConnections) }

func testConnections(t *testing.T, path string) {
	s := startServer(t, path)
	var running sync.WaitGroup
	for i := range 30 {
		c := s.dial()
		running.Go(func() {
			r := rand.New(rand.NewPCG(2, uint64(i)))
			for range 2 {
				size := 1 + r.IntN(50_000)
				if err := newTalk(r, fmt.Sprint("conn", i, "-"), 100, size).run(c, r, 1+r.IntN(2*size)); err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				if got := c.do("DEL", fmt.Sprint("conn", i, "-0")); got[0] != ':' {
					t.Errorf("connection %d: %q", i, got)
				}
				c.send(encode("UNLINK", fmt.Sprint("conn", i, "-1"), fmt.Sprint("conn", i, "-2"), fmt.Sprint("conn", i, "-3"),
					fmt.Sprint("conn", i, "-4")))
				c.reply()
			}
		})
	}
	running.Wait()
}

// TestHalfClose: a client that has said all may close its side and still gets its replies.
func TestHalfClose(t *testing.T) { eachPath(t, testHalfClose) }

func testHalfClose(t *testing.T, path string) {
	s := startServer(t, path)
	c := s.dial()
	c.send(strings.Repeat(encode("ECHO", strings.Repeat("x", 1000)), 500))
	if err := c.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c.r)
	if want := strings.Repeat(bulk(strings.Repeat("x", 1000)), 500); string(got) != want {
		t.Errorf("got %d bytes (%v), want %d", len(got), err, len(want))
	}
}

// TestManyConnections: many clients say something at once.
func TestManyConnections(t *testing.T) { eachPath(t, testManyConnections) }

func testManyConnections(t *testing.T, path string) {
	s := startServer(t, path)
	clients := make([]*client, 400)
	for i := range clients {
		clients[i] = s.dial()
	}
	for round := range 5 {
		for i, c := range clients {
			c.send(encode("ECHO", fmt.Sprint(round, " ", i)) + encode("PING"))
		}
		for i, c := range clients {
			c.expect(bulk(fmt.Sprint(round, " ", i)) + "+PONG\r\n")
		}
	}
}
