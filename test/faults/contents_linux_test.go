package faults

import (
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/redistill/redistill/internal/rdb"
)

// name is a key of a database.
type name struct {
	db  int
	key string
}

// value is what a snapshot has under a key.
type value struct {
	text     string
	fields   map[string]string // of a hash
	deadline int64             // Unix milliseconds, or 0
}

// contents is what a snapshot holds.
type contents map[name]value

// read reads a snapshot, which has to be whole and to have no key twice.
func read(t *testing.T, path string) contents {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	c, r, d := contents{}, rdb.NewReader(f), rdb.Decoder{MaxString: 512 << 20}
	r.MaxString = d.MaxString
	var b rdb.Batch
	for err = r.Next(&b); err == nil; err = r.Next(&b) {
		for i := range b.Frames {
			if err := c.add(&b.Frames[i], &d); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
	}
	if err != io.EOF {
		t.Fatalf("%s: %v", path, err)
	}
	return c
}

// add adds a frame: a string, or some of the fields of a hash.
func (c contents) add(f *rdb.Frame, d *rdb.Decoder) error {
	key, err := d.Key(f)
	if err != nil {
		return err
	}
	n := name{f.DB, string(key)}
	v, there := c[n]
	if there && (f.Type == rdb.String || v.fields == nil) {
		return fmt.Errorf("the key %v is there twice", n)
	}
	v.deadline = f.Deadline
	if f.Type != rdb.String && v.fields == nil {
		v.fields = map[string]string{}
	}
	err = d.Elements(f, func(words [][]byte) error {
		if f.Type == rdb.String {
			v.text = string(words[0])
			return nil
		}
		if _, there := v.fields[string(words[0])]; there {
			return fmt.Errorf("the field %q of %v is there twice", words[0], n)
		}
		v.fields[string(words[0])] = string(words[1])
		return nil
	})
	c[n] = v
	return err
}
