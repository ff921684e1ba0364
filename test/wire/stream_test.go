package wire

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	seconds = flag.Float64("seconds", 3, "how long TestRandomStreams runs")
	seed    = flag.Uint64("seed", 0, "first seed of TestRandomStreams, 0 for one from the clock")
)

const (
	streamConns  = 3 // the second connection speaks RESP3
	streamLength = 300
	streamDBs    = 4
)

// TestRandomStreams runs random command streams on the server under test and
// on redis-server. Every reply, and the data left at the end, must be the
// same. A failure prints the shortest stream found that still shows it, in the
// format of the data files, and the seed that makes the stream again.
func TestRandomStreams(t *testing.T) {
	parallel(t)
	p := pair{subject: startSubject(t, ""), redis: startRedis(t, "")}
	p.checkStreams(t, func(_ uint64, ops []op) []op { return ops })
}

// FuzzStreams is TestRandomStreams with streams decoded from fuzz data.
func FuzzStreams(f *testing.F) {
	p := pair{subject: startSubject(f, ""), redis: startRedis(f, "")}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 8 {
		data := make([]byte, 256)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ops, err := generate(&dice{data: data}, streamLength)
		if err != nil {
			t.Fatal(err)
		}
		p.check(t, ops, "the fuzz input above")
	})
}

// pair is the two servers that a stream runs on.
type pair struct {
	subject, redis server
	before         [][]string // what the first connection sends before a stream
}

// divergence is a command that the two servers answered differently.
type divergence struct {
	conn           int
	args           []string
	subject, redis string
}

// checkStreams makes streams for as long as -seconds says, at least one, and checks what change makes of each and its seed.
func (p pair) checkStreams(t *testing.T, change func(seed uint64, ops []op) []op) {
	t.Helper()
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	stop := time.Now().Add(time.Duration(*seconds * float64(time.Second)))
	s := first
	for ; time.Now().Before(stop) || s == first; s++ {
		ops, err := generate(seededDice(s), streamLength)
		if err != nil {
			t.Fatal(err)
		}
		p.check(t, change(s, ops), fmt.Sprintf("-run %s -seconds 0 -seed %d", t.Name(), s))
	}
	t.Logf("%d streams of %d commands, seeds %d to %d", s-first, streamLength, first, s-1)
}

// check runs the stream and fails the test, with a minimised stream, if the
// servers differ.
func (p pair) check(t *testing.T, ops []op, origin string) {
	t.Helper()
	d, err := p.run(ops)
	if err != nil {
		t.Fatalf("%s: %v", origin, err)
	}
	if d == nil {
		return
	}
	ops = minimise(ops, func(ops []op) bool {
		d, err := p.run(ops)
		return err == nil && d != nil
	})
	if least, err := p.run(ops); err == nil && least != nil {
		d = least
	}
	t.Fatalf("the servers differ, reproduce with %s\n%s\nin the reply to (connection %s)> %s\n    ours %s\n   redis %s",
		origin, formatOps(ops), connName(d.conn), formatArgs(d.args), d.subject, d.redis)
}

// run executes the stream on both servers. It returns the first difference, or
// nil. An error means that the comparison could not be made.
func (p pair) run(ops []op) (*divergence, error) {
	var conns []*lockstep
	var skew time.Duration
	defer func() {
		for _, l := range conns {
			l.close()
		}
	}()
	for _, srv := range []server{p.subject, p.redis} {
		if err := srv.reset(); err != nil {
			return nil, err
		}
	}
	for i := range streamConns {
		l, err := p.connect(i, &skew)
		if err != nil {
			return nil, err
		}
		conns = append(conns, l)
	}
	for _, args := range p.before {
		if d, _, err := conns[0].do(args); d != nil || err != nil {
			return d, err
		}
	}
	for _, o := range ops {
		if d, _, err := conns[o.conn].do(o.args); d != nil || err != nil {
			return d, err
		}
	}
	return p.compareData(&skew)
}

// connect opens connection i of a stream on both servers. The connections of a
// stream share the skew.
func (p pair) connect(i int, skew *time.Duration) (*lockstep, error) {
	subject, err := dial(p.subject.addr)
	if err != nil {
		return nil, err
	}
	redis, err := dial(p.redis.addr)
	if err != nil {
		subject.close()
		return nil, err
	}
	l := &lockstep{conn: i, subject: subject, redis: redis, skew: skew}
	if i != 1 {
		return l, nil
	}
	for _, c := range []*peer{subject, redis} {
		if err := c.mustReply("%7", "HELLO", "3"); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// compareData compares every key of both servers: type, encoding, value and
// time to live.
func (p pair) compareData(skew *time.Duration) (*divergence, error) {
	l, err := p.connect(0, skew)
	if err != nil {
		return nil, err
	}
	defer l.close()
	for db := range streamDBs {
		if d, _, err := l.do([]string{"SELECT", strconv.Itoa(db)}); d != nil || err != nil {
			return d, err
		}
		d, keys, err := l.do([]string{"KEYS", "*"})
		if d != nil || err != nil {
			return d, err
		}
		for _, key := range keys.elems {
			if d, err := l.compareKey(string(key.body)); d != nil || err != nil {
				return d, err
			}
		}
	}
	return nil, nil
}

// lockstep is one connection to each of the two servers.
type lockstep struct {
	conn           int
	subject, redis *peer
	// skew is the longest time that the two took to answer a command of the
	// stream: no server ran one later than the other by more than that, on
	// its clock.
	skew *time.Duration
	// queued holds what to expect of each reply in the next EXEC.
	queued []likeness
}

func (l *lockstep) close() {
	l.subject.close()
	l.redis.close()
}

// do sends one command to both servers and compares the replies. It returns
// redis-server's reply.
func (l *lockstep) do(args []string) (*divergence, node, error) {
	return l.doAs(args, func(got, want node) bool { return l.alike(args, got, want) })
}

// doAs is do with what compares the replies.
func (l *lockstep) doAs(args []string, alike func(got, want node) bool) (*divergence, node, error) {
	wire := appendCommand(nil, args)
	sent := time.Now()
	if err := l.redis.send(wire); err != nil {
		return nil, node{}, err
	}
	if err := l.subject.send(wire); err != nil {
		return nil, node{}, err
	}
	want, err := l.redis.read()
	if err != nil {
		return nil, node{}, fmt.Errorf("redis-server: %s: %w", formatArgs(args), err)
	}
	d := &divergence{conn: l.conn, args: args, redis: formatWire(want.wire())}
	got, err := l.subject.read()
	if err != nil {
		d.subject = "error: " + err.Error()
		return d, want, nil
	}
	*l.skew = max(*l.skew, apart(sent, time.Now()))
	if alike(got, want) {
		return nil, want, nil
	}
	d.subject = formatWire(got.wire())
	return d, want, nil
}

// apart returns how much later than at one moment somebody may believe it to be
// at another, also if the machine's clock is set meanwhile.
func apart(from, to time.Time) time.Duration {
	elapsed := to.Sub(from)
	set := to.Round(0).Sub(from.Round(0)) - elapsed // without the monotonic clock
	return elapsed + set.Abs()
}

// alike compares the replies to args, and to each command of a transaction.
func (l *lockstep) alike(args []string, got, want node) bool {
	if string(want.head) == "+QUEUED" {
		l.queued = append(l.queued, likenessOf(args))
		return bytes.Equal(got.wire(), want.wire())
	}
	switch strings.ToUpper(args[0]) {
	case "EXEC":
		queued := l.queued
		l.queued = nil
		return l.alikeEach(queued, got, want)
	case "DISCARD", "RESET":
		if want.kind() != '-' {
			l.queued = nil
		}
	}
	return likenessOf(args).alike(got, want, *l.skew)
}

// alikeEach compares two replies to EXEC.
func (l *lockstep) alikeEach(queued []likeness, got, want node) bool {
	if len(want.elems) != len(queued) || len(got.elems) != len(queued) {
		return bytes.Equal(older(got.wire()), want.wire())
	}
	for i, like := range queued {
		if !like.alike(got.elems[i], want.elems[i], *l.skew) {
			return false
		}
	}
	return bytes.Equal(older(got.head), want.head)
}

// compareKey compares one key of the selected database.
func (l *lockstep) compareKey(key string) (*divergence, error) {
	d, kind, err := l.do([]string{"TYPE", key})
	if d != nil || err != nil {
		return d, err
	}
	read := map[string]string{"+hash": "HGETALL", "+set": "SMEMBERS"}[string(kind.head)]
	if read == "" {
		read = "GET"
	}
	encoding := likeExact
	if string(kind.head) == "+set" {
		encoding = likeEncoding
	}
	d, _, err = l.doAs([]string{"OBJECT", "ENCODING", key}, func(got, want node) bool { return encoding.alike(got, want, 0) })
	if d != nil || err != nil {
		return d, err
	}
	for _, args := range [][]string{{read, key}, {"PTTL", key}} {
		if d, _, err := l.do(args); d != nil || err != nil {
			return d, err
		}
	}
	return nil, nil
}

// minimise removes commands from a failing stream, ever smaller runs of them,
// for as long as it keeps failing (delta debugging).
func minimise(ops []op, fails func([]op) bool) []op {
	for size := max(1, len(ops)/2); ; size /= 2 {
		for at := 0; at < len(ops); {
			end := min(at+size, len(ops))
			without := append(ops[:at:at], ops[end:]...)
			if fails(without) {
				ops = without
			} else {
				at = end
			}
		}
		if size <= 1 {
			return ops
		}
	}
}

// connName names connection i as the data files do.
func connName(i int) string { return [streamConns]string{"", "b", "c"}[i] }

// formatOps writes a stream as the commands of a data file.
func formatOps(ops []op) string {
	var out strings.Builder
	for _, o := range ops {
		fmt.Fprintf(&out, "%s> %s\n", connName(o.conn), formatArgs(o.args))
	}
	return out.String()
}

// formatArgs is the inverse of splitArgs.
func formatArgs(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if a == "" || strings.ContainsFunc(a, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) {
			words[i] = strconv.Quote(a)
		}
	}
	return strings.Join(words, " ")
}
