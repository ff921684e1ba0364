package snapshot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/atomicfile"
	"github.com/redistill/redistill/internal/rdb"
)

// Loader loads a file. Its exported fields are set before Run.
type Loader struct {
	Store     *engine.Store
	Path      string
	MaxString int  // length of the longest string that is accepted
	Skip      bool // leave out keys of types that the Store does not have, and functions, instead of refusing the file

	Size    atomic.Int64 // of the file
	Read    atomic.Int64 // bytes of it that were read
	Keys    atomic.Int64 // stored
	Expired atomic.Int64 // left out, because their time had come
	Skipped atomic.Int64 // left out, because of their type
	Empty   atomic.Int64 // left out, because their values have no elements

	began  int64 // Unix milliseconds
	failed atomic.Bool
	mu     sync.Mutex // guards the fields below
	err    error
	long   map[longKey]uint64 // how many elements the values have that come in several frames
}

// longKey is a key of whose value a part may be evicted while the rest is still to come.
type longKey struct {
	db  int
	key string
}

// So many keys, or those of so many bytes of the file if that is less, are the sample of how long keys were not used.
const (
	sampleKeys  = 1000
	sampleBytes = 2 << 20
)

// So often, and with so much time between, room is asked for before there is none.
const (
	reserveTries = 20
	reservePause = 100 * time.Millisecond
)

// Refused is the error of a file that is not what it should be, an *rdb.Error, or has what the Store cannot take.
type Refused struct {
	Path string
	Err  error
}

// Error returns the reason with the path.
func (r *Refused) Error() string { return fmt.Sprintf("%s: %v", r.Path, r.Err) }

// Unwrap returns the reason.
func (r *Refused) Unwrap() error { return r.Err }

// Run loads the file. An error that wraps fs.ErrNotExist says that there is none. After a *Refused some of the keys may be in the Store.
func (l *Loader) Run() error {
	if err := atomicfile.Check(l.Path); err != nil {
		return err
	}
	f, err := os.Open(l.Path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was read only
	if info, err := f.Stat(); err == nil {
		l.Size.Store(info.Size())
	}
	workers := runtime.GOMAXPROCS(0)
	full, empty := make(chan *rdb.Batch, workers), make(chan *rdb.Batch, 2*workers)
	l.began = time.Now().UnixMilli()
	var done sync.WaitGroup
	for range workers {
		done.Add(1)
		go func() {
			defer done.Done()
			l.work(full, empty)
		}()
	}
	l.split(f, full, empty)
	close(full)
	done.Wait()
	l.Store.EndRecall()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropHalves()
	if l.err != nil {
		return &Refused{l.Path, l.err}
	}
	return nil
}

// split reads the file and hands batches out: the first ones together, when the Store has the sample.
func (l *Loader) split(f io.Reader, full chan<- *rdb.Batch, empty <-chan *rdb.Batch) {
	r := rdb.NewReader(source{f, l})
	r.MaxString, r.MaxKey = l.MaxString, engine.MaxKey
	if limit := l.Store.MaxMemory(); limit > 0 {
		r.MaxString = int(min(int64(r.MaxString), limit)) // there is no place for a longer one, not even while it is read
	}
	r.Unsupported = func(key []byte, typ string) error {
		if l.Skip {
			l.Skipped.Add(1)
			return nil
		}
		what := "key "
		if typ == rdb.Library {
			what = ""
		}
		return fmt.Errorf("offset %d: %s%.100q is a %s, which is not supported", r.Offset(), what, key, typ)
	}
	defer func() { l.Empty.Add(r.Empty) }()
	var first []*rdb.Batch
	var sample []int64
	for keys := 0; keys < sampleKeys && r.Offset() < sampleBytes; {
		b := l.next(r, empty)
		if b == nil {
			break
		}
		for i := range b.Frames {
			if idle := b.Frames[i].Idle; idle >= 0 {
				sample = append(sample, idle)
			}
		}
		keys += len(b.Frames)
		first = append(first, b)
	}
	l.Store.BeginRecall(l.began, sample)
	for _, b := range first {
		full <- b
	}
	for b := l.next(r, empty); b != nil; b = l.next(r, empty) {
		full <- b
	}
}

// next returns the next batch, nil if there is none or the loading has failed. There are no more of them than full and the workers hold.
func (l *Loader) next(r *rdb.Reader, empty <-chan *rdb.Batch) *rdb.Batch {
	if l.failed.Load() {
		return nil
	}
	b := &rdb.Batch{}
	select {
	case b = <-empty:
	default:
	}
	err := r.Next(b)
	if err == nil {
		return b
	}
	if err != io.EOF {
		l.fail(err)
	}
	return nil
}

// source is the file. It counts what is read, and ends in the middle when the loading has failed.
type source struct {
	file   io.Reader
	loader *Loader
}

// Read reads from the file.
func (s source) Read(b []byte) (int, error) {
	if s.loader.failed.Load() {
		return 0, errStopped // after the first error, which counts
	}
	n, err := s.file.Read(b)
	s.loader.Read.Add(int64(n))
	return n, err
}

var errStopped = errors.New("the loading was stopped")

// Stop ends Run with an error. Any goroutine may call it.
func (l *Loader) Stop(err error) { l.fail(err) }

// fail keeps the first error and ends the loading.
func (l *Loader) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
		l.failed.Store(true)
	}
}

// work stores batches.
func (l *Loader) work(full <-chan *rdb.Batch, empty chan<- *rdb.Batch) {
	w := &worker{Loader: l, tx: l.Store.NewTx()}
	w.decoder.MaxString = l.MaxString
	for b := range full {
		w.tx.Now = time.Now().UnixMilli()
		for frames := b.Frames; len(frames) > 0 && !l.failed.Load(); {
			n := min(len(frames), engine.PrefetchMost)
			if err := w.some(frames[:n]); err != nil {
				l.fail(err)
			}
			frames = frames[n:]
		}
		select {
		case empty <- b:
		default:
		}
	}
}

// worker is what one goroutine stores with.
type worker struct {
	*Loader
	tx      *engine.Tx
	decoder rdb.Decoder
	keys    [engine.PrefetchMost]engine.Key
	names   []byte // backs the keys
}

// some stores frames, of which there are no more than can be prefetched.
func (w *worker) some(frames []rdb.Frame) error {
	w.names = w.names[:0]
	var ends [engine.PrefetchMost]int
	for i := range frames {
		key, err := w.decoder.Key(&frames[i])
		if err != nil {
			return err
		}
		w.names = append(w.names, key...)
		ends[i] = len(w.names)
	}
	at := 0
	for i := range frames {
		w.keys[i] = w.Store.Key(w.names[at:ends[i]])
		at = ends[i]
	}
	w.tx.Prefetch(w.keys[:len(frames)], nil)
	for i := range frames {
		if err := w.store(w.keys[i], &frames[i]); err != nil {
			return err
		}
	}
	return nil
}

// store stores one frame.
func (w *worker) store(k engine.Key, f *rdb.Frame) error {
	if f.DB >= engine.Databases {
		return &rdb.Error{Offset: f.Offset, Reason: fmt.Sprintf("key %.100q is in database %d, there are %d", k.Bytes, f.DB, engine.Databases), Foreign: true}
	}
	if f.Deadline != engine.NoDeadline && f.Deadline < w.tx.Now {
		if w.first(k, f) {
			w.Expired.Add(1)
		}
		return nil
	}
	if err := w.reserve(f.Size()); err != nil {
		return w.refused(k, f, err)
	}
	w.tx.DB = f.DB
	w.tx.LockKey(k)
	err := Put(w.tx, k, f, &w.decoder, f.Deadline)
	if err == rdb.ErrEmpty {
		w.tx.Unlock()
		w.Empty.Add(1)
		return nil
	}
	if err == nil && f.Freq >= 0 {
		w.tx.SetFrequency(k, f.Freq)
	}
	if err == nil && f.Idle >= 0 {
		w.tx.SetIdle(k, f.Idle*1000+w.tx.Now-w.began)
	}
	w.tx.Unlock()
	if err != nil {
		return w.refused(k, f, err)
	}
	if w.first(k, f) {
		w.Keys.Add(1)
	}
	return nil
}

// reserve makes room for n bytes. What the process needs beside its keys is measured ten times a second and can be much for a moment, for
// which a command is refused; a whole file is refused only if it lasts.
func (l *Loader) reserve(n int) error {
	err := l.Store.Reserve(n)
	for tries := 1; err != nil && tries < reserveTries && !l.failed.Load(); tries++ {
		time.Sleep(reservePause)
		err = l.Store.Reserve(n)
	}
	return err
}

// first reports whether a frame is the first one of its key. A value that comes in several frames is remembered.
func (l *Loader) first(k engine.Key, f *rdb.Frame) bool {
	if uint64(f.Elements) >= f.Total {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.long == nil {
		l.long = map[longKey]uint64{}
	}
	h := longKey{f.DB, string(k.Bytes)}
	_, known := l.long[h]
	l.long[h] = f.Total
	return !known
}

// dropHalves deletes the values whose first elements were evicted before the last ones came: a part of a value does not pass for the
// whole of it.
func (l *Loader) dropHalves() {
	tx := l.Store.NewTx()
	tx.Now = time.Now().UnixMilli()
	for long, elements := range l.long {
		k := l.Store.Key([]byte(long.key))
		tx.DB = long.db
		tx.LockKey(k)
		if uint64(tx.Elements(k)) < elements {
			tx.Delete(k)
		}
		tx.Unlock()
	}
}

// refused adds to an error of the engine which key it was.
func (w *worker) refused(k engine.Key, f *rdb.Frame, err error) error {
	if e := (*rdb.Error)(nil); errors.As(err, &e) {
		return err
	}
	return fmt.Errorf("offset %d: key %.100q: %w", f.Offset, k.Bytes, err)
}

// Put stores the value of a frame, or the elements that it has of one, under a key, which is locked.
func Put(tx *engine.Tx, k engine.Key, f *rdb.Frame, d *rdb.Decoder, deadline int64) error {
	return d.Elements(f, func(words [][]byte) error {
		return tx.Import(k, engineTypes[f.Type], deadline, words)
	})
}
