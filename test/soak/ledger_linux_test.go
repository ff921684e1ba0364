package soak

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
)

const (
	ledgers    = 4
	ledgerKeys = 300
	ledgerPipe = 20 // writes on their way at a time
	ledgerDB   = "1"
)

// ledger is a client that writes down what it writes, in which order, so that it can tell whether a snapshot shows one moment. Each write
// is a transaction on a pair of keys, a string and a hash.
type ledger struct {
	*scene
	r       *rand.Rand
	number  int
	console *console
	short   bool // memory was short at the last write

	mu      sync.Mutex // guards the fields below
	history []int      // the pair that each write was for, or refused
	done    int        // the last write that was answered
	since   int        // the first write since memory is not short: what was written from there on is not evicted
}

const refused = -1

func newLedger(sc *scene, number int) (*ledger, error) {
	l := &ledger{scene: sc, r: rand.New(rand.NewPCG(*seed, 3<<32+uint64(number))), number: number, console: sc.console(), done: -1}
	return l, l.console.expect("+OK", "SELECT", ledgerDB)
}

// round makes some writes: to all pairs, when memory is not short any more.
func (l *ledger) round() error {
	return l.inRegime(func(tight bool) error {
		if l.short && !tight {
			l.mu.Lock()
			l.since = len(l.history)
			l.mu.Unlock()
			for pair := range ledgerKeys {
				if err := l.write(pair); err != nil {
					return err
				}
			}
		}
		l.short = tight
		pairs := make([]int, ledgerPipe)
		for i := range pairs {
			pairs[i] = l.r.IntN(ledgerKeys)
		}
		return l.write(pairs...)
	})
}

// names returns the keys of a pair.
func (l *ledger) names(pair int) (text, hash string) {
	return fmt.Sprintf("ledger%d:s%d", l.number, pair), fmt.Sprintf("ledger%d:h%d", l.number, pair)
}

// write makes the next writes, each to a pair.
func (l *ledger) write(pairs ...int) error {
	l.mu.Lock()
	first := len(l.history)
	l.history = append(l.history, pairs...)
	l.mu.Unlock()
	for i, pair := range pairs {
		text, hash := l.names(pair)
		l.console.send("MULTI")
		l.console.send("SET", text, entry(first+i))
		l.console.send("HSET", hash, "f", entry(first+i))
		l.console.send("EXEC")
	}
	for i := range pairs {
		if err := l.answered(first + i); err != nil {
			return err
		}
	}
	return nil
}

// answered reads the replies to a write.
func (l *ledger) answered(n int) error {
	var got []byte
	var err error
	for range 4 {
		if got, err = l.console.reply(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = n
	switch {
	case string(got) == "*2\r\n+OK\r\n:0\r\n" || string(got) == "*2\r\n+OK\r\n:1\r\n":
		return nil
	case l.short && bytes.HasPrefix(got, []byte("-EXECABORT ")):
		l.history[n] = refused
		return nil
	}
	return fmt.Errorf("write %d: EXEC answers %.100q", n, got)
}

// entry is the value of a write.
func entry(n int) string {
	return string(appendRandom(fmt.Appendf(nil, "%d ", n), uint64(n), n*2654435761%700))
}

// parseEntry returns the number of the write, and false if it did not write exactly that.
func parseEntry(text string) (n int, ok bool) {
	number, _, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	return n, err == nil && n >= 0 && entry(n) == text
}

// mark is what a ledger knows when a snapshot begins.
type mark struct{ done, since int }

func (l *ledger) mark() mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	return mark{l.done, l.since}
}

// check tests that a snapshot shows a moment not before the mark. tight says that memory was short when it was taken, so that keys may be missing.
func (l *ledger) check(m mark, tight bool, keys map[string][]string) error {
	shown, present := [ledgerKeys]int{}, [ledgerKeys]int{}
	newest := -1
	for pair := range shown {
		shown[pair] = -1
		text, hash := l.names(pair)
		for _, key := range []string{text, hash} {
			value, there := keys[ledgerDB+key]
			if !there {
				continue
			}
			n, ok := parseEntry(strings.TrimPrefix(value[0], "f\x00"))
			if !ok || len(value) > 1 || present[pair] > 0 && n != shown[pair] {
				return fmt.Errorf("%s is %.100q, the other key of the pair is of write %d", key, value, shown[pair])
			}
			shown[pair], newest = n, max(newest, n)
			present[pair]++
		}
	}
	last := [ledgerKeys]int{}
	for pair := range last {
		last[pair] = -1
	}
	l.mu.Lock()
	for n, pair := range l.history[:newest+1] {
		if pair != refused {
			last[pair] = n
		}
	}
	l.mu.Unlock()
	if !tight && m.done >= m.since && newest < m.done {
		return fmt.Errorf("the newest write is %d, but %d was answered before", newest, m.done)
	}
	for pair, n := range shown {
		evicted := tight || last[pair] < m.since
		if n != last[pair] && !(n < 0 && evicted) || present[pair] == 1 && !evicted {
			return fmt.Errorf("pair %d of ledger %d is of write %d, %d keys of it, in a moment when %d was the last of all, and %d the last to the pair",
				pair, l.number, n, present[pair], newest, last[pair])
		}
	}
	return nil
}
