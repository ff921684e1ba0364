//go:build unix

package paths

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/resp"
)

const (
	batchSize = 16 // commands
	batches   = 125
	batchKeys = batchSize * batches
)

// appendRequest appends a command as clients send it.
func appendRequest(to []byte, words ...[]byte) []byte {
	to = fmt.Appendf(to, "*%d\r\n", len(words))
	for _, w := range words {
		to = fmt.Appendf(to, "$%d\r\n%s\r\n", len(w), w)
	}
	return to
}

// newBatches returns batches of commands as clients send them, three GETs to a SET, each about a
// key of its own.
func newBatches() [][]byte {
	key, value := make([]byte, 16), bytes.Repeat([]byte("v"), 100)
	list := make([][]byte, batches)
	for n := range batchKeys {
		i := n / batchSize
		writeKey(key, uint64(n*7%batchKeys))
		if n%4 == 0 {
			list[i] = appendRequest(list[i], []byte("SET"), key, value)
		} else {
			list[i] = appendRequest(list[i], []byte("GET"), key)
		}
	}
	return list
}

// parser turns a batch into requests.
type parser struct {
	resp.Parser
	b        *testing.B
	args     [][]byte // backs the words
	requests []command.Request
}

func newParser(b *testing.B) *parser {
	p := &parser{b: b, args: make([][]byte, 0, 4*batchSize)}
	p.requests = make([]command.Request, 0, batchSize)
	p.Limits = resp.Limits{Authenticated: true, MaxBulk: 1 << 20}
	return p
}

func (p *parser) parse(input []byte) {
	used := 0
	p.requests = p.requests[:0]
	for len(input) > 0 {
		n, args, err := p.Next(input, p.args[used:used])
		if n == 0 || err != nil {
			p.b.Fatal(n, err)
		}
		input, used = input[n:], used+len(args)
		p.requests = append(p.requests, command.Request{Args: args})
	}
	if len(p.requests) != batchSize {
		p.b.Fatalf("%d commands", len(p.requests))
	}
}

// BenchmarkParse parses batches.
func BenchmarkParse(b *testing.B) {
	const repeat = 30
	p, list := newParser(b), newBatches()
	measure(b, repeat*batchKeys, func() {
		for range repeat {
			for _, batch := range list {
				p.parse(batch)
			}
		}
	})
}

// BenchmarkPipeline does what a connection does between reading and writing: it parses a batch,
// prepares the engine for its keys, and runs the commands through the gate.
func BenchmarkPipeline(b *testing.B) {
	const repeat = 3
	p, list, s := newParser(b), newBatches(), openSession(b)
	round := func() {
		for range repeat {
			for _, batch := range list {
				s.Out.B = s.Out.B[:0]
				p.parse(batch)
				s.BeginBatch(now)
				s.Prepare(p.requests)
				for i := range p.requests {
					s.Exec(&p.requests[i])
				}
				s.EndBatch()
			}
		}
	}
	round() // some keys are read before they are written
	measure(b, repeat*batchKeys, round)
}

func openSession(b *testing.B) *command.Session {
	cfg, err := config.Load(config.Memory{Bytes: 1 << 30, From: "the benchmark"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	keyspace := openStore(b).Store
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	options := command.Options{Store: keyspace, Config: cfg, Log: log, Version: "test", IO: "test"}
	srv := command.NewServer(options)
	b.Cleanup(srv.Close)
	s, err := srv.NewSession("127.0.0.1:50000", "127.0.0.1:6379", 9, func() {})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	return s
}
