package soak

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
)

// saver takes snapshots and has them loaded.
type saver struct {
	*scene
	console *console
	ledgers []*ledger
	asked   int
}

// round takes a snapshot, in one of the ways that there are, and tests what other servers load of it.
func (s *saver) round() error {
	marks := make([]mark, len(s.ledgers))
	dir, tight := "", false
	err := s.inRegime(func(now bool) (err error) {
		for i, l := range s.ledgers {
			marks[i] = l.mark()
		}
		tight = now
		dir, err = s.take()
		return err
	})
	if err != nil || dir == "" {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, load := range []func(string) (*contents, error){s.loadHere, s.loadInRedis} {
		c, err := load(dir)
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		for i, l := range s.ledgers {
			if err := l.check(marks[i], tight, c.values); err != nil {
				return err
			}
		}
		if err := c.authentic(); err != nil {
			return err
		}
	}
	s.tally.snapshots.Add(1)
	return nil
}

// last takes a snapshot when nobody else does anything, which has to succeed, and tests that it has all keys, which it returns, and nothing
// else.
func (s *saver) last() (all *contents, err error) {
	s.Eventually("the other clients have gone", func() bool {
		clients, err := s.console.info("clients")
		return err == nil && clients["connected_clients"] == "2" // the director is there too
	})
	if all, err = readAll(s.console); err != nil {
		return nil, err
	}
	dir, err := s.take()
	if err != nil || dir == "" {
		return nil, fmt.Errorf("the last snapshot was not taken: %w", err)
	}
	for _, load := range []func(string) (*contents, error){s.loadHere, s.loadInRedis} {
		loaded, err := load(dir)
		if err == nil && loaded != nil {
			err = all.same(loaded)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// take takes a snapshot. It returns a directory with the file, or "" if the snapshot was given up, as it is when keys change too fast or
// databases are flushed again and again.
func (s *saver) take() (dir string, err error) {
	ways := [][]string{{"BGSAVE"}, {"BGSAVE", "SCHEDULE"}, {"SAVE"}}
	words := ways[s.asked%len(ways)]
	s.asked++
	asked := time.Now().Truncate(time.Second) // as precise as LASTSAVE
	given := false
	await.True(s.t, "the snapshot before has ended", func() bool {
		var before map[string]string
		if before, err = s.console.info("persistence"); err != nil {
			return true
		}
		if before["rdb_bgsave_in_progress"] == "1" { // one that ends from here on shows a moment that is too early
			return false
		}
		var got []byte
		got, err = s.console.do(words...)
		switch {
		case err != nil:
		case string(got) == "-ERR the snapshot could not be written, see the log\r\n":
			s.tally.failedSnapshots.Add(1)
		case string(got) == "+OK\r\n", string(got) == "+Background saving started\r\n":
			given, err = s.taken(before["rdb_saves"])
		case string(got) != "-ERR Background save already in progress\r\n":
			err = fmt.Errorf("%q: got %.100q", words, got)
		default:
			return false
		}
		return true
	})
	if err == nil && given {
		err = s.expectTime(asked)
	}
	if err != nil || !given {
		return "", err
	}
	return s.link()
}

// taken waits for the end of a snapshot, and gets the number of snapshots before it. It reports whether
// the snapshot was written, rather than given up.
func (s *saver) taken(saves string) (written bool, err error) {
	await.True(s.t, "the snapshot ends", func() bool {
		var f map[string]string
		f, err = s.console.info("persistence")
		written = f["rdb_saves"] != saves
		return err != nil || written || f["rdb_bgsave_in_progress"] == "0"
	})
	if err == nil && !written {
		s.tally.failedSnapshots.Add(1)
	}
	return written, err
}

// link returns a new directory with the newest snapshot.
func (s *saver) link() (dir string, err error) {
	if dir, err = os.MkdirTemp(s.Dir, "snapshot-"); err == nil {
		err = os.Link(filepath.Join(s.Dir, "dump.rdb"), filepath.Join(dir, "dump.rdb"))
	}
	return dir, err
}

// expectTime looks whether LASTSAVE is a time since the snapshot was asked for.
func (s *saver) expectTime(asked time.Time) error {
	got, err := s.console.do("LASTSAVE")
	n, wrong := strconv.ParseInt(strings.Trim(string(got), ":\r\n"), 10, 64)
	if saved := time.Unix(n, 0); err != nil || wrong != nil || saved.Before(asked) || saved.After(time.Now()) {
		return fmt.Errorf("LASTSAVE: got %q, %w", got, err)
	}
	return nil
}

// loadHere returns what our server loads of the snapshot in a directory.
func (s *saver) loadHere(dir string) (*contents, error) {
	return s.load(servertest.StartIn(s.t, dir, servertest.Program(s.t), "serve", "--port", servertest.Port, "--persistence", "--snapshot-interval", "0",
		"--save-on-shutdown=false", "--max-memory", "2gb", "--eviction-policy", "noeviction"))
}

// loadInRedis returns what redis-server loads of it, or nil where that is not there.
func (s *saver) loadInRedis(dir string) (*contents, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, nil
	}
	return s.load(servertest.StartIn(s.t, dir, program, "--port", servertest.Port, "--save", ""))
}

// load returns what a server has loaded, and ends it.
func (s *saver) load(other *servertest.Server) (*contents, error) {
	c, err := dialConsole(other.Addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	other.Eventually("it has loaded the snapshot", func() bool { return c.expect("+PONG", "PING") == nil })
	all, err := readAll(c)
	return all, errors.Join(err, other.Stop())
}

// contents are the keys of a server, each behind the number of its database.
type contents struct {
	values  map[string][]string // that of a string; fields and values of a hash, each with a zero byte between, in order
	expires map[string]int64    // in Unix milliseconds, or -1

	bytes, strings int64 // of names of keys, of fields, and of values
}

// readAll reads all that a server has.
func readAll(c *console) (*contents, error) {
	all := &contents{values: map[string][]string{}, expires: map[string]int64{}}
	for _, db := range []string{"0", ledgerDB, flushed} {
		if err := c.expect("+OK", "SELECT", db); err != nil {
			return nil, err
		}
		for cursor := "0"; ; {
			got, err := c.do("SCAN", cursor, "COUNT", "100")
			if err != nil {
				return nil, err
			}
			words, _, ok := parseScan(got)
			if !ok {
				return nil, fmt.Errorf("SCAN: got %.100q", got)
			}
			if err := all.read(c, db, words[1:]); err != nil {
				return nil, err
			}
			if cursor = words[0]; cursor == "0" {
				break
			}
		}
	}
	return all, nil
}

// read reads keys. Those that have expired are left out.
func (a *contents) read(c *console, db string, keys []string) error {
	ways := make([]string, len(keys))
	for i, key := range keys {
		ways[i] = "GET"
		if _, name, _ := strings.Cut(key, ":"); name[0] == 'h' {
			ways[i] = "HGETALL"
		}
		c.send("PEXPIRETIME", key)
		c.send(ways[i], key)
	}
	for i, key := range keys {
		got, err := c.reply()
		if err != nil {
			return err
		}
		expires, err := strconv.ParseInt(strings.Trim(string(got), ":\r\n"), 10, 64)
		if err != nil {
			return err
		}
		if got, err = c.reply(); err != nil {
			return err
		}
		if ways[i] == "GET" {
			got = slices.Concat([]byte("*1\r\n"), got)
		}
		words, n, ok := parseStrings(got)
		if !ok && string(got) != "*1\r\n$-1\r\n" {
			return fmt.Errorf("%s %q: got %.100q", ways[i], key, got)
		}
		if n == 0 {
			continue
		}
		if ways[i] == "HGETALL" {
			words = joinPairs(words)
		}
		a.values[db+key], a.expires[db+key] = words, expires
		a.strings += int64(1 + len(words))
		a.bytes += int64(len(key) + len(strings.Join(words, "")))
	}
	return nil
}

// joinPairs returns fields, each with its value behind a zero byte, in order.
func joinPairs(words []string) (pairs []string) {
	for i := 0; i < len(words); i += 2 {
		pairs = append(pairs, words[i]+"\x00"+words[i+1])
	}
	slices.Sort(pairs)
	return pairs
}

// authentic tests that each value is one that a visitor wrote.
func (a *contents) authentic() error {
	for name, value := range a.values {
		key, visited := strings.CutPrefix(name, "0")
		if !visited || len(owner(key)) == 0 {
			continue
		}
		ok := true
		switch key[len(owner(key))] {
		case 's':
			ok = authentic(key, value[0])
		case 'n':
			n, err := strconv.Atoi(value[0])
			ok = err == nil && n > 0
		case 'h':
			for _, pair := range value {
				_, v, _ := strings.Cut(pair, "\x00")
				ok = ok && authentic(key, v)
			}
		}
		if !ok {
			return fmt.Errorf("the snapshot has %q with a value that nobody wrote: %.100q", key, value)
		}
	}
	return nil
}

// same compares what a server had with what another has loaded of its snapshot. Only keys that have expired may be missing.
func (a *contents) same(b *contents) error {
	now := time.Now().UnixMilli()
	for _, key := range slices.Sorted(maps.Keys(a.values)) {
		value, there := b.values[key]
		if !there && a.expires[key] >= 0 && a.expires[key] <= now {
			continue
		}
		if !slices.Equal(value, a.values[key]) || a.expires[key] != b.expires[key] {
			return fmt.Errorf("%q is %.100q until %d, and %.100q until %d", key, a.values[key], a.expires[key], value, b.expires[key])
		}
	}
	for key := range b.values {
		if _, there := a.values[key]; !there {
			return fmt.Errorf("%q is only in the snapshot", key)
		}
	}
	return nil
}
