// Package traces reads traces of requests to caches, for benchmarks. The files are no part of the source: adaptsize-request.trace.xz and
// scarab-recs.trace.xz are among the resources of the simulator of https://github.com/ben-manes/caffeine, adapt_size and scarab there;
// arc-oltp.gz, from the paper on ARC (FAST 2003), is among those of https://github.com/maypok86/otter.
package traces

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ulikunitz/xz"
)

// Request is one look-up of a trace; on a miss the object is stored.
type Request struct {
	ID   uint64
	Size int // bytes
}

// unitSize is the size given to the objects of traces that record none.
const unitSize = 4000

// Names of the traces: requests for web objects with their sizes, for records of a database, and for its pages.
const (
	AdaptSize = "adaptsize"
	Scarab    = "scarab"
	OLTP      = "oltp"
)

// Names are all of them.
var Names = []string{AdaptSize, Scarab, OLTP}

// Load reads a trace from the files in a directory.
func Load(dir, name string) ([]Request, error) {
	switch name {
	case AdaptSize:
		return read(filepath.Join(dir, "adaptsize-request.trace.xz"), loadAdaptSize)
	case Scarab:
		return read(filepath.Join(dir, "scarab-recs.trace.xz"), loadScarab)
	case OLTP:
		return read(filepath.Join(dir, "arc-oltp.gz"), loadARC)
	}
	return nil, fmt.Errorf("unknown trace %q", name)
}

// read calls load with what a file holds, through the decompressor that its name asks for.
func read(file string, load func(io.Reader) ([]Request, error)) ([]Request, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var r io.Reader
	switch filepath.Ext(file) {
	case ".xz":
		r, err = xz.NewReader(bufio.NewReader(f))
	case ".gz":
		r, err = gzip.NewReader(f)
	default:
		err = fmt.Errorf("%s: unknown compression", file)
	}
	if err != nil {
		return nil, err
	}
	return load(r)
}

// loadAdaptSize reads lines of time, id and size; (id, size) is the key.
func loadAdaptSize(r io.Reader) (reqs []Request, err error) {
	ids := make(map[[2]uint64]uint64)
	for in := bufio.NewReader(r); ; {
		var at, id, size uint64
		if _, err = fmt.Fscanln(in, &at, &id, &size); err != nil {
			break
		}
		key := [2]uint64{id, size}
		if _, ok := ids[key]; !ok {
			ids[key] = uint64(len(ids))
		}
		reqs = append(reqs, Request{ids[key], int(size)})
	}
	return reqs, ignoreEOF(err)
}

// loadScarab reads big-endian 64-bit keys.
func loadScarab(r io.Reader) (reqs []Request, err error) {
	for in := bufio.NewReader(r); ; {
		var key [8]byte
		if _, err = io.ReadFull(in, key[:]); err != nil {
			break
		}
		reqs = append(reqs, Request{binary.BigEndian.Uint64(key[:]), unitSize})
	}
	return reqs, ignoreEOF(err)
}

// loadARC reads lines of a first key, a number of keys, and two numbers that are not used.
func loadARC(r io.Reader) (reqs []Request, err error) {
	for in := bufio.NewReader(r); ; {
		var start, count, zero, seq uint64
		if _, err = fmt.Fscanln(in, &start, &count, &zero, &seq); err != nil {
			break
		}
		for i := range count {
			reqs = append(reqs, Request{start + i, unitSize})
		}
	}
	return reqs, ignoreEOF(err)
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// WorkingSet is the bytes of all objects of a trace.
func WorkingSet(reqs []Request) (n int) {
	seen := make(map[uint64]bool)
	for _, r := range reqs {
		if !seen[r.ID] {
			seen[r.ID] = true
			n += r.Size
		}
	}
	return n
}
