package cmd

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/redistill/redistill/tools/bench"
)

// progressBar is one line on a terminal, and nothing elsewhere.
type progressBar struct {
	container *mpb.Progress // nil if it is not a terminal
	bar       *mpb.Bar      // nil until there is progress

	mu  sync.Mutex
	now bench.Progress
}

// progressSteps is what a whole bar is for mpb.
const progressSteps = 1000

func newProgressBar(w io.Writer) *progressBar {
	p := &progressBar{}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.container = mpb.New(mpb.WithOutput(f), mpb.WithWidth(60))
	}
	return p
}

// show returns what bench is to call, from one goroutine at a time, or nil.
func (p *progressBar) show() func(bench.Progress) {
	if p.container == nil {
		return nil
	}
	return func(now bench.Progress) {
		p.mu.Lock()
		p.now = now
		p.mu.Unlock()
		if p.bar == nil {
			p.bar = p.container.New(progressSteps, mpb.BarStyle(),
				mpb.PrependDecorators(decor.Any(p.label)), mpb.AppendDecorators(decor.NewPercentage("% d")))
		}
		// A bar that is full is done, and more runs may follow.
		p.bar.SetCurrent(min(progressSteps-1, int64(now.Done*progressSteps)))
	}
}

func (p *progressBar) label(decor.Statistics) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now.Runs == 1 {
		return p.now.Phase
	}
	return fmt.Sprintf("%d/%d %s", p.now.Run, p.now.Runs, p.now.Phase)
}

// close removes the line.
func (p *progressBar) close() {
	if p.container == nil {
		return
	}
	if p.bar != nil {
		p.bar.Abort(true)
	}
	p.container.Wait()
}
