package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/term"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/plan"
	"github.com/redistill/redistill/tools/spawn"
	"github.com/redistill/redistill/tools/verify"
)

// verifyPlan loads a share of the items into a server that it starts, and enters
// what was measured.
func verifyPlan(ctx context.Context, r *plan.Report, options plan.Options, scale float64, stderr io.Writer) error {
	if !(scale > 0 && scale <= 1) {
		return errors.New("--scale must be above 0, and 1 at most")
	}
	items := make([]plan.Item, len(options.Items))
	for i, it := range options.Items {
		it.Count = int64(math.Ceil(scale * float64(it.Count)))
		items[i] = it
	}
	options.Items = items
	scaled, err := plan.New(options)
	if err != nil {
		return err
	}
	if there := config.DetectMemory().Bytes; there > 0 && scaled.MaxMemory > there {
		return fmt.Errorf("it takes up to %s, and this machine has %s: try --scale 0.1", config.FormatSize(scaled.MaxMemory), config.FormatSize(there))
	}
	server, err := startOwnServer(ctx, "--max-memory", strconv.FormatInt(scaled.MaxMemory, 10), "--eviction-policy", "noeviction")
	if err != nil {
		return err
	}
	defer server.Stop()
	target := client.Target{Network: "tcp", Address: server.Address}
	conn, err := client.Dial(ctx, target, client.Options{Timeout: answerTimeout})
	if errors.Is(err, client.ErrInterrupted) {
		return err
	}
	if err != nil {
		return explain(err, server)
	}
	defer conn.Close()
	line := newStatusLine(stderr)
	defer line.clear()
	growth := plan.Growth(items, engine.ShardsFor(scaled.MaxMemory, runtime.GOMAXPROCS(0)))
	r.Scale = scale
	r.Verified, err = verify.Run(ctx, conn, items, growth, func(now verify.Progress) {
		line.show("loading %s: %d of %d", now.Item, now.Done, now.Count)
	})
	if errors.Is(err, client.ErrClosed) {
		return explain(err, server)
	}
	return err
}

// explain adds to an error how a server ended that answered a moment ago.
func explain(err error, server *spawn.Server) error {
	if last := server.Ended(); last != "" {
		return fmt.Errorf("%w; the server ended: %s", err, last)
	}
	return err
}

// statusLine is a line on a terminal that is written over, and nothing elsewhere.
type statusLine struct {
	w    io.Writer // nil if it is not a terminal
	last time.Time // when it was written
}

// statusInterval is how long a status stays at least.
const statusInterval = 200 * time.Millisecond

func newStatusLine(w io.Writer) *statusLine {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &statusLine{w: w}
	}
	return &statusLine{}
}

func (s *statusLine) show(format string, args ...any) {
	if s.w == nil || time.Since(s.last) < statusInterval {
		return
	}
	s.last = time.Now()
	fmt.Fprintf(s.w, "\r\x1b[K"+format, args...)
}

func (s *statusLine) clear() {
	if s.w != nil {
		fmt.Fprint(s.w, "\r\x1b[K")
	}
}
