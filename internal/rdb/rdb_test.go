package rdb_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/rdb"
)

// value is what a key holds.
type value struct {
	text     string
	fields   map[string]string // nil for a string; of a set, each member is its own value
	set      bool
	deadline int64
}

// keyspace is keys by database and name.
type keyspace map[string]value

func name(db int, key string) string { return fmt.Sprint(db, " ", key) }

// read reads a whole file, as a server does.
func read(r *rdb.Reader) (keyspace, error) {
	all, b, d := keyspace{}, &rdb.Batch{}, rdb.Decoder{MaxString: r.MaxString}
	for {
		if err := r.Next(b); err == io.EOF {
			return all, nil
		} else if err != nil {
			return all, err
		}
		for i := range b.Frames {
			f := &b.Frames[i]
			key, err := d.Key(f)
			if err != nil {
				return all, err
			}
			id := name(f.DB, string(key))
			v := value{fields: all[id].fields, deadline: f.Deadline, set: f.Type.Name() == "set"}
			if f.Type != rdb.String && v.fields == nil {
				v.fields = map[string]string{}
			}
			err = d.Elements(f, func(words [][]byte) error {
				if f.Type == rdb.String {
					v.text = string(words[0])
				} else {
					v.fields[string(words[0])] = string(words[len(words)-1])
				}
				return nil
			})
			if err != nil {
				return all, err
			}
			all[id] = v
		}
	}
}

// write writes a keyspace of one database.
func write(t testing.TB, dst io.Writer, keys keyspace) {
	t.Helper()
	w := rdb.NewWriter(dst, nil)
	_ = w.Aux("redis-ver", "7.0.15")
	_ = w.Select(0)
	_ = w.Resize(int64(len(keys)), 0)
	for id, v := range keys {
		key := []byte(strings.TrimPrefix(id, "0 "))
		if v.fields == nil {
			_ = w.Key(rdb.String, key, v.deadline, -1, -1)
			_ = w.String([]byte(v.text))
			continue
		}
		typ := rdb.Hash
		if v.set {
			typ = rdb.Set
		}
		_ = w.Key(typ, key, v.deadline, -1, 7)
		_ = w.Len(len(v.fields))
		for f, val := range v.fields {
			_ = w.String([]byte(f))
			if !v.set {
				_ = w.String([]byte(val))
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// texts are strings that are encoded in each way, and those next to them.
func texts() []string {
	list := []string{"", "0", "-0", "00", "+1", "-1", "127", "128", "-128", "-129", "32767", "32768", "-32769", "2147483647", "2147483648",
		"-2147483648", "-2147483649", "9223372036854775807", "1.5", " 1", "\x00\xff", "-", "12", "13", "4095", "4096", "-4096", "8388607", "-8388608"}
	for _, n := range []int{1, 11, 12, 20, 21, 63, 64, 65, 252, 253, 254, 255, 256, 4095, 4096, 16383, 16384, 70_000, 300_000} {
		list = append(list, strings.Repeat("ab", n)[:n], random(n))
	}
	return list
}

// random returns bytes that cannot be compressed.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}).Read(b)
	return string(b)
}

func same(t *testing.T, what string, got, want value) {
	t.Helper()
	if got.text != want.text || got.set != want.set || got.deadline != want.deadline || !maps.Equal(got.fields, want.fields) {
		t.Errorf("%s: got %.60q %d fields until %d, want %.60q %d fields until %d", what, got.text, len(got.fields), got.deadline,
			want.text, len(want.fields), want.deadline)
	}
}

func sameAll(t *testing.T, got, want keyspace) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d keys, want %d", len(got), len(want))
	}
	for id, v := range want {
		same(t, fmt.Sprintf("%.40q", id), got[id], v)
	}
}

func TestChecksum(t *testing.T) {
	if got := rdb.Checksum(0, []byte("123456789")); got != 0xe9c6d914c4b8d9ca {
		t.Errorf("%x", got)
	}
	b := []byte(random(1000))
	for i := range 20 {
		if rdb.Checksum(rdb.Checksum(0, b[:i]), b[i:]) != rdb.Checksum(0, b) {
			t.Errorf("in two pieces, the first of %d bytes, it is another", i)
		}
	}
}

// fill makes keys of every encoding in redis-server, and returns what a reader has to find.
func fill(s *redis) keyspace {
	want, texts := keyspace{}, texts()
	for i, text := range texts {
		key := fmt.Sprint("string", i)
		s.Do("SET", key, text)
		want[name(0, key)] = value{text: text}
		s.Do("SET", text, "v") // as a key
		want[name(0, text)] = value{text: "v"}
	}
	for _, n := range []int{1, 2, 100, 600, 5000} {
		fields := map[string]string{}
		key := fmt.Sprint("hash", n)
		for i := range n {
			f, v := fmt.Sprint("field", i), texts[i%30]
			fields[f], fields[strconv.Itoa(i)] = v, f
			s.Do("HSET", key, f, v, strconv.Itoa(i), f)
		}
		want[name(0, key)] = value{fields: fields}
	}
	s.Do("HSET", "hash of all", "f", "v")
	all := map[string]string{"f": "v"}
	for _, text := range texts {
		s.Do("HSET", "hash of all", text, text)
		all[text] = text
	}
	want[name(0, "hash of all")] = value{fields: all}
	for key, members := range sets(texts) {
		for m := range members {
			s.Do("SADD", key, m)
		}
		want[name(0, key)] = value{fields: members, set: true}
	}
	s.Do("SELECT", "9")
	s.Do("SET", "until", "v", "PXAT", "4102444800123")
	want[name(9, "until")] = value{text: "v", deadline: 4102444800123}
	s.Do("SELECT", "0")
	return want
}

func TestReadsRedis(t *testing.T) {
	for _, flags := range [][]string{
		{"--rdbcompression", "yes"},
		{"--rdbcompression", "no", "--rdbchecksum", "no"},
		{"--hash-max-listpack-entries", "100000", "--hash-max-listpack-value", "1000000", "--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lru",
			"--set-max-intset-entries", "100000"},
		{"--hash-max-listpack-entries", "0", "--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lfu",
			"--set-max-intset-entries", "0"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			s := startRedis(t, t.TempDir(), flags...)
			want := fill(s)
			s.Do("SAVE")
			f, err := os.Open(filepath.Join(s.dir, "dump.rdb"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			got, err := read(rdb.NewReader(f))
			if err != nil {
				t.Fatal(err)
			}
			sameAll(t, got, want)
		})
	}
}

// Types that cannot be decoded are recognised in each of their encodings, and what is behind them is read.
func TestSkipsOtherTypes(t *testing.T) {
	for _, limit := range []string{"0", "1000"} {
		t.Run(limit, func(t *testing.T) {
			s := startRedis(t, t.TempDir(), "--list-max-listpack-size", "2", "--zset-max-listpack-entries", limit)
			s.Do("RPUSH", "l", "a", "1", strings.Repeat("x", 100_000), "2", "b")
			s.Do("ZADD", "z", "1", "a", "2.5", "b", "inf", "c")
			for i := range 300 {
				s.Do("XADD", "x", "*", "f", strings.Repeat("y", i))
			}
			s.Do("XGROUP", "CREATE", "x", "g", "0")
			s.Do("XREADGROUP", "GROUP", "g", "c", "COUNT", "10", "STREAMS", "x", ">")
			s.Do("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)")
			s.Do("SELECT", "15")
			s.Do("SET", "k", "v")
			s.Do("SAVE")
			file, err := os.ReadFile(filepath.Join(s.dir, "dump.rdb"))
			if err != nil {
				t.Fatal(err)
			}
			r, skipped := rdb.NewReader(bytes.NewReader(file)), map[string]string{}
			r.Unsupported = func(key []byte, typ string) error { skipped[string(key)] = typ; return nil }
			got, err := read(r)
			if err != nil {
				t.Fatal(err)
			}
			sameAll(t, got, keyspace{name(15, "k"): {text: "v"}})
			if want := map[string]string{"l": "list", "z": "zset", "x": "stream", "lib": rdb.Library}; !maps.Equal(skipped, want) {
				t.Errorf("skipped %v, want %v", skipped, want)
			}
			_, err = read(rdb.NewReader(bytes.NewReader(file)))
			if e := (*rdb.Error)(nil); !errors.As(err, &e) || e.Offset < 9 || !strings.HasPrefix(e.Reason, "the value is a ") {
				t.Errorf("refused with %v", err)
			}
		})
	}
}

// What is written is loaded by redis-server, accepted by redis-check-rdb, and read again.
func TestRedisReads(t *testing.T) {
	keys, texts := keyspace{}, texts()
	for i, text := range texts {
		keys[name(0, fmt.Sprint("string", i))] = value{text: text, deadline: int64(i%3) * 4102444800123}
		keys[name(0, text)] = value{text: "v"}
	}
	for _, n := range []int{1, 100, 1000} {
		fields := map[string]string{}
		for i := range n {
			fields[fmt.Sprint("field", i)] = texts[i%len(texts)]
		}
		keys[name(0, fmt.Sprint("hash", n))] = value{fields: fields, deadline: 4102444800124}
	}
	for key, members := range sets(texts) {
		keys[name(0, key)] = value{fields: members, deadline: 4102444800125, set: true}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "dump.rdb")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, f, keys)
	f.Close()
	file, _ := os.ReadFile(path)
	got, err := read(rdb.NewReader(bytes.NewReader(file)))
	if err != nil {
		t.Fatal(err)
	}
	sameAll(t, got, keys)
	s := startRedis(t, dir)
	for id, v := range keys {
		key := strings.TrimPrefix(id, "0 ")
		got := value{set: v.set}
		switch {
		case v.set:
			got.fields = map[string]string{}
			for _, m := range s.Do("SMEMBERS", key).([]any) {
				got.fields[m.(string)] = m.(string)
			}
		case v.fields != nil:
			got.fields = s.Hash(key)
		default:
			got.text = s.Do("GET", key).(string)
		}
		if got.deadline = s.Do("PEXPIRETIME", key).(int64); got.deadline == -1 {
			got.deadline = 0
		}
		same(t, fmt.Sprintf("%.40q", key), got, v)
	}
	if out, err := exec.Command("redis-check-rdb", path).CombinedOutput(); err != nil || !strings.Contains(string(out), "RDB looks OK") {
		t.Errorf("redis-check-rdb: %v\n%s", err, out)
	}
}

// The packed forms that Redis no longer writes: redis-server, which still reads them, is asked what is in them.
func TestOldHashes(t *testing.T) {
	s := startRedis(t, t.TempDir())
	long := strings.Repeat("z", 300)
	zipmap := "\x02" + "\x01a" + "\x03\x02xyz??" + "\x03key" + "\xfe\x2c\x01\x00\x00\x00" + long + "\xff"
	entries := []string{"\x01f", "\xfe\x80", "\x02i4", "\xf5", "\x03i16", "\xc0\x34\x12", "\x03i24", "\xf0\xff\xff\xff", "\x03i32", "\xd0\x01\x02\x03\x84",
		"\x03i64", "\xe0\x01\x02\x03\x04\x05\x06\x07\x88", "\x04long", "\x41\x2c" + long, "\x05long2", "\x80\x00\x00\x01\x2c" + long, "\x05empty", "\x00"}
	for _, test := range []struct {
		typ  rdb.Type
		blob string
	}{{rdb.HashZipmap, zipmap}, {rdb.HashZiplist, ziplist(entries)}} {
		payload := rdb.AppendString([]byte{byte(test.typ)}, []byte(test.blob))
		payload = rdb.EndPayload(payload, 0)
		s.Do("RESTORE", "k", "0", string(payload), "REPLACE")
		f, err := rdb.SplitPayload(payload)
		if err != nil || !rdb.CheckPayload(payload) {
			t.Fatalf("type %d: %v", test.typ, err)
		}
		got, d := map[string]string{}, rdb.Decoder{MaxString: 1 << 20}
		if err := d.Elements(&f, func(w [][]byte) error { got[string(w[0])] = string(w[1]); return nil }); err != nil {
			t.Fatal(err)
		}
		same(t, f.Type.Name(), value{fields: got}, value{fields: s.Hash("k")})
	}
}

// ziplist puts entries, which begin with their encoding, together.
func ziplist(entries []string) string {
	body, before, tail := "", 0, 10
	for _, e := range entries {
		prev := string([]byte{byte(before)})
		if before >= 254 {
			prev = "\xfe" + string([]byte{byte(before), byte(before >> 8), 0, 0})
		}
		tail = 10 + len(body)
		before = len(prev) + len(e)
		body += prev + e
	}
	n := 10 + len(body) + 1
	return string([]byte{byte(n), byte(n >> 8), 0, 0, byte(tail), byte(tail >> 8), 0, 0, byte(len(entries)), 0}) + body + "\xff"
}

// Every truncation of a file and every changed byte is noticed, and the error says where.
func TestDamagedFiles(t *testing.T) {
	var file bytes.Buffer
	write(t, &file, keyspace{"0 k": {text: "value"}, "0 n": {text: "12345"}, "0 h": {fields: map[string]string{"f": "v", "g": "w"}, deadline: 4102444800123},
		"0 s": {fields: map[string]string{"m": "m", "7": "7"}, set: true}})
	for n := range file.Len() {
		if _, err := read(rdb.NewReader(bytes.NewReader(file.Bytes()[:n]))); errorOffset(err) != int64(n) {
			t.Errorf("of %d bytes, %d: %v", file.Len(), n, err)
		}
	}
	for i := range file.Len() {
		for bit := range 8 {
			b := bytes.Clone(file.Bytes())
			if b[i] ^= 1 << bit; i == 8 && b[i] < '5' {
				continue // a version from before there was a checksum
			}
			if _, err := read(rdb.NewReader(bytes.NewReader(b))); errorOffset(err) < 0 {
				t.Errorf("byte %d, bit %d: %v", i, bit, err)
			}
		}
	}
}

func errorOffset(err error) int64 {
	if e := (*rdb.Error)(nil); errors.As(err, &e) {
		return e.Offset
	}
	return -1
}

// failing is a writer that takes n bytes.
type failing struct{ n int }

var errFull = errors.New("no space left")

func (f *failing) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWriterKeepsItsError(t *testing.T) {
	for _, n := range []int{0, 300_000} {
		w := rdb.NewWriter(&failing{n}, nil)
		for range 10 {
			_ = w.Key(rdb.String, []byte("k"), 0, -1, -1)
			_ = w.String([]byte(random(200_000)))
		}
		if err := w.Close(); err != errFull {
			t.Errorf("%d: %v", n, err)
		}
	}
}

// Seconds without use and frequencies go to redis-server and come back.
func TestUseOfKeys(t *testing.T) {
	for _, policy := range []string{"lru", "lfu"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "dump.rdb")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		w := rdb.NewWriter(f, nil)
		_ = w.Key(rdb.String, []byte("k"), 4102444800123, 1000, 9)
		_ = w.String([]byte("v"))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f.Close()
		began := time.Now()
		idle := func(n int64) bool { return n >= 1000 && n <= 1000+int64(time.Since(began).Seconds())+2 } // two clocks of whole seconds
		s := startRedis(t, dir, "--maxmemory-policy", "allkeys-"+policy, "--lfu-decay-time", "0")         // else a new minute lowers frequencies
		if policy == "lru" {
			if n := s.Do("OBJECT", "IDLETIME", "k").(int64); !idle(n) {
				t.Errorf("idle for %d s", n)
			}
		} else if n := s.Do("OBJECT", "FREQ", "k").(int64); n != 9 {
			t.Errorf("frequency %d", n)
		}
		s.Do("SAVE")
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, b := rdb.NewReader(bytes.NewReader(file)), &rdb.Batch{}
		if err := r.Next(b); err != nil || len(b.Frames) != 1 {
			t.Fatal(err, len(b.Frames))
		}
		got := b.Frames[0]
		if policy == "lru" && (!idle(got.Idle) || got.Freq != -1) || policy == "lfu" && (got.Freq != 9 || got.Idle != -1) {
			t.Errorf("%s: idle for %d s, frequency %d", policy, got.Idle, got.Freq)
		}
	}
}

// bomb is a string of n times 264 bytes and one, compressed.
func bomb(n int) []byte {
	packed := append([]byte{0, 'x'}, bytes.Repeat([]byte{7 << 5, 255, 0}, n)...)
	b := rdb.AppendLen([]byte{0xc3}, uint64(len(packed)))
	return append(rdb.AppendLen(b, uint64(264*n+1)), packed...)
}

// What is longer than it may be is refused by its length, as something that is not damaged.
func TestTooLong(t *testing.T) {
	const most = 32 << 10
	for what, file := range map[string][]byte{
		"a key":                       append([]byte("REDIS0009\x00"), rdb.AppendString(nil, make([]byte, most+1))...),
		"a compressed key":            append([]byte("REDIS0009\x00"), bomb(1000)...),
		"a key of another type":       append([]byte("REDIS0009\x01"), bomb(1000)...),
		"a string":                    append([]byte("REDIS0009\x00\x01k"), rdb.AppendString(nil, make([]byte, 2*most+1))...),
		"a compressed string":         append([]byte("REDIS0009\x00\x01k"), bomb(1000)...),
		"a compressed field":          append([]byte("REDIS0009\x04\x01k\x01"), bomb(1000)...),
		"a version that is not known": []byte("REDIS9999\x00\x01k\x01v"),
	} {
		r := rdb.NewReader(bytes.NewReader(file))
		r.MaxString, r.MaxKey, r.Unsupported = 2*most, most, nil
		_, err := read(r)
		if e := (*rdb.Error)(nil); !errors.As(err, &e) || !e.Foreign {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Size is not less than what is decoded, and does not believe a length that cannot be.
func TestSize(t *testing.T) {
	lie := append(rdb.AppendLen(rdb.AppendLen([]byte{0xc3}, 3), 1<<40), "\xe0\xff\x00"...)
	for what, test := range map[string]struct {
		payload     []byte
		least, most int
	}{
		"a string":            {rdb.AppendString([]byte{0}, []byte("hello")), 5, 5},
		"an integer":          {rdb.AppendString([]byte{0}, []byte("-2147483648")), 11, 11},
		"a compressed string": {append([]byte{0}, bomb(1000)...), 264_001, 264_001},
		"a lie":               {append([]byte{0}, lie...), 0, 0},
		"a hash":              {append([]byte("\x04\x02\x01f\x01v\x01g"), bomb(1000)...), 264_004, 264_100},
		"a hash with a lie":   {append([]byte("\x04\x02\x01f\x01v\x01g"), lie...), 3, 100},
	} {
		f, err := rdb.SplitPayload(rdb.EndPayload(test.payload, 0))
		if n := f.Size(); err != nil || n < test.least || n > test.most {
			t.Errorf("%s: %d bytes, want %d to %d: %v", what, n, test.least, test.most, err)
		}
	}
}
