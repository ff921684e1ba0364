package netserver

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
)

// sequence has the bytes from 0 to 250 again and again.
var sequence = func() []byte {
	b := make([]byte, 2*readSize+251)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}()

// TestQueryBuffer: whatever is read, consumed and trimmed in whatever order, what is held is what was read and not consumed.
func TestQueryBuffer(t *testing.T) {
	buffers := new(engine.Buffers)
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(3, seed))
		q := queryBuffer{from: buffers}
		var want []byte
		at := 0 // in sequence
		for range 200 {
			need := 0
			switch r.IntN(4) {
			case 0:
				need = r.IntN(3 * readSize)
			case 1:
				need = r.IntN(3 * megabyte)
			}
			n := r.IntN(2 * readSize)
			if r.IntN(3) == 0 {
				n = r.IntN(100)
			}
			piece := sequence[at%251:][:n]
			at += n
			if r.IntN(3) == 0 {
				q.put(piece, need)
			} else {
				room := q.space(need)
				if len(room) == 0 {
					t.Fatalf("seed %d: no space", seed)
				}
				q.add(copy(room, piece))
				piece = piece[:min(len(room), n)]
			}
			want = append(want, piece...)
			n = r.IntN(len(want) + 1)
			if r.IntN(3) == 0 {
				n = len(want)
			}
			q.consume(n)
			want = want[n:]
			if r.IntN(5) == 0 {
				q.trim(r.IntN(2) == 0)
			}
			if !bytes.Equal(q.bytes(), want) {
				t.Fatalf("seed %d: what is held differs", seed)
			}
		}
		q.trim(true)
		q.consume(len(want))
		if q.trim(true); q.size() != idleSize || q.memory() != 0 {
			t.Errorf("seed %d: %d bytes are kept when idle", seed, q.size())
		}
		q.release()
	}
}

// TestQueryBufferSizes: a value of known length is read into a buffer in which it has room, without
// being copied again, or where buffers grow in steps, no more than twice; one that is only announced
// takes no memory.
func TestQueryBufferSizes(t *testing.T) {
	buffers := new(engine.Buffers)
	for _, total := range []int{100, 600, 20_000, 500_000, 5 * megabyte, 100 * megabyte} {
		q := queryBuffer{from: buffers}
		copied, held := 0, 0
		for held < total {
			before := q.size()
			room := q.space(total - held)
			if q.size() != before {
				copied += held
			}
			n := min(len(room), 64<<10, total-held)
			q.add(n)
			held += n
			if most := int64(max(64<<10, held+4<<10)); q.memory() > most {
				t.Fatalf("%d: %d bytes of memory for %d that have arrived", total, q.memory(), held)
			}
		}
		if most := 2 * total; copied > most || copied > 0 && buffers.Ahead() {
			t.Errorf("%d: %d bytes were copied in growing", total, copied)
		}
		q.release()
	}
}

// TestUsedBuffersCount: what a buffer takes of which others used more counts from the start.
func TestUsedBuffersCount(t *testing.T) {
	const size = 200 << 10
	s := newTestCommands(t)
	if !s.Buffers().Ahead() {
		t.Skip("skipped, because buffers take all of their memory from the start")
	}
	s.Store.SetMaxMemory(1 << 30) // without a limit, nothing says how much may be kept
	for _, used := range []int{size, size / 2} {
		q := queryBuffer{from: s.Buffers()}
		q.put(make([]byte, used), size-used)
		if n := q.memory(); n != size {
			t.Errorf("%d bytes take %d", used, n)
		}
		q.release()
	}
	c, _ := newTestConn(t)
	q := queryBuffer{from: c.session.Buffers()}
	q.put(make([]byte, size), 0)
	q.release()
	c.hold([][]byte{make([]byte, size/2)}, waiting)
	if n := c.heldMemory(); n != size {
		t.Errorf("a command that waits takes %d", n)
	}
	c.unhold()
}

// newTestCommands returns what runs commands, without a server.
func newTestCommands(t testing.TB) *command.Server {
	t.Helper()
	source := config.Source{Origin: config.FromFlag}
	cfg, err := config.Load(config.Memory{}, []config.Assignment{{Key: "memory.max_memory", Text: "1GB", Source: source}})
	if err != nil {
		t.Fatal(err)
	}
	store, err := engine.Open(engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	srv := command.NewServer(command.Options{Store: store, Config: cfg, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() {
		srv.Close()
		store.Close()
	})
	return srv
}

// newTestConn returns a connection without a socket.
func newTestConn(t testing.TB) (*conn, *config.Values) {
	t.Helper()
	srv := newTestCommands(t)
	return &conn{session: newTestSession(t, srv, func() {})}, srv.Config.Values()
}

func newTestSession(t testing.TB, srv *command.Server, wake func()) *command.Session {
	t.Helper()
	session, err := srv.NewSession("127.0.0.1:1", "127.0.0.1:2", 3, wake)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	return session
}

// TestExecuteAllocates: a batch allocates nothing.
func TestExecuteAllocates(t *testing.T) {
	c, v := newTestConn(t)
	input := []byte(strings.Repeat(encode("PING")+encode("ECHO", "hello"), 16))
	b := newBatch()
	allocs := testing.AllocsPerRun(200, func() {
		if n, next := c.execute(b, input, len(input), 1, v); n != len(input) || next != more {
			t.Fatalf("%d bytes taken, verdict %d", n, next)
		}
		c.session.Out.B = c.session.Out.B[:0]
	})
	if allocs != 0 {
		t.Errorf("%v allocations a batch", allocs)
	}
}

// TestExecuteEndsBatch: a batch ends when its replies are many, and goes on where it ended.
func TestExecuteEndsBatch(t *testing.T) {
	c, v := newTestConn(t)
	word := strings.Repeat("x", 10_000)
	input := []byte(strings.Repeat(encode("ECHO", word), 20))
	b, replies, batches := newBatch(), 0, 0
	for next := again; next == again; batches++ {
		var n int
		n, next = c.execute(b, input, len(input), 1, v)
		input = input[n:]
		if size := len(c.session.Out.B); size > flushAt+len(bulk(word)) {
			t.Errorf("%d bytes of replies in a batch", size)
		}
		replies += len(c.session.Out.B)
		c.session.Out.B = c.session.Out.B[:0]
	}
	if replies != 20*len(bulk(word)) || batches != 3 || len(input) != 0 {
		t.Errorf("%d bytes of replies in %d batches, %d bytes left", replies, batches, len(input))
	}
}

// TestExecuteManyArguments: a command of many arguments leaves no large slice behind.
func TestExecuteManyArguments(t *testing.T) {
	c, v := newTestConn(t)
	args := []string{"EXISTS"}
	for range 100_000 {
		args = append(args, "none")
	}
	input, b := []byte(encode(args...)), newBatch()
	if n, _ := c.execute(b, input, len(input), 1, v); n != len(input) || string(c.session.Out.B) != ":0\r\n" {
		t.Errorf("%d bytes taken, reply %q", n, c.session.Out.B)
	}
	if cap(b.args) > batchArgs {
		t.Errorf("a slice of %d arguments is kept", cap(b.args))
	}
}
