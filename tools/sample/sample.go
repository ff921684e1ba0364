// Package sample looks at some keys of a live server, to plan with what they are
// like.
package sample

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/plan"
)

// Options are how a live server is asked.
type Options struct {
	Keys      int    // how many are looked at, at most
	Rate      int    // how many a second, at most
	Separator string // ends the prefix by which keys are grouped
}

// Bounds of Options.
const (
	maxSample = 1_000_000
	maxRate   = 1_000_000
)

// Validate says what is wrong with the options.
func (o *Options) Validate() error {
	switch {
	case o.Keys < 1 || o.Keys > maxSample:
		return fmt.Errorf("sample: want 1 to %d keys", maxSample)
	case o.Rate < 1 || o.Rate > maxRate:
		return fmt.Errorf("sample-rate: want 1 to %d keys a second", maxRate)
	case o.Separator == "":
		return errors.New("separator: must not be empty")
	}
	return nil
}

const (
	scanCount    = 100 // keys asked for at a time
	sampleFields = 8   // fields of a hash, or members of a set, whose lengths are asked for
	longestKey   = 32 << 10
)

// found is one key of a sample.
type found struct {
	name  string
	kind  string // as TYPE says
	left  int64  // milliseconds to live, -1 for ever
	usage int64  // bytes that MEMORY USAGE says, 0 if it does not
	shape plan.Shape
}

// sampler looks at keys, with commands that only read.
type sampler struct {
	*client.Conn
	ctx      context.Context
	o        Options
	started  time.Time
	keys     []found
	noUsage  bool // the server has no MEMORY USAGE for us
	progress func(done int)
}

// Take looks at keys of the database that c has selected: which there are,
// their types, lengths and deadlines. It stops after o.Keys of them. SCAN gives
// keys in the order of their hashes, which have nothing to do with their lengths,
// so that the first ones are as good as any.
func Take(ctx context.Context, c *client.Conn, o Options, progress func(done int)) (*plan.Sample, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s := &sampler{Conn: c, ctx: ctx, o: o, started: time.Now(), progress: progress}
	defer c.Until(ctx)()
	// From version 7.2 on, Redis can be told that looking is not using. Others do not know it.
	s.Add("CLIENT", "NO-TOUCH", "ON")
	if err := s.Send(func(redcon.RESP) error { return nil }); err != nil {
		return nil, err
	}
	size, err := s.Do("DBSIZE")
	if err != nil {
		return nil, err
	}
	total, err := number(size)
	if err != nil {
		return nil, err
	}
	clients, err := c.Info("clients")
	var refused client.ServerError
	if err != nil && !errors.As(err, &refused) {
		return nil, err
	}
	whole, err := s.scan()
	if err != nil {
		return nil, err
	}
	if len(s.keys) == 0 {
		return nil, errors.New("the database is empty")
	}
	taken := newSample(s.keys, total, whole, o.Separator, clients["connected_clients"])
	if clients != nil && !s.noUsage {
		if err := s.compare(taken); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// compare holds a sample against the data that INFO counts, which is that of all databases: where
// there are several, it says nothing.
func (s *sampler) compare(taken *plan.Sample) error {
	memory, err := s.Info("memory")
	if err != nil {
		return err
	}
	databases, err := s.Do("INFO", "keyspace")
	if err != nil {
		return err
	}
	dataset := memory["used_memory_dataset"]
	if dataset <= 0 || strings.Count(databases.String(), ":keys=") > 1 {
		return nil
	}
	beside := int64(tableEntry)
	if _, ours := memory["redistill_index_bytes"]; ours {
		beside = 0
	}
	addGap(taken, s.keys, dataset, beside)
	return nil
}

// scan looks at keys until there are enough, or no more. whole says which.
func (s *sampler) scan() (whole bool, err error) {
	cursor := "0"
	for {
		r, err := s.Do("SCAN", cursor, "COUNT", strconv.Itoa(scanCount))
		if err != nil {
			return false, err
		}
		parts := elements(r)
		if len(parts) != 2 || parts[1].Type != redcon.Array {
			return false, client.ErrNotRedis
		}
		cursor = parts[0].String()
		names := texts(parts[1])
		full := len(s.keys)+len(names) > s.o.Keys
		if full {
			names = names[:s.o.Keys-len(s.keys)]
		}
		for len(names) > 0 { // an answer may be longer than was asked for
			n := min(len(names), scanCount)
			if err := s.look(names[:n]); err != nil {
				return false, err
			}
			names = names[n:]
			if err := s.pause(); err != nil {
				return false, err
			}
		}
		if cursor == "0" && !full {
			return true, nil
		}
		if full || len(s.keys) == s.o.Keys {
			return false, nil
		}
	}
}

// pause waits until the keys so far are no more than the rate allows.
func (s *sampler) pause() error {
	s.progress(len(s.keys))
	due := s.started.Add(time.Duration(float64(len(s.keys)) / float64(s.o.Rate) * float64(time.Second)))
	select {
	case <-s.ctx.Done():
		return client.ErrInterrupted
	case <-time.After(time.Until(due)):
		return nil
	}
}

// look asks for what there is to know of some keys, in three batches. Keys that
// are gone meanwhile are left out.
func (s *sampler) look(names []string) error {
	batch := make([]found, len(names))
	for i := range names {
		batch[i].name = names[i]
	}
	if err := s.askKind(batch); err != nil {
		return err
	}
	fields := make([][]string, len(batch))
	if err := s.askSize(batch, fields); err != nil {
		return err
	}
	if err := s.askFields(batch, fields); err != nil {
		return err
	}
	for i := range batch {
		if k := &batch[i]; k.kind != "none" && k.left != -2 {
			s.keys = append(s.keys, *k)
		}
	}
	return nil
}

// askKind asks for types, deadlines and the memory of the server itself.
func (s *sampler) askKind(batch []found) error {
	each := 3
	if s.noUsage {
		each = 2
	}
	for i := range batch {
		s.Add("TYPE", batch[i].name)
		s.Add("PTTL", batch[i].name)
		if !s.noUsage {
			s.Add("MEMORY", "USAGE", batch[i].name)
		}
	}
	n := 0
	return s.Send(func(r redcon.RESP) (err error) {
		k, what := &batch[n/each], n%each
		n++
		switch what {
		case 0:
			k.kind, err = r.String(), client.ErrorOf(r)
		case 1:
			k.left, err = number(r)
		case 2:
			if r.Type == redcon.Integer {
				k.usage, err = number(r)
			} else if r.Type == redcon.Error {
				s.noUsage = true // it is nice to have
			}
		}
		return err
	})
}

// askSize asks for the lengths of strings, of hashes for the number of fields and
// the names of some, and of sets for the number of members and some of them.
func (s *sampler) askSize(batch []found, fields [][]string) error {
	var asked []int
	for i := range batch {
		k := &batch[i]
		k.shape = plan.Shape{Key: int64(len(k.name)), TTL: k.left >= 0}
		switch k.kind {
		case "string":
			s.Add("STRLEN", k.name)
			s.Add("OBJECT", "ENCODING", k.name)
		case "hash":
			s.Add("HLEN", k.name)
			s.Add("HRANDFIELD", k.name, strconv.Itoa(sampleFields))
		case "set":
			s.Add("SCARD", k.name)
			s.Add("SRANDMEMBER", k.name, strconv.Itoa(sampleFields))
		default:
			continue
		}
		asked = append(asked, i)
	}
	n := 0
	return s.Send(func(r redcon.RESP) (err error) {
		i, second := asked[n/2], n%2 == 1
		k := &batch[i]
		n++
		switch {
		case r.Type == redcon.Error && strings.HasPrefix(r.String(), "WRONGTYPE"):
			k.kind = "none" // another key by now
		case k.kind == "string" && second:
			k.shape.Counter = r.String() == "int"
		case k.kind == "string":
			k.shape.Size, err = number(r)
		case k.kind == "set" && second:
			k.setMembers(texts(r))
			err = client.ErrorOf(r)
		case k.kind == "set":
			k.shape.Members, err = number(r)
		case second:
			fields[i], err = texts(r), client.ErrorOf(r)
		default:
			k.shape.Fields, err = number(r)
		}
		return err
	})
}

// setMembers computes what all members of a set have from the mean of some.
func (k *found) setMembers(some []string) {
	if len(some) == 0 || k.shape.Members == 0 {
		k.kind = "none" // gone between two questions
		return
	}
	sum := int64(0)
	for _, m := range some {
		sum += int64(len(m))
	}
	k.shape.Size = max(sum*k.shape.Members/int64(len(some)), k.shape.Members)
}

// askFields asks for the lengths of values of hashes, and computes what all of
// them have from the mean.
func (s *sampler) askFields(batch []found, fields [][]string) error {
	var asked []int
	for i := range batch {
		for _, name := range fields[i] {
			s.Add("HSTRLEN", batch[i].name, name)
			asked = append(asked, i)
			batch[i].shape.Field += int64(len(name))
		}
	}
	n := 0
	err := s.Send(func(r redcon.RESP) error {
		k := &batch[asked[n]]
		n++
		size, err := number(r)
		var refused client.ServerError
		if errors.As(err, &refused) { // another key by now
			k.kind, err = "none", nil
		}
		k.shape.Size += size
		return err
	})
	for i := range batch {
		k := &batch[i]
		if got := int64(len(fields[i])); got > 0 {
			k.shape.Field = max((k.shape.Field+got/2)/got, 1)
			k.shape.Size = max(k.shape.Size*k.shape.Fields/got, k.shape.Fields)
		} else if k.kind == "hash" {
			k.kind = "none" // gone between two questions
		}
	}
	return err
}
