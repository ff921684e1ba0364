package cmd

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"

	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/stats"
	"github.com/redistill/redistill/tools/watch"
)

// watchStats shows the server on the whole terminal until a key, a signal or
// the end of ctx. It takes over conn, and connects again with the target's
// password when the server has been away.
func watchStats(ctx context.Context, o *statsOptions, conn *client.Conn, t client.Target, stdin io.Reader, stdout io.Writer) error {
	interval := o.interval
	if interval == 0 {
		interval = time.Second
	}
	poller := stats.NewPoller(conn, t, o.timeout)
	model := watch.New(watch.Options{
		Target: t.String(), Interval: interval,
		Take: func() (*stats.Sample, error) { return poller.Take(ctx) },
	})
	// A question to the server may still be open when this returns, so the
	// connection is left to the end of the process.
	_, err := tea.NewProgram(model, tea.WithContext(ctx), tea.WithInput(stdin), tea.WithOutput(stdout)).Run()
	if errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	return err
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
