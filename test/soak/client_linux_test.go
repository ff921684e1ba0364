package soak

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/redistill/redistill/internal/resp"
	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/tools/client"
)

const (
	keyLife = 20 // seconds: what a client leaves behind goes by itself
	// maxStay is how long a client talks on one connection. It is so much less than keyLife that no key expires which it knows of.
	maxStay = 5 * time.Second
)

// talker is a client that knows the reply to everything that it says. The keys of its connection are its own.
type talker struct {
	r      *rand.Rand
	most   int // bytes of a value
	proto  int // of RESP: 2 or 3
	loose  bool
	rules  *profile // of its user; nil for one who may do everything
	user   string   // its name
	conn   net.Conn
	in     *client.Reader
	began  time.Time // of the connection
	prefix string    // of all keys

	// What the server has, as of the last reply that was checked. Where replies are loose, a key may be missing.
	strings  map[string]string
	hashes   map[string]map[string]string
	numbers  map[string]int
	dumped   *dumped // what DUMP returned last
	missed   int64   // keys and fields that were found to be missing, and
	refusals int64   // commands that were refused for want of memory, since they were counted last

	commands resp.Out // of the pipeline that is being made
	steps    []step   // likewise
	want     resp.Out // scratch
}

// step is a command of a pipeline.
type step struct {
	words []string
	right func(got []byte) bool // whether that is the reply; called once, in the order of the replies
}

// dumped is a payload for RESTORE, and the string in it.
type dumped struct{ payload, value string }

// lost says that a connection ended.
type lost struct{ error }

func (l lost) Unwrap() error { return l.error }

// start begins to talk on a connection, with no keys of its own. name is in no use by another.
func (k *talker) start(conn net.Conn, name string) {
	k.conn, k.in, k.began, k.prefix = conn, client.NewReader(conn, largestReply), time.Now(), name
	k.strings, k.hashes, k.numbers, k.dumped = map[string]string{}, map[string]map[string]string{}, map[string]int{}, nil
	k.proto, k.want.Proto = 2, 2
	if k.user == "" {
		k.user = "default"
	}
}

// make makes a pipeline of n random commands.
func (k *talker) make(n int) {
	k.clear()
	for range n {
		k.add()
	}
}

// clear begins a new pipeline.
func (k *talker) clear() {
	k.commands.B = k.commands.B[:0]
	clear(k.steps)
	k.steps = k.steps[:0]
}

// ask appends a command to the pipeline, with the test that its reply has to pass if the client's user may do that. What it changes in the
// model is for the test to do.
func (k *talker) ask(right func(got []byte) bool, words ...string) {
	if denial := k.denial(words); denial != "" {
		right = func(got []byte) bool { return string(got) == denial }
	}
	k.say(right, words...)
}

// say is ask without regard to the client's user.
func (k *talker) say(right func(got []byte) bool, words ...string) {
	k.commands.Array(len(words))
	for _, w := range words {
		k.commands.BulkString(w)
	}
	k.steps = append(k.steps, step{words, right})
}

// is compares a reply with the one that want appends.
func (k *talker) is(got []byte, want func(o *resp.Out)) bool {
	k.want.B = k.want.B[:0]
	want(&k.want)
	return bytes.Equal(got, k.want.B)
}

// mayMiss reports whether a key that was written may be gone: evicted, or expired, because the machine was so slow.
func (k *talker) mayMiss() bool { return k.loose || time.Since(k.began) > keyLife*time.Second/2 }

// refused reports whether a reply is that of a server whose memory is full, where it may be.
func (k *talker) refused(got []byte) bool {
	if !k.loose || !bytes.HasPrefix(got, []byte("-OOM ")) {
		return false
	}
	k.refusals++
	return true
}

// send writes the first n bytes of the pipeline, in pieces.
func (k *talker) send(n int) error {
	for left := k.commands.B[:n]; len(left) > 0; {
		piece := len(left)
		if k.r.IntN(4) == 0 {
			piece = 1 + k.r.IntN(piece)
		}
		if _, err := k.conn.Write(left[:piece]); err != nil {
			return lost{err}
		}
		left = left[piece:]
	}
	return nil
}

// check reads the first n replies and tests them.
func (k *talker) check(n int) error {
	for i := range k.steps[:n] {
		s := &k.steps[i]
		got, err := readReply(k.in)
		if err != nil {
			return fmt.Errorf("command %d of %d, %.100q: %w", i, len(k.steps), s.words, err)
		}
		if !s.right(got) {
			return fmt.Errorf("command %d of %d, %.100q: got %.100q", i, len(k.steps), s.words, got)
		}
	}
	return nil
}

// exchange sends the first n bytes of the pipeline while it checks the first m replies. If these are not all, it closes the connection.
func (k *talker) exchange(n, m int) error {
	_ = k.conn.SetDeadline(await.Deadline())
	sent := make(chan error, 1)
	go func() { sent <- k.send(n) }()
	if err := k.check(m); err != nil {
		_ = k.conn.Close()
		<-sent
		return err
	}
	if m < len(k.steps) {
		_ = k.conn.Close() // it may wait for room
		<-sent
		return nil
	}
	return <-sent
}

// do makes an exchange of the whole pipeline.
func (k *talker) do() error { return k.exchange(len(k.commands.B), len(k.steps)) }

// abandon goes away before all replies are read, or all commands sent.
func (k *talker) abandon() error {
	if tcp, ok := k.conn.(*net.TCPConn); ok && k.r.IntN(2) == 0 {
		_ = tcp.SetLinger(0) // a reset
	}
	if k.r.IntN(2) == 0 {
		_ = k.conn.SetDeadline(time.Now().Add(time.Second)) // for the replies may fill all buffers
		_ = k.send(k.r.IntN(len(k.commands.B)))
		return nil
	}
	return k.exchange(len(k.commands.B), k.r.IntN(len(k.steps)))
}

// largestReply bounds what a damaged length makes a client wait for.
const largestReply = 1 << 28

// readReply returns the bytes of one reply, with all that is in it. They are valid
// until the next call. The error is lost if the connection ended.
func readReply(in *client.Reader) ([]byte, error) {
	got, err := in.Raw()
	if err != nil && !errors.Is(err, client.ErrNotRedis) {
		err = lost{err}
	}
	return got, err
}
