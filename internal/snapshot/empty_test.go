package snapshot_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/rdb"
	"github.com/redistill/redistill/internal/snapshot"
	"github.com/redistill/redistill/test/servertest"
)

// Packed lists without elements, behind their lengths.
const (
	emptyZiplist  = "\x0b\x0b\x00\x00\x00\x0a\x00\x00\x00\x00\x00\xff"
	emptyListpack = "\x07\x07\x00\x00\x00\x00\x00\xff"
)

// What Redis takes for damaged if it is empty, with its type.
const (
	emptyZipmap = "\x09\x02\x00\xff"
	emptyIntset = "\x0b\x08\x02\x00\x00\x00\x00\x00\x00\x00"
)

// emptyValues are the types and values, as a file has them, that redis-server 7.0 takes for empty.
var emptyValues = []string{
	"\x04\x00", "\x04\x40\x00", "\x04\x80\x00\x00\x00\x00", // hashes, with lengths in one, two and five bytes
	"\x0d" + emptyZiplist, "\x10" + emptyListpack, // packed ones
	"\x01\x00", "\x0a" + emptyZiplist, "\x0e\x00", "\x0e\x02" + emptyZiplist + emptyZiplist, // lists
	"\x12\x00", "\x12\x02\x02" + emptyListpack + "\x02" + emptyListpack,
	"\x02\x00",                                                            // a set
	"\x03\x00", "\x05\x00", "\x0c" + emptyZiplist, "\x11" + emptyListpack, // sorted sets
}

// withEmpty returns a file with a key for each of some values, each with another deadline. An empty
// one has none.
func withEmpty(values ...string) []byte {
	file := []byte("REDIS0010")
	entry := func(value, key string) {
		file = append(file, value[0], byte(len(key)))
		file = append(append(file, key...), value[1:]...)
	}
	for i, v := range values {
		entry(v, fmt.Sprint("empty", i))
	}
	ms := func(at int64) string { return string(binary.LittleEndian.AppendUint64([]byte{0xfc}, uint64(at))) }
	s := func(at int32) string { return string(binary.LittleEndian.AppendUint32([]byte{0xfd}, uint32(at))) }
	for i, deadline := range []string{
		"", ms(-1), ms(-2), ms(0), s(-1), s(0), ms(4102444800123), s(2000000000), s(1) + ms(-1), ms(-1) + s(2000000001), ms(1) + s(-1),
	} {
		file = append(file, deadline...)
		entry("\x00\x01v", fmt.Sprint("k", i))
	}
	file = append(file, ms(-1)...)
	entry("\x04\x00", "empty without a deadline")
	entry("\x04\x01\x01f\x01v", "hash")
	return append(file, "\xff\x00\x00\x00\x00\x00\x00\x00\x00"...) // without a checksum
}

// Keys without elements are left out of what is loaded, and counted, and -1 is no deadline: as
// Redis has it. RESTORE refuses such a value in Redis's words.
func TestEmptyAsRedis(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dump.rdb"), withEmpty(emptyValues...), 0o600); err != nil {
		t.Fatal(err)
	}
	server := servertest.StartIn(t, dir, servertest.Redis(t), "--port", servertest.Port, "--save", "")
	redis := server.Dial()
	s, tx := openStore(t, engine.Options{})
	l, err := load(s, filepath.Join(dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	got := contents(s, tx)
	same(t, got, served(redis))
	if got["0 k1"] != "0 vmap[]" {
		t.Errorf("a deadline of -1: %q", got["0 k1"])
	}
	counts := fmt.Sprintf("keys loaded: %d, keys expired: %d, empty keys skipped: %d.", l.Keys.Load(), l.Expired.Load(), l.Empty.Load())
	if !strings.Contains(server.Log(), counts) || l.Skipped.Load() != 0 {
		t.Errorf("%s, and %d skipped; redis-server says\n%s", counts, l.Skipped.Load(), server.Log())
	}
	ours := servertest.Start(t, servertest.Program(t), "serve", "--port", servertest.Port).Dial()
	for _, v := range append(emptyValues, emptyZipmap, emptyIntset) {
		payload := string(rdb.EndPayload([]byte(v), 0))
		want := fmt.Sprint(redis.Try("RESTORE", "k", "0", payload, "REPLACE"))
		if got := fmt.Sprint(ours.Try("RESTORE", "k", "0", payload, "REPLACE")); got != want {
			t.Errorf("RESTORE of %q: got %s, want %s", v, got, want)
		}
	}
}

// What only begins like an empty value is none: it is refused, or skipped as what it is.
func TestAlmostEmpty(t *testing.T) {
	one := "\x0b\x0b\x00\x00\x00\x0a\x00\x00\x00\x01\x00\xff" // as long as an empty one
	for _, test := range []struct {
		value          string
		empty, skipped int64
	}{
		{"\x14" + emptyListpack, 1, 0}, // a set of Redis 7.2
		{"\x0e\x02" + emptyZiplist + one, 0, 1},
		{"\x0e\x02" + one + emptyZiplist, 0, 1},
		{"\x12\x01\x01\x00", 0, 1}, // a list with an empty string
		{"\x01\x01\x00", 0, 1},
		{"\x12\x01\x01" + emptyListpack, 0, 1}, // a list with a string that looks like one
		{"\x0f\x00\x00\x00\x00\x00", 0, 1},     // a stream
	} {
		file := withEmpty(test.value)
		path := filepath.Join(t.TempDir(), "dump.rdb")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		s, _ := openStore(t, engine.Options{})
		l := &snapshot.Loader{Store: s, Path: path, MaxString: 1 << 20, Skip: true}
		err := l.Run()
		if empty := l.Empty.Load() - 1; err != nil || empty != test.empty || l.Skipped.Load() != test.skipped || l.Keys.Load() != 7 {
			t.Errorf("%q: %d keys, %d empty, %d skipped: %v", test.value, l.Keys.Load(), empty, l.Skipped.Load(), err)
		}
		again, _ := openStore(t, engine.Options{})
		if _, err := load(again, path); (err == nil) != (test.skipped == 0) {
			t.Errorf("%q: refused with %v", test.value, err)
		}
		if got, _ := os.ReadFile(path); !bytes.Equal(got, file) {
			t.Error("the file changed")
		}
	}
}
