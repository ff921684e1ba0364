package cmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/plan"
	"github.com/redistill/redistill/tools/sample"
)

// answerTimeout is how long a server may take to log a client in, and for the
// replies to a batch of commands.
const answerTimeout = time.Minute

// takeSample looks at the keys of a live server.
func takeSample(ctx context.Context, from string, o sample.Options, secure *tlsOptions, stderr io.Writer) (*plan.Sample, error) {
	target, err := client.ParseTarget(from)
	if err == nil {
		err = secure.check(target.TLS != nil)
	}
	if err == nil {
		err = completeTarget(&target, secure)
	}
	if err != nil {
		return nil, err
	}
	conn, err := client.Dial(ctx, target, client.Options{Timeout: answerTimeout})
	if err != nil {
		return nil, explainPassword(err)
	}
	defer conn.Close()
	line := newStatusLine(stderr)
	defer line.clear()
	s, err := sample.Take(ctx, conn, o, func(done int) { line.show("%d keys of at most %d", done, o.Keys) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	s.Target = target.String()
	return s, nil
}
