package memory_test

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
	"time"
)

// keyShapes are what BenchmarkBytesPerKey stores: lengths of keys and values, how long they live in seconds, 0 for ever, and how many.
var keyShapes = []struct{ key, value, ttl, keys int }{
	{16, 16, 0, 2_000_000},
	{32, 128, 86400, 2_000_000},
	{32, 256, 86400, 2_000_000},
	{64, 5000, 86400, 200_000},
}

// BenchmarkBytesPerKey reports by how much the resident set grows for each key, less the bytes of the key and its value, with each of the servers.
func BenchmarkBytesPerKey(b *testing.B) {
	for _, shape := range keyShapes {
		for _, rival := range rivals[:2] {
			b.Run(fmt.Sprintf("%d+%d/%s", shape.key, shape.value, rival.name), func(b *testing.B) {
				s := start(b, rival.args(b)...)
				time.Sleep(2 * time.Second) // each server gives memory back in the background: what only the start took, and what the load did
				before := s.resident()
				s.setKeys(shape.keys, shape.key, shape.value, shape.ttl)
				time.Sleep(2 * time.Second)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(s.resident()-before)/float64(shape.keys)-float64(shape.key+shape.value), "B/key")
			})
		}
	}
}

// setKeys sets n keys.
func (s *server) setKeys(n, keySize, valueSize, ttl int) {
	s.Helper()
	val, arguments, expiry := strings.Repeat("v", valueSize), 3, ""
	if ttl > 0 {
		arguments, expiry = 5, fmt.Sprintf("$2\r\nEX\r\n$%d\r\n%d\r\n", len(fmt.Sprint(ttl)), ttl)
	}
	s.set(n, func(w *bufio.Writer, i int) {
		_, _ = fmt.Fprintf(w, "*%d\r\n$3\r\nSET\r\n$%d\r\n%0*d\r\n$%d\r\n%s\r\n%s", arguments, keySize, keySize, i, valueSize, val, expiry)
	})
}
