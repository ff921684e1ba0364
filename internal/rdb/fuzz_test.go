package rdb_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/redistill/redistill/internal/rdb"
)

// FuzzReader reads files that are wrong in some way: nothing panics, and nothing is allocated because a length claims so.
func FuzzReader(f *testing.F) {
	var file bytes.Buffer
	write(f, &file, keyspace{"0 k": {text: "value"}, "0 h": {fields: map[string]string{"f": "v"}, deadline: 4102444800123}})
	f.Add(file.Bytes())
	for t := range byte(22) {
		f.Add(append([]byte("REDIS0011\xfe\x03\xf8\x05\xf9\x06"), t, 1, 'k', 2, 3, 'a', 'b', 'c', 1, 0, 0, 2, 0, 0, 0xff))
	}
	f.Add([]byte("REDIS0009\x00\x01k\x81\x00\x00\x00\x00\x1f\xff\xff\xff"))
	f.Add([]byte("REDIS0009\x10\x01k\x0c\x0b\x00\x00\x00\x02\x00\x01\x01\x02\x01\xff\xff"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := rdb.NewReader(bytes.NewReader(file))
		r.Unsupported = nil
		_, _ = read(r)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20+1000*uint64(len(file)) {
			t.Errorf("%d bytes allocated for a file of %d", n, len(file))
		}
	})
}

// FuzzPayload decodes what RESTORE is sent, made to look right: with the version and the checksum.
func FuzzPayload(f *testing.F) {
	f.Add([]byte("\x00\x03abc"))
	f.Add([]byte("\x00\xc3\x05\x40\x64\x01aa\xe0\x5a\x01"))
	f.Add([]byte("\x04\x01\x01f\xc0\x07"))
	f.Add([]byte("\x10\x0d\x0d\x00\x00\x00\x02\x00\x81f\x02\x81v\x02\xff"))
	f.Add(append([]byte("\x0d\x11"), ziplist([]string{"\x01f", "\xf5"})...))
	f.Add([]byte("\x09\x07\x01\x01a\x01\x00b\xff"))
	f.Add([]byte("\x02\x02\x01m\xc0\x07"))
	f.Add([]byte("\x0b\x0c\x02\x00\x00\x00\x02\x00\x00\x00\xff\xff\x07\x00"))
	f.Add([]byte("\x14\x0c\x0c\x00\x00\x00\x02\x00\x81m\x02\x07\x01\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		payload := rdb.EndPayload(bytes.Clone(body), 0)
		frame, err := rdb.SplitPayload(payload)
		if err != nil {
			return
		}
		claimed, d, decoded := frame.Size(), rdb.Decoder{MaxString: 1 << 20}, 0
		if claimed < 0 || claimed > 100*len(body)+16*frame.Elements {
			t.Errorf("%d bytes claim to be %d", len(body), claimed)
		}
		if d.Check(&frame) != nil {
			return
		}
		err = d.Elements(&frame, func(words [][]byte) error {
			for _, w := range words {
				decoded += len(w)
			}
			return nil
		})
		if err != nil {
			t.Errorf("accepted, and then: %v", err)
		}
		if frame.Type <= rdb.Hash && decoded > claimed {
			t.Errorf("%d bytes were to be no more than %d", decoded, claimed)
		}
	})
}

// FuzzRoundTrip writes a key and reads it.
func FuzzRoundTrip(f *testing.F) {
	f.Add("key", "value", "", int64(0))
	f.Add("12", "-2147483648", "f", int64(4102444800123))
	f.Fuzz(func(t *testing.T, key, text, field string, deadline int64) {
		want := value{text: text, deadline: deadline}
		if field != "" {
			want = value{fields: map[string]string{field: text, "": field}, deadline: deadline}
		}
		var file bytes.Buffer
		write(t, &file, keyspace{name(0, key): want})
		got, err := read(rdb.NewReader(&file))
		if err != nil {
			t.Fatal(err)
		}
		if want.deadline == -1 {
			want.deadline = 0 // which in a file is none
		}
		sameAll(t, got, keyspace{name(0, key): want})
	})
}
