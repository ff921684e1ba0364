package cmd

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/redistill/redistill/internal/client"
	"github.com/redistill/redistill/internal/plan"
	"github.com/redistill/redistill/internal/population"
	"github.com/redistill/redistill/internal/terminal"
)

// answerTimeout is how long a server may take to log a client in, and for the
// replies to a batch of commands.
const answerTimeout = time.Minute

// sampleReport is a sample with where it is from.
type sampleReport struct {
	Target string `json:"target"`
	*population.Sample
}

// takeSample looks at the keys of a live server.
func takeSample(ctx context.Context, from string, o population.SampleOptions, secure *tlsOptions, stderr io.Writer) (*sampleReport, error) {
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
	s, err := population.TakeSample(ctx, conn, o, func(done int) { line.show("%d keys of at most %d", done, o.Keys) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	return &sampleReport{target.String(), s}, nil
}

// use plans with the groups that were found, and for as many connections as there
// were, unless the number is given.
func (s *sampleReport) use(options *plan.Options, connections bool) {
	options.Items = append(options.Items, s.Items()...)
	if s.Connections > 0 && !connections {
		options.Connections = s.Connections
	}
}

// tables shows what was found, and how sure that is.
func (s *sampleReport) tables() []*terminal.Table {
	title := fmt.Sprintf("%d of %d keys of %s, with what 95 of 100 samples are within", s.Sampled, s.Keys, s.Target)
	if s.Whole {
		title = fmt.Sprintf("All %d keys of %s", s.Keys, s.Target)
	}
	groups := &terminal.Table{Title: title, Header: []string{"item", "type", "sampled", "keys", "±", "with TTL", "memory", "±", "there"}}
	for i := range s.Groups {
		g := &s.Groups[i]
		groups.Rows = append(groups.Rows, []string{g.Name, g.Type, strconv.Itoa(g.Sampled), strconv.FormatInt(g.Count, 10), strconv.FormatInt(g.CountBound, 10),
			fmt.Sprintf("%.0f %%", 100*g.WithTTL), decimalSize(g.Bytes), decimalSize(g.BytesBound), knownSize(g.There)})
	}
	tables := []*terminal.Table{groups}
	if len(s.Other) > 0 {
		other := &terminal.Table{Title: "Not planned for, because Redistill does not store it", Header: []string{"type", "keys", "there"}}
		for _, k := range s.Other {
			other.Rows = append(other.Rows, []string{k.Type, strconv.FormatInt(k.Count, 10), knownSize(k.There)})
		}
		tables = append(tables, other)
	}
	return tables
}

// knownSize is decimalSize for a size that is 0 if it is not known.
func knownSize(n int64) string {
	if n == 0 {
		return ""
	}
	return decimalSize(n)
}
