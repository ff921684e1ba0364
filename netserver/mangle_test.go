package netserver

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/invariants"
)

// needMangling skips a test in builds that do not overwrite what nobody may look at any more.
func needMangling(t *testing.T) {
	t.Helper()
	if !invariants.Enabled {
		t.Skip("memory is overwritten in builds with the tag invariants")
	}
}

// mangled reports whether all of b, which must not be empty, is overwritten.
func mangled(b []byte) bool { return len(b) > 0 && len(bytes.Trim(b, "\xdb")) == 0 }

// TestQueryBufferIsMangled: bytes that were consumed or moved are overwritten, and what is held
// stays.
func TestQueryBufferIsMangled(t *testing.T) {
	needMangling(t)
	q := queryBuffer{from: newTestCommands(t).Store.Buffers()}
	q.put([]byte("command|rest"), 0)
	command, rest := q.bytes()[:8], q.bytes()[8:]
	if q.consume(8); !mangled(command) || string(rest) != "rest" {
		t.Errorf("after consume: %q and %q", command, rest)
	}
	small := rest
	q.put(bytes.Repeat([]byte("x"), 2*idleSize), 0)
	if !mangled(small) || q.memory() == 0 || !bytes.HasPrefix(q.bytes(), []byte("restx")) {
		t.Errorf("after the move into another buffer: %q", small)
	}
	pooled := q.bytes()
	q.put(bytes.Repeat([]byte("y"), 2*readSize), 0)
	if !mangled(pooled) || !bytes.HasPrefix(q.bytes(), []byte("restx")) {
		t.Error("a buffer that went back to the pool is as it was")
	}
	large := q.bytes()
	q.consume(len(large) - 3)
	tail := q.bytes()
	q.trim(true)
	if !mangled(large) || !mangled(tail) || string(q.bytes()) != "yyy" {
		t.Errorf("after trim: %q is held", q.bytes())
	}
	last := q.bytes()
	if q.release(); !mangled(last) {
		t.Errorf("after release: %q", last)
	}
}

// TestQueryBufferSlides: of what is moved to the front of its buffer, the part that nothing else
// took is overwritten.
func TestQueryBufferSlides(t *testing.T) {
	needMangling(t)
	q := queryBuffer{from: new(engine.Buffers)}
	q.put([]byte(strings.Repeat("c", idleSize-4)+"rest"), 0)
	all := q.bytes()
	q.consume(idleSize - 4)
	q.filled = false
	q.space(0)
	if string(q.bytes()) != "rest" || string(all[:4]) != "rest" || !mangled(all[4:]) {
		t.Errorf("%q is held", q.bytes())
	}
	q.consume(1)
	q.move(q.b, q.touched) // over a part of where it is
	if string(q.bytes()) != "est" || !mangled(all[3:]) {
		t.Errorf("%q is held, and %q behind it", q.bytes(), all[3:8])
	}
}

// TestHeldIsMangled: the copy of a command that had to wait is overwritten when it has run.
func TestHeldIsMangled(t *testing.T) {
	needMangling(t)
	c, v := newTestConn(t)
	c.session.BeginBatch(1)
	c.hold([][]byte{[]byte("ECHO"), []byte("word")}, waiting)
	kept := c.held[1]
	c.execute(newBatch(), nil, 0, 1, v)
	if !mangled(kept) || string(c.session.Out.B) != bulk("word") {
		t.Errorf("%q is left, the reply is %q", kept, c.session.Out.B)
	}
}

// TestPortableMangles: on the portable path, input is overwritten when it was executed, replies
// when they were sent; the beginning of the next command stays.
func TestPortableMangles(t *testing.T) {
	needMangling(t)
	commands := newTestCommands(t)
	near, far := net.Pipe()
	c := &netConn{nc: near}
	c.init(New(Options{Commands: commands}))
	c.session = newTestSession(t, commands, c.wake)
	c.shared.Store(c.session)
	command, begun := encode("ECHO", "word"), "*2\r\n$4\r\nECHO\r\n$9\r\nbeg"
	c.in.put([]byte(command+begun), 0)
	input := c.in.bytes()
	c.session.Out.B = make([]byte, 0, 100)
	replies := c.session.Out.B[:len(bulk("word"))]
	received := make(chan string, 1)
	go func() {
		b := make([]byte, len(replies))
		_, _ = io.ReadFull(far, b)
		received <- string(b)
	}()
	if !c.process() {
		t.Error("the connection is to be closed")
	}
	if got := <-received; got != bulk("word") {
		t.Errorf("received %q", got)
	}
	if !mangled(input[:len(command)]) || string(c.in.bytes()) != begun {
		t.Errorf("%q is left", input)
	}
	if !mangled(replies) {
		t.Errorf("%q is left of the replies", replies)
	}
}

// TestRecordsAreMangled: the buffer of TLS records is overwritten before it goes back to its pool.
func TestRecordsAreMangled(t *testing.T) {
	needMangling(t)
	config := makeTLS(t)
	near, far := net.Pipe()
	client := tls.Client(far, config.client)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.Copy(io.Discard, client)
	}()
	stream := newTLSStream(near, config.server)
	defer func() {
		_ = near.Close()
		<-over
	}()
	if err := stream.Handshake(); err != nil {
		t.Fatal(err)
	}
	text := [][]byte{bytes.Repeat([]byte("a"), recordSize), bytes.Repeat([]byte("b"), 100)}
	for pool := new(recordPool); ; { // under the race detector a pool loses some of what it is given
		records := new([gatheredSize]byte)
		pool.put(records)
		if _, err := stream.send(text, pool); err != nil {
			t.Fatal(err)
		}
		if used := bytes.TrimRight(records[:], "\x00"); len(used) > 0 {
			if !mangled(used) || len(used) < recordSize {
				t.Errorf("%d bytes are left", len(used))
			}
			return
		}
	}
}
