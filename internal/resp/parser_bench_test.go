package resp

import (
	"bytes"
	"strings"
	"testing"
)

// benchParser parses the commands in input over and over.
func benchParser(b *testing.B, input string, commands int) {
	buf := []byte(input)
	p := Parser{Limits: Limits{Authenticated: true}}
	args := make([][]byte, 0, 16)
	b.SetBytes(int64(len(buf) / commands))
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; {
		for rest := buf; len(rest) > 0; i++ {
			n, out, err := p.Next(rest, args)
			if n == 0 || err != nil {
				b.Fatal(n, err)
			}
			args, rest = out, rest[n:]
		}
	}
}

const benchGET = "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000012345\r\n"

func setCommand(size int) string {
	return "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000012345\r\n" + bulk(strings.Repeat("x", size))
}

// bulk returns s as the client sends it.
func bulk(s string) string {
	out := Out{Proto: 2}
	out.BulkString(s)
	return string(out.B)
}

func BenchmarkParserGET(b *testing.B)        { benchParser(b, benchGET, 1) }
func BenchmarkParserSET256(b *testing.B)     { benchParser(b, setCommand(256), 1) }
func BenchmarkParserSET16K(b *testing.B)     { benchParser(b, setCommand(16<<10), 1) }
func BenchmarkParserPipeline16(b *testing.B) { benchParser(b, strings.Repeat(benchGET, 16), 16) }
func BenchmarkParserInline(b *testing.B)     { benchParser(b, "PING\r\n", 1) }

// BenchmarkParserMSET1000 is per command of 2001 arguments.
func BenchmarkParserMSET1000(b *testing.B) {
	benchParser(b, "*2001\r\n"+bulk("MSET")+strings.Repeat(bulk("key:000000012345")+bulk("value"), 1000), 1)
}

func BenchmarkOut(b *testing.B) {
	value := bytes.Repeat([]byte{'x'}, 16)
	value256 := bytes.Repeat([]byte{'x'}, 256)
	replies := []struct {
		name  string
		reply func(o *Out)
	}{
		{"Int7", func(o *Out) { o.Int(7) }},
		{"Int123456", func(o *Out) { o.Int(123456) }},
		{"Bulk16", func(o *Out) { o.Bulk(value) }},
		{"Bulk256", func(o *Out) { o.Bulk(value256) }},
		{"Array2", func(o *Out) { o.Array(2) }},
		{"OK", func(o *Out) { o.OK() }},
		{"Double", func(o *Out) { o.Double(3.1415) }},
	}
	for _, r := range replies {
		b.Run(r.name, func(b *testing.B) {
			b.ReportAllocs()
			out := Out{B: make([]byte, 0, 4096), Proto: 2}
			for range b.N {
				r.reply(&out)
				if len(out.B) > 3000 {
					out.B = out.B[:0]
				}
			}
		})
	}
}

func BenchmarkParseInt(b *testing.B) {
	digits := []byte("1234567890")
	for range b.N {
		if _, ok := ParseInt(digits); !ok {
			b.Fatal("not a number")
		}
	}
}
