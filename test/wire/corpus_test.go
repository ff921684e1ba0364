package wire

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "TestRedis writes redis-server's replies into the data files")

// TestCorpus runs the data files against the server under test.
func TestCorpus(t *testing.T) {
	parallel(t)
	runCorpus(t, startSubject, func(t *testing.T, s *script, b *block, st *step, resp int, got observation) {
		if !st.want[resp].accepts(got) {
			reportMismatch(t, s, st, resp, got)
		}
	})
}

// TestRedis runs the data files against redis-server, which must answer as
// written except where the list of differences says otherwise.
func TestRedis(t *testing.T) {
	parallel(t)
	list, err := readDifferences("testdata")
	if err != nil {
		t.Fatal(err)
	}
	scripts := runCorpus(t, startRedis, func(t *testing.T, s *script, b *block, st *step, resp int, got observation) {
		d := list.find(s.name, b, st)
		switch {
		case d != nil:
			d.ran++
			if !st.want[resp].accepts(got) {
				d.differed++
			}
		case st.want[resp].acceptsOlder(got):
		case *rewrite:
			if st.want[resp], err = st.want[resp].updated(got); err != nil {
				t.Errorf("%s:%d: RESP%d: %v", s.name, st.line, resp, err)
			}
		default:
			reportMismatch(t, s, st, resp, got)
		}
	})
	for _, problem := range list.stale() {
		t.Error(problem)
	}
	if *rewrite {
		rewriteScripts(t, scripts)
	}
}

// TestDifferencesAreUsed finds entries of the list that name no command of the
// corpus.
func TestDifferencesAreUsed(t *testing.T) {
	list, err := readDifferences("testdata")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := readScripts("testdata")
	if err != nil {
		t.Fatal(err)
	}
	used := map[*difference]bool{}
	for _, s := range scripts {
		for _, b := range s.blocks {
			for _, st := range b.steps {
				used[list.find(s.name, b, st)] = true
			}
		}
	}
	for _, d := range list {
		if !used[d] {
			t.Errorf("nothing in %s matches %q", d.file, d.about)
		}
	}
}

// judge decides about one reply.
type judge func(t *testing.T, s *script, b *block, st *step, resp int, got observation)

func reportMismatch(t *testing.T, s *script, st *step, resp int, got observation) {
	t.Helper()
	t.Errorf("%s:%d: %s> %s\n got %s\nwant %s", s.name, st.line, st.conn, st.text, got, st.want[resp])
}

// runCorpus runs every data file under its protocols, hands each reply to
// judge and returns the files.
func runCorpus(t *testing.T, start func(testing.TB, string) server, judge judge) []*script {
	scripts, err := readScripts("testdata")
	if err != nil {
		t.Fatal(err)
	}
	plain := start(t, "")
	cases := 0
	for _, s := range scripts {
		if err := plain.reset(); err != nil {
			t.Fatalf("emptying the server before %s: %v", s.name, err)
		}
		t.Run(s.name, func(t *testing.T) {
			srv := plain
			if s.password != "" {
				srv = start(t, s.password)
			}
			for _, resp := range s.protocols() {
				t.Run(fmt.Sprintf("RESP%d", resp), func(t *testing.T) {
					cases += runScript(t, srv, s, resp, judge)
				})
			}
		})
	}
	t.Logf("%d replies checked", cases)
	return scripts
}

// runScript runs the file's blocks and returns the number of replies read.
func runScript(t *testing.T, srv server, s *script, resp int, judge judge) int {
	cases := 0
	for _, b := range s.blocks {
		if err := srv.reset(); err != nil {
			t.Fatalf("emptying the server before %q: %v", b.name, err)
		}
		t.Run(b.name, func(t *testing.T) {
			r := blockRun{srv: srv, resp: resp, conns: map[string]*peer{}}
			defer r.close()
			began := time.Now()
			for _, st := range b.steps {
				got, err := r.do(st)
				if err != nil {
					t.Fatalf("%s:%d: %s> %s\n got error: %v\nwant %s", s.name, st.line, st.conn, st.text, err, st.want[resp])
				}
				if !st.reads || st.want[resp].kind == wantNone {
					continue
				}
				cases++
				got.passed(st, time.Since(began))
				judge(t, s, b, st, resp, got)
			}
			if err := r.finish(); err != nil {
				t.Errorf("%s: after the block: %v", s.name, err)
			}
		})
	}
	return cases
}

// reset deletes all data and ends a pause that a failed block left behind.
func (srv server) reset() error {
	c, err := dial(srv.addr)
	if err != nil {
		return err
	}
	defer c.close()
	if srv.password != "" {
		if err := c.mustReply("+OK", "AUTH", srv.password); err != nil {
			return err
		}
	}
	return errors.Join(
		c.mustReply("+OK", "CLIENT", "UNPAUSE"),
		c.mustReply("+OK", "FLUSHALL"),
		c.quit(),
	)
}

// blockRun holds the connections of one block while it runs.
type blockRun struct {
	srv   server
	resp  int
	conns map[string]*peer // nil for one the server closed
}

// do runs one step. The observation is empty if the step reads nothing.
func (r *blockRun) do(st *step) (observation, error) {
	c, err := r.connection(st.conn)
	if err != nil {
		return observation{}, err
	}
	if st.send != nil {
		if err := c.send(st.send); err != nil {
			return observation{}, err
		}
	}
	if !st.reads || st.want[r.resp].kind == wantNone {
		return observation{}, nil
	}
	n, err := c.read()
	if errors.Is(err, io.EOF) {
		c.close()
		r.conns[st.conn] = nil
		return observation{closed: true}, nil
	}
	return observation{reply: n}, err
}

// connection returns the named connection, speaking the block's protocol.
func (r *blockRun) connection(name string) (*peer, error) {
	if c, ok := r.conns[name]; ok {
		if c == nil {
			return nil, errors.New("the server has closed this connection")
		}
		return c, nil
	}
	c, err := dial(r.srv.addr)
	if err != nil {
		return nil, err
	}
	r.conns[name] = c
	if r.resp == 3 {
		if err := c.mustReply("%7", "HELLO", "3"); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// finish makes sure that no connection has a reply left that the block did not
// expect.
func (r *blockRun) finish() error {
	for _, name := range slices.Sorted(maps.Keys(r.conns)) {
		if r.conns[name] == nil {
			continue
		}
		c := r.conns[name]
		if err := errors.Join(c.mustReply("+RESET", "RESET"), c.quit()); err != nil {
			return fmt.Errorf("connection %q: %w", name, err)
		}
	}
	return nil
}

func (r *blockRun) close() {
	for _, c := range r.conns {
		if c != nil {
			c.close()
		}
	}
}

func rewriteScripts(t *testing.T, scripts []*script) {
	t.Helper()
	for _, s := range scripts {
		if err := os.WriteFile(filepath.Join("testdata", s.name), s.rewritten(), 0o644); err != nil {
			t.Error(err)
		}
	}
}
