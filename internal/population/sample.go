package population

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redistill/redistill/internal/plan"
)

// SampleOptions are how a live server is asked.
type SampleOptions struct {
	Keys      int           // how many are looked at, at most
	Rate      int           // how many a second, at most
	Separator string        // ends the prefix by which keys are grouped
	Timeout   time.Duration // for the replies to a batch
}

// Bounds of SampleOptions.
const (
	maxSample = 1_000_000
	maxRate   = 1_000_000
)

// Validate says what is wrong with the options.
func (o *SampleOptions) Validate() error {
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
	sampleFields = 8   // fields of a hash whose lengths are asked for
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
	*conn
	o        SampleOptions
	started  time.Time
	keys     []found
	noUsage  bool // the server has no MEMORY USAGE for us
	progress func(done int)
}

// TakeSample looks at keys of the database that nc has selected: which there are,
// their types, lengths and deadlines. It stops after o.Keys of them. SCAN gives
// keys in the order of their hashes, which have nothing to do with their lengths,
// so that the first ones are as good as any.
func TakeSample(ctx context.Context, nc net.Conn, o SampleOptions, progress func(done int)) (*Sample, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s := &sampler{conn: newConn(ctx, nc, o.Timeout), o: o, started: time.Now(), progress: progress}
	defer s.stop()
	// From version 7.2 on, Redis can be told that looking is not using. Others do not know it.
	s.add("CLIENT", "NO-TOUCH", "ON")
	if err := s.send(func(*reply) error { return nil }); err != nil {
		return nil, err
	}
	size, err := s.do("DBSIZE")
	if err != nil {
		return nil, err
	}
	total, err := size.number()
	if err != nil {
		return nil, err
	}
	clients, err := s.info("clients")
	var refused ServerError
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
	return newSample(s.keys, total, whole, o.Separator, clients["connected_clients"]), nil
}

// scan looks at keys until there are enough, or no more. whole says which.
func (s *sampler) scan() (whole bool, err error) {
	cursor := "0"
	for {
		r, err := s.do("SCAN", cursor, "COUNT", strconv.Itoa(scanCount))
		if err != nil {
			return false, err
		}
		if len(r.elements) != 2 || r.elements[1].kind != '*' {
			return false, errNotRedis
		}
		cursor = r.elements[0].text
		names := r.elements[1].elements
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
		return ErrInterrupted
	case <-time.After(time.Until(due)):
		return nil
	}
}

// look asks for what there is to know of some keys, in three batches. Keys that
// are gone meanwhile are left out.
func (s *sampler) look(names []reply) error {
	batch := make([]found, len(names))
	for i := range names {
		batch[i].name = names[i].text
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
		s.add("TYPE", batch[i].name)
		s.add("PTTL", batch[i].name)
		if !s.noUsage {
			s.add("MEMORY", "USAGE", batch[i].name)
		}
	}
	n := 0
	return s.send(func(r *reply) (err error) {
		k, what := &batch[n/each], n%each
		n++
		switch what {
		case 0:
			k.kind, err = r.text, r.err()
		case 1:
			k.left, err = r.number()
		case 2:
			if r.kind == ':' {
				k.usage, err = r.number()
			} else if r.kind == '-' {
				s.noUsage = true // it is nice to have
			}
		}
		return err
	})
}

// askSize asks for the lengths of strings, and of hashes for the number of fields
// and the names of some.
func (s *sampler) askSize(batch []found, fields [][]string) error {
	var asked []int
	for i := range batch {
		k := &batch[i]
		k.shape = plan.Shape{Key: int64(len(k.name)), TTL: k.left >= 0}
		switch k.kind {
		case "string":
			s.add("STRLEN", k.name)
			s.add("OBJECT", "ENCODING", k.name)
		case "hash":
			s.add("HLEN", k.name)
			s.add("HRANDFIELD", k.name, strconv.Itoa(sampleFields))
		default:
			continue
		}
		asked = append(asked, i)
	}
	n := 0
	return s.send(func(r *reply) (err error) {
		i, second := asked[n/2], n%2 == 1
		k := &batch[i]
		n++
		switch {
		case r.kind == '-' && strings.HasPrefix(r.text, "WRONGTYPE"):
			k.kind = "none" // another key by now
		case k.kind == "string" && second:
			k.shape.Counter = r.text == "int"
		case k.kind == "string":
			k.shape.Size, err = r.number()
		case second:
			for _, name := range r.elements {
				fields[i] = append(fields[i], name.text)
			}
			err = r.err()
		default:
			k.shape.Fields, err = r.number()
		}
		return err
	})
}

// askFields asks for the lengths of values of hashes, and computes what all of
// them have from the mean.
func (s *sampler) askFields(batch []found, fields [][]string) error {
	var asked []int
	for i := range batch {
		for _, name := range fields[i] {
			s.add("HSTRLEN", batch[i].name, name)
			asked = append(asked, i)
			batch[i].shape.Field += int64(len(name))
		}
	}
	n := 0
	err := s.send(func(r *reply) error {
		k := &batch[asked[n]]
		n++
		size, err := r.number()
		var refused ServerError
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
