package soak

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/redistill/redistill/internal/resp"
)

const (
	patience = time.Minute // how long a reply may take before the test fails

	keyLife = 20 // seconds: what a client leaves behind goes by itself
	// maxStay is how long a client talks on one connection. It is so much less than keyLife that no key expires which it knows of.
	maxStay = 5 * time.Second
)

// talker is a client that knows the reply to everything that it says. The keys of its connection are its own.
type talker struct {
	r       *rand.Rand
	most    int // bytes of a value
	conn    net.Conn
	in      *bufio.Reader
	began   time.Time // of the connection
	prefix  string    // of all keys
	strings map[string]string
	hashes  map[string]map[string]string
	numbers map[string]int

	commands, replies resp.Out // of the pipeline that is being made
}

// dial connects, and starts with no keys of its own. name is in no use by another.
func (k *talker) dial(network, address, name string) error {
	conn, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	k.conn, k.in, k.began, k.prefix = conn, bufio.NewReaderSize(conn, 32<<10), time.Now(), name
	k.strings, k.hashes, k.numbers = map[string]string{}, map[string]map[string]string{}, map[string]int{}
	return nil
}

// make makes a pipeline of n commands.
func (k *talker) make(n int) {
	k.commands.B, k.replies.B = k.commands.B[:0], k.replies.B[:0]
	for range n {
		k.add()
	}
}

// say appends a command.
func (k *talker) say(words ...string) {
	k.commands.Array(len(words))
	for _, w := range words {
		k.commands.BulkString(w)
	}
}

// add appends a random command and the reply to it.
func (k *talker) add() {
	key := fmt.Sprint(k.prefix, "s", k.r.IntN(10))
	switch k.r.IntN(12) {
	case 0, 1:
		v := k.value()
		k.say("SET", key, v, "EX", strconv.Itoa(keyLife))
		k.strings[key] = v
		k.replies.Simple("OK")
	case 2, 3, 4:
		k.say("GET", key)
		k.bulk(k.strings, key)
	case 5:
		k.say("STRLEN", key)
		k.replies.Int(int64(len(k.strings[key])))
	case 6:
		k.say("DEL", key)
		_, there := k.strings[key]
		k.truth(there)
		delete(k.strings, key)
	case 7:
		k.count()
	case 8, 9:
		k.hash()
	case 10:
		v := k.value()
		k.say("ECHO", v)
		k.replies.BulkString(v)
	case 11:
		k.transaction(key)
	}
}

// bulk appends the value of a key, which may be missing, as a reply.
func (k *talker) bulk(from map[string]string, key string) {
	if v, ok := from[key]; ok {
		k.replies.BulkString(v)
		return
	}
	k.replies.B = append(k.replies.B, "$-1\r\n"...)
}

func (k *talker) truth(yes bool) {
	n := int64(0)
	if yes {
		n = 1
	}
	k.replies.Int(n)
}

func (k *talker) count() {
	key := fmt.Sprint(k.prefix, "n", k.r.IntN(2))
	k.say("INCR", key)
	k.numbers[key]++
	k.replies.Int(int64(k.numbers[key]))
	k.expire(key)
}

// expire limits the life of a key that exists.
func (k *talker) expire(key string) {
	k.say("EXPIRE", key, strconv.Itoa(keyLife))
	k.truth(true)
}

func (k *talker) hash() {
	key, field := fmt.Sprint(k.prefix, "h", k.r.IntN(2)), fmt.Sprint("f", k.r.IntN(30))
	h := k.hashes[key]
	switch _, there := h[field]; k.r.IntN(3) {
	case 0:
		if h == nil {
			h = map[string]string{}
			k.hashes[key] = h
		}
		h[field] = k.value()
		k.say("HSET", key, field, h[field])
		k.truth(!there)
		k.expire(key)
	case 1:
		k.say("HGET", key, field)
		k.bulk(h, field)
	case 2:
		k.say("HDEL", key, field)
		k.truth(there)
		delete(h, field)
	}
}

// transaction appends one of three commands.
func (k *talker) transaction(key string) {
	k.say("MULTI")
	k.say("GET", key)
	k.say("PING")
	k.say("EXEC")
	k.replies.Simple("OK")
	k.replies.Simple("QUEUED")
	k.replies.Simple("QUEUED")
	k.replies.Array(2)
	k.bulk(k.strings, key)
	k.replies.Simple("PONG")
}

// value returns random bytes: mostly few, rarely many.
func (k *talker) value() string {
	limit := 100
	switch n := k.r.IntN(1000); {
	case n < 2:
		limit = k.most
	case n < 20:
		limit = 64 << 10
	case n < 200:
		limit = 4 << 10
	}
	b := make([]byte, k.r.IntN(min(limit, k.most)))
	for i := 0; i < len(b); i += 8 {
		for j, bits := i, k.r.Uint64(); j < min(i+8, len(b)); j, bits = j+1, bits>>8 {
			b[j] = byte(bits)
		}
	}
	return string(b)
}

// send writes the first n bytes of the pipeline, in pieces.
func (k *talker) send(n int) error {
	for left := k.commands.B[:n]; len(left) > 0; {
		piece := len(left)
		if k.r.IntN(4) == 0 {
			piece = 1 + k.r.IntN(piece)
		}
		if _, err := k.conn.Write(left[:piece]); err != nil {
			return err
		}
		left = left[piece:]
	}
	return nil
}

// check reads the first n bytes of the replies and compares them.
func (k *talker) check(n int) error {
	got := make([]byte, 16<<10)
	for want := k.replies.B[:n]; len(want) > 0; {
		m, err := k.in.Read(got[:min(len(got), len(want))])
		if !bytes.Equal(got[:m], want[:m]) {
			return fmt.Errorf("got %.100q, want %.100q", got[:m], want[:m])
		}
		if want = want[m:]; err != nil && len(want) > 0 {
			return fmt.Errorf("%d bytes of replies are missing: %w", len(want), err)
		}
	}
	return nil
}

// exchange sends the first n bytes of the pipeline while it compares the first m bytes of the replies.
func (k *talker) exchange(n, m int) error {
	_ = k.conn.SetDeadline(time.Now().Add(patience))
	sent := make(chan error, 1)
	go func() { sent <- k.send(n) }()
	if err := k.check(m); err != nil {
		_ = k.conn.Close()
		<-sent
		return err
	}
	if m < len(k.replies.B) {
		_ = k.conn.Close() // it may wait for room
		<-sent
		return nil
	}
	return <-sent
}

// run talks for a while on one connection, and returns the number of commands that were answered. It ends the connection in an orderly
// way, or in the middle of whatever.
func (k *talker) run(stop <-chan struct{}) (answered int, err error) {
	defer func() { _ = k.conn.Close() }()
	for time.Since(k.began) < maxStay {
		select {
		case <-stop:
			return answered, nil
		default:
		}
		n := 1 + k.r.IntN([]int{1, 1, 16, 200}[k.r.IntN(4)])
		k.make(n)
		if k.r.IntN(300) == 0 {
			return answered, k.abandon()
		}
		if err := k.exchange(len(k.commands.B), len(k.replies.B)); err != nil {
			return answered, err
		}
		answered += n
	}
	return answered, nil
}

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
	return k.exchange(len(k.commands.B), k.r.IntN(len(k.replies.B)))
}
