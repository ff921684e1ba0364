package bench

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/tools/client"
)

// phase is a time in which all connections do the same.
type phase struct {
	recorder *recorder
	sleep    sleeping // in the open loop
	start    time.Time
	end      time.Duration // from start; 0 if only the budget ends it
	budget   atomic.Int64  // requests that may still be sent
	unsent   atomic.Int64
}

// clock returns the time since the start of the phase.
func (p *phase) clock() time.Duration { return time.Since(p.start) }

// take returns how many of n requests may be sent.
func (p *phase) take(n int) int {
	left := p.budget.Add(-int64(n))
	return max(0, min(n, n+int(left)))
}

// worker drives one connection.
type worker struct {
	cfg      *Config
	number   int
	conn     *client.Conn
	gen      *generator
	batch    batch
	outcome  outcome
	wake     chan struct{} // for sleep
	extended time.Time     // when the connection's deadline was last moved
}

// closed sends a batch when the one before is answered.
func (w *worker) closed(ctx context.Context, p *phase) error {
	for {
		if p.end > 0 && p.clock() >= p.end {
			return nil
		}
		n := p.take(w.cfg.Pipeline)
		if n == 0 {
			return nil
		}
		w.batch.reset()
		for len(w.batch.ops) < n {
			w.gen.next(&w.batch, 0)
		}
		p.take(len(w.batch.ops) - n) // an EXPIRE too many
		now := p.clock()
		for i := range w.batch.ops {
			w.batch.ops[i].due = now
		}
		if err := w.exchange(ctx, p); err != nil {
			return err
		}
	}
}

// open sends requests when they are due, or as soon after that as replies to
// those before allow.
func (w *worker) open(ctx context.Context, p *phase) error {
	pace := newPacer(w.cfg.Rate, w.number, w.cfg.Connections)
	for {
		if p.end > 0 && (pace.due() >= p.end || p.clock() >= p.end) {
			p.unsent.Add(pace.dueBefore(p.end))
			return nil
		}
		idle := p.clock() < pace.due()
		if err := p.sleep(ctx, p.start.Add(pace.due()), w.wake); err != nil {
			return err
		}
		now := p.clock()
		if idle {
			p.recorder.sentLate(w.number, now-pace.due())
		}
		w.batch.reset()
		for len(w.batch.ops) < w.cfg.Pipeline && pace.due() <= now && p.take(1) > 0 {
			before := len(w.batch.ops)
			w.gen.next(&w.batch, pace.due())
			pace.advance(len(w.batch.ops) - before)
			p.take(len(w.batch.ops) - before - 1) // an EXPIRE
		}
		if len(w.batch.ops) == 0 {
			if p.budget.Load() <= 0 {
				return nil
			}
			continue
		}
		if err := w.exchange(ctx, p); err != nil {
			return err
		}
	}
}

// Preloading sends batches of so many commands, or so many bytes.
const (
	preloadCommands = 64
	preloadBytes    = 128 << 10
)

// preload stores this connection's share of all keys.
func (w *worker) preload(ctx context.Context, p *phase) error {
	w.batch.reset()
	for i := range w.gen.pops {
		keys := uint64(w.gen.pops[i].Population.Keys)
		for key := uint64(w.number); key < keys; key += uint64(w.cfg.Connections) {
			w.gen.append(&w.batch, w.gen.pops[i].write(), uint8(i), key, p.clock())
			if len(w.batch.ops) < preloadCommands && len(w.batch.buf) < preloadBytes {
				continue
			}
			if err := w.exchange(ctx, p); err != nil {
				return err
			}
			w.batch.reset()
		}
	}
	return w.exchange(ctx, p)
}

// exchange sends the batch, reads its replies and records them, also those that
// came before an error.
func (w *worker) exchange(ctx context.Context, p *phase) error {
	if err := w.extend(ctx); err != nil {
		return err
	}
	w.outcome = outcome{latency: w.outcome.latency[:0]}
	wait, err := w.write(w.batch.buf)
	if err != nil {
		return err
	}
	err = w.receive(p)
	if wait != nil {
		if err != nil {
			w.conn.Close() // the write may wait for ever
		}
		if werr := wait(); err == nil {
			err = werr
		}
	}
	if len(w.outcome.latency) > 0 {
		p.recorder.add(w.number, w.batch.ops, &w.outcome)
	}
	if err == nil && w.outcome.errors > 0 && !w.cfg.KeepGoing {
		err = client.ServerError(w.outcome.firstErr)
	}
	return err
}

// bigWrite is what a write may hold so that it surely ends although nobody reads
// the replies. A server may stop reading when its replies are not taken.
const bigWrite = 32 << 10

// write sends b. The returned function has to be called after the replies are
// read, and says whether all was sent; it is nil if that is known.
func (w *worker) write(b []byte) (wait func() error, err error) {
	if len(b) <= bigWrite {
		return nil, w.conn.Write(b)
	}
	done := make(chan error, 1)
	go func() { done <- w.conn.Write(b) }()
	return func() error { return <-done }, nil
}

// extend moves the connection's deadline, at most once a second.
func (w *worker) extend(ctx context.Context) error {
	now := time.Now()
	if now.Sub(w.extended) > time.Second {
		w.extended = now
		if err := w.conn.SetDeadline(now.Add(w.cfg.Timeout + time.Second)); err != nil {
			return err
		}
	}
	// The end of ctx sets a deadline in the past, which must not be moved.
	return ctx.Err()
}

// receive reads a reply for every request of the batch.
func (w *worker) receive(p *phase) error {
	w.outcome.now = p.clock()
	for i := 0; i < len(w.batch.ops); {
		reply, err := w.conn.Next()
		if err != nil {
			return err
		}
		if reply == nil {
			if err := w.conn.Fill(); err != nil {
				return err
			}
			w.outcome.now = p.clock()
			continue
		}
		w.judge(w.batch.ops[i], reply)
		w.outcome.latency = append(w.outcome.latency, w.outcome.now-w.batch.ops[i].due)
		i++
	}
	return nil
}

// judge counts what a reply says.
func (w *worker) judge(o op, reply []byte) {
	switch {
	case reply[0] == '-':
		if w.outcome.errors == 0 {
			w.outcome.firstErr = client.Printable(string(reply[1 : len(reply)-len("\r\n")]))
		}
		w.outcome.errors++
	case o.kind != opGet:
	case reply[0] == '$' && reply[1] == '-':
		w.outcome.misses++
		w.gen.missing(o)
	default:
		w.outcome.hits++
	}
}
