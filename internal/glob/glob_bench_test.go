package glob

import (
	"fmt"
	"testing"
)

// benchPatterns are what clients ask for.
var benchPatterns = []string{"user:*", "*:cart", "user:*:cart", "*ser:1*", "user:[0-9]*", "user:100?:cart"}

func benchNames(n int) [][]byte {
	names := make([][]byte, n)
	for i := range names {
		names[i] = fmt.Appendf(nil, "%s:%d:%s", []string{"user", "page"}[i%2], 1000+i, []string{"cart", "name"}[i/2%2])
	}
	return names
}

// BenchmarkScan is what one SCAN of ten keys spends on its pattern.
func BenchmarkScan(b *testing.B) {
	names := benchNames(10)
	for _, text := range benchPatterns {
		b.Run(text, func(b *testing.B) {
			pattern := []byte(text)
			for b.Loop() {
				p := Compile(pattern, false)
				for _, name := range names {
					p.Match(name)
				}
			}
		})
	}
}

// BenchmarkMatch is what KEYS spends on a key.
func BenchmarkMatch(b *testing.B) {
	names := benchNames(256)
	for _, text := range benchPatterns {
		b.Run(text, func(b *testing.B) {
			p, i := Compile([]byte(text), false), 0
			for b.Loop() {
				p.Match(names[i%256])
				i++
			}
		})
	}
}
