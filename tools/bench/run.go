package bench

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/redistill/redistill/tools/client"
)

// sleeping waits until a time or the end of ctx; see alarm.sleep.
type sleeping func(ctx context.Context, until time.Time, wake chan struct{}) error

// load is what one Run holds on to.
type load struct {
	cfg     Config
	control *client.Conn // for INFO, idle otherwise
	workers []*worker
	sleep   sleeping // in the open loop
}

// Run measures t once: it connects, preloads, warms up and measures. When it
// fails after the measurement has begun, the Result that it returns holds what was
// measured until then and says so in Problem. The end of ctx makes it fail with
// client.ErrInterrupted. It ends every connection.
func Run(ctx context.Context, t client.Target, cfg Config) (Result, error) {
	if err := cfg.Validate(); err != nil {
		return Result{}, err
	}
	cfg = cfg.withDefaults()
	if cfg.Threads > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cfg.Threads))
	}
	l := &load{cfg: cfg}
	defer l.close()
	if err := l.connect(ctx, t); err != nil {
		return Result{}, err
	}
	if !cfg.SkipPreload {
		if _, err := l.run(ctx, "preload", l.newPhase(0, 0), (*worker).preload); err != nil {
			return Result{}, fmt.Errorf("preloading: %w", err)
		}
	}
	drive := (*worker).closed
	if cfg.Rate > 0 {
		drive = (*worker).open
		alarm, err := newAlarm()
		if err != nil {
			return Result{}, err
		}
		defer alarm.close()
		l.sleep = alarm.sleep
	}
	if cfg.Warmup > 0 {
		if _, err := l.run(ctx, "warm-up", l.newPhase(cfg.Warmup, 0), drive); err != nil {
			return Result{}, fmt.Errorf("warming up: %w", err)
		}
	}
	return l.measure(ctx, drive)
}

// connect opens all connections, some at a time.
func (l *load) connect(ctx context.Context, t client.Target) error {
	o := client.Options{Timeout: l.cfg.Timeout}
	// The first one alone, so that a server which is not there is one error.
	control, err := client.Dial(ctx, t, o)
	if err != nil {
		return err
	}
	l.control = control
	pops := prepare(l.cfg.Profile, l.cfg.Seed)
	nonce := uint64(time.Now().UnixNano())
	l.workers = make([]*worker, l.cfg.Connections)
	errs := make([]error, l.cfg.Connections)
	slots := make(chan struct{}, 64)
	var wg sync.WaitGroup
	for i := range l.workers {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			c, err := client.Dial(ctx, t, o)
			if errs[i] = err; err == nil {
				l.workers[i] = &worker{
					cfg: &l.cfg, number: i, conn: c, gen: newGenerator(pops, l.cfg.Seed, nonce, i), wake: make(chan struct{}, 1),
				}
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return interrupted(ctx, fmt.Errorf("connection %d: %w", i+1, err))
		}
	}
	return nil
}

func (l *load) close() {
	if l.control != nil {
		l.control.Close()
	}
	for _, w := range l.workers {
		if w != nil {
			w.conn.Close()
		}
	}
}

// newPhase makes a phase that ends after a duration or a number of requests; 0
// is no such end.
func (l *load) newPhase(end time.Duration, requests int64) *phase {
	// More histograms than threads make it unlikely that two want the same one.
	p := &phase{recorder: newRecorder(min(l.cfg.Connections, 4*runtime.GOMAXPROCS(0))), sleep: l.sleep, end: end}
	if requests == 0 {
		requests = math.MaxInt64 / 2
	}
	p.budget.Store(requests)
	return p
}

// run has all workers do the same, and returns when all have done it or one has
// failed. It returns how long that took.
func (l *load) run(parent context.Context, name string, p *phase, do func(*worker, context.Context, *phase) error) (time.Duration, error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	unblock := context.AfterFunc(ctx, func() {
		for _, w := range l.workers {
			_ = w.conn.SetDeadline(time.Unix(1, 0)) // it may be closed
		}
	})
	defer unblock()
	p.start = time.Now()
	total := l.progressTotal(name)
	stop := l.report(name, p, total)
	var wg sync.WaitGroup
	for _, w := range l.workers {
		wg.Go(func() {
			if err := do(w, ctx, p); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	elapsed := p.clock()
	stop()
	if ctx.Err() != nil {
		return elapsed, interrupted(parent, context.Cause(ctx))
	}
	return elapsed, nil
}

// interrupted is err, unless ctx ended and so caused it.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return client.ErrInterrupted
	}
	return err
}

// progressTotal returns how many requests a phase has, or 0 if time ends it.
func (l *load) progressTotal(name string) int64 {
	switch name {
	case "measure":
		return l.cfg.Requests
	case "preload":
		n := 0
		for _, p := range l.cfg.Profile.Populations {
			n += p.Keys
		}
		return int64(n)
	}
	return 0
}

// report calls Progress until the function it returns is called.
func (l *load) report(name string, p *phase, total int64) (stop func()) {
	if l.cfg.Progress == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	tell := func() {
		progress := Progress{Phase: name, Requests: p.recorder.requests.Load()}
		if p.end > 0 {
			progress.Done = min(1, float64(p.clock())/float64(p.end))
		}
		if total > 0 {
			progress.Done = max(progress.Done, min(1, float64(progress.Requests)/float64(total)))
		}
		l.cfg.Progress(progress)
	}
	go func() {
		defer close(ended)
		ticker := time.NewTicker(250 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				tell()
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// measure runs the phase that counts.
func (l *load) measure(ctx context.Context, drive func(*worker, context.Context, *phase) error) (Result, error) {
	var run Result
	sent, received := l.bytes()
	before := takeSnapshot(l.control)
	p := l.newPhase(l.cfg.Duration, l.cfg.Requests)
	elapsed, err := l.run(ctx, "measure", p, drive)
	after := takeSnapshot(l.control)
	run.Seconds = elapsed.Seconds()
	run.BytesSent, run.BytesReceived = l.bytes()
	run.BytesSent -= sent
	run.BytesReceived -= received
	run.Unsent = p.unsent.Load()
	p.recorder.summarize(&run)
	run.Server = compareSnapshots(before, after, run.Requests)
	if err != nil {
		run.Problem = err.Error()
	}
	return run, err
}

func (l *load) bytes() (sent, received int64) {
	for _, w := range l.workers {
		s, r := w.conn.Traffic()
		sent += s
		received += r
	}
	return sent, received
}
