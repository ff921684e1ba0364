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

	"github.com/redistill/redistill/internal/servertest"
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
		text, err := s.console.text("INFO", "clients")
		return err == nil && strings.Contains(text, "\nconnected_clients:2\r\n") // the director is there too
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
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		before, err := s.fields()
		if err != nil {
			return "", err
		}
		if before["rdb_bgsave_in_progress"] == "1" { // one that ends from here on shows a moment that is too early
			continue
		}
		got, err := s.console.do(words...)
		switch {
		case err != nil:
			return "", err
		case string(got) == "-ERR the snapshot could not be written, see the log\r\n":
			s.tally.failedSnapshots.Add(1)
			return "", nil
		case string(got) == "+OK\r\n", string(got) == "+Background saving started\r\n":
			return s.taken(before["rdb_saves"])
		case string(got) != "-ERR Background save already in progress\r\n":
			return "", fmt.Errorf("%q: got %.100q", words, got)
		}
	}
	return "", errors.New("another snapshot does not end")
}

// taken waits for the end of a snapshot, before which there were so many. It returns what take does.
func (s *saver) taken(saves string) (dir string, err error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		f, err := s.fields()
		if err != nil {
			return "", err
		}
		if f["rdb_saves"] != saves {
			break
		}
		if f["rdb_bgsave_in_progress"] == "0" {
			s.tally.failedSnapshots.Add(1)
			return "", nil
		}
		if time.Now().After(deadline) {
			return "", errors.New("the snapshot does not end")
		}
	}
	if err := s.expectTime(); err != nil {
		return "", err
	}
	return s.link()
}

// link returns a new directory with the newest snapshot.
func (s *saver) link() (dir string, err error) {
	if dir, err = os.MkdirTemp(s.Dir, "snapshot-"); err == nil {
		err = os.Link(filepath.Join(s.Dir, "dump.rdb"), filepath.Join(dir, "dump.rdb"))
	}
	return dir, err
}

// expectTime looks whether LASTSAVE is a time of late.
func (s *saver) expectTime() error {
	got, err := s.console.do("LASTSAVE")
	n, wrong := strconv.ParseInt(strings.Trim(string(got), ":\r\n"), 10, 64)
	if err != nil || wrong != nil || time.Since(time.Unix(n, 0)) > patience {
		return fmt.Errorf("LASTSAVE: got %q, %w", got, err)
	}
	return nil
}

// fields returns those of INFO about snapshots.
func (s *saver) fields() (map[string]string, error) {
	text, err := s.console.text("INFO", "persistence")
	list := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			list[name] = value
		}
	}
	return list, err
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
}

// readAll reads all that a server has.
func readAll(c *console) (*contents, error) {
	all := &contents{map[string][]string{}, map[string]int64{}}
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
