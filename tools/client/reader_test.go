package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/tidwall/redcon"
)

// show writes a reply in a form that is handy to compare.
func show(r redcon.RESP) string {
	switch {
	case r.Type == redcon.Bulk && r.Data == nil:
		return "null"
	case r.Type == redcon.Bulk:
		return fmt.Sprintf("%q", r.String())
	case r.Type == redcon.Array && r.Count < 0:
		return "null array"
	case r.Type != redcon.Array:
		return string(r.Type) + r.String()
	}
	parts := []string{}
	r.ForEach(func(r redcon.RESP) bool {
		parts = append(parts, show(r))
		return true
	})
	return "[" + strings.Join(parts, " ") + "]"
}

// replies are those of RESP2, of each kind, and how show shows them.
var replies = []struct{ wire, want string }{
	{"+OK\r\n", "+OK"},
	{"+\r\n", "+"},
	{"-ERR no\r\n", "-ERR no"},
	{":0\r\n", ":0"},
	{":-9223372036854775808\r\n", ":-9223372036854775808"},
	{"$-1\r\n", "null"},
	{"$0\r\n\r\n", `""`},
	{"$4\r\na\r\nb\r\n", `"a\r\nb"`},
	{"$20\r\n" + strings.Repeat("*", 20) + "\r\n", `"` + strings.Repeat("*", 20) + `"`},
	{"*-1\r\n", "null array"},
	{"*0\r\n", "[]"},
	{"*1\r\n$-1\r\n", "[null]"},
	{"*3\r\n+a\r\n:1\r\n-ERR x\r\n", "[+a :1 -ERR x]"},
	{"*3\r\n*0\r\n*2\r\n*1\r\n$1\r\nx\r\n*-1\r\n:7\r\n", `[[] [["x"] null array] :7]`},
}

// pieces is a stream that gives its bytes in pieces of n.
type pieces struct {
	text string
	n    int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	n := copy(b, p.text[:min(p.n, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}

// TestReader reads replies of every kind, alone and one behind the other, however
// they are split.
func TestReader(t *testing.T) {
	all, want := "", ""
	for _, r := range replies {
		all, want = all+r.wire, want+r.want+"\n"
	}
	for size := 1; size <= len(all); size++ {
		r, got := NewReader(&pieces{all, size}, 100), ""
		reply, err := r.Read()
		for ; err == nil; reply, err = r.Read() {
			got += show(reply) + "\n"
		}
		if got != want || err != io.EOF {
			t.Errorf("in pieces of %d: got %s, error %v", size, got, err)
		}
	}
}

// TestReaderCut: a stream that ends within a reply has not ended well.
func TestReaderCut(t *testing.T) {
	for _, r := range replies {
		for cut := 1; cut < len(r.wire); cut++ {
			for size := 1; size <= cut; size++ {
				got, err := NewReader(&pieces{r.wire[:cut], size}, 100).Read()
				if err != io.ErrUnexpectedEOF {
					t.Errorf("%q in pieces of %d: got %s, error %v", r.wire[:cut], size, show(got), err)
				}
			}
		}
	}
}

// TestReaderRefuses what is no reply, or too much of one, as soon as that can be
// told: at the last byte here, and with nothing reserved for what is announced.
func TestReaderRefuses(t *testing.T) {
	const limit = 1000
	for _, wire := range []string{
		"H", "\r", "OK", "+OK\rx", "$x\r\n", "$\r\n", "$-2\r\n", "$+1\r\n", "$01\r\n", "*-2\r\n", "*x\r\n",
		"$3\r\nabcd\r", "*2\r\n:1\r\nx",
		"$1000\r\n", "$99999999999\r\n", "$9223372036854775807\r\n", "$99999999999999999999\r\n",
		"*1000\r\n", "*9223372036854775807\r\n",
		"*2\r\n$900\r\n" + strings.Repeat("x", 900) + "\r\n$90\r\n",
		"*100\r\n" + strings.Repeat(":12345678\r\n", 91),
		strings.Repeat("*1\r\n", maxDepth+1),
		"+" + strings.Repeat("x", limit), "*1\r\n+" + strings.Repeat("x", limit-len("*1\r\n")),
	} {
		for size := 1; size <= len(wire); size++ {
			src := &pieces{wire + strings.Repeat(":1\r\n", 10_000), size}
			r := NewReader(src, limit)
			if reply, err := r.Read(); err != ErrNotRedis {
				t.Fatalf("%.40q in pieces of %d: got %s, error %v", wire, size, show(reply), err)
			}
			if size == 1 && int(r.received) > len(wire) {
				t.Errorf("%.40q: refused after %d bytes", wire, r.received)
			}
			if len(r.buf) > readBuffer {
				t.Errorf("%.40q: a buffer of %d bytes", wire, len(r.buf))
			}
		}
	}
	for _, wire := range []string{
		"_\r\n", "%1\r\n+a\r\n:1\r\n", "~0\r\n", ":x\r\n", ":\r\n", "*1\r\n#t\r\n", "+a\nb\r\n",
	} {
		if reply, err := NewReader(strings.NewReader(wire), limit).Read(); err != ErrNotRedis {
			t.Errorf("%q: got %s, error %v", wire, show(reply), err)
		}
	}
}

// TestReaderDepth: what is as deep as it may be is read.
func TestReaderDepth(t *testing.T) {
	wire := strings.Repeat("*1\r\n", maxDepth) + ":1\r\n"
	got, err := NewReader(strings.NewReader(wire), 1000).Read()
	want := strings.Repeat("[", maxDepth) + ":1" + strings.Repeat("]", maxDepth)
	if err != nil || show(got) != want {
		t.Errorf("got %s, error %v", show(got), err)
	}
}

// TestReaderGrows: its buffer has room for a reply that is larger, and the replies
// around it are right.
func TestReaderGrows(t *testing.T) {
	large := strings.Repeat("x", 5*readBuffer)
	wire := fmt.Sprintf("+a\r\n$%d\r\n%s\r\n+b\r\n", len(large), large)
	for _, size := range []int{1000, 1 << 20} {
		r := NewReader(&pieces{wire, size}, 1<<20)
		for _, want := range []string{"+a", fmt.Sprintf("%q", large), "+b"} {
			if got, err := r.Read(); err != nil || show(got) != want {
				t.Errorf("in pieces of %d: got %.40s, error %v, want %.40s", size, show(got), err, want)
			}
		}
	}
}

// TestRaw: of RESP3 there are the bytes.
func TestRaw(t *testing.T) {
	wires := []string{
		"_\r\n", "#t\r\n", ",3.14\r\n", "(123\r\n", "=7\r\ntxt:abc\r\n", "!5\r\nERR x\r\n",
		"~2\r\n+a\r\n+b\r\n", "%1\r\n+a\r\n*1\r\n_\r\n",
		">2\r\n+message\r\n$1\r\nx\r\n", "|1\r\n+ttl\r\n:3\r\n*1\r\n+a\r\n", "*2\r\n%0\r\n:1\r\n",
	}
	all := strings.Join(wires, "")
	for size := 1; size <= len(all); size++ {
		r := NewReader(&pieces{all, size}, 100)
		for _, want := range wires {
			if got, err := r.Raw(); err != nil || string(got) != want {
				t.Errorf("in pieces of %d: got %q, error %v, want %q", size, got, err, want)
			}
		}
		if got, err := r.Raw(); err != io.EOF {
			t.Errorf("at the end: got %q, error %v", got, err)
		}
	}
}

// TestReaderAllocates nothing for a reply.
func TestReaderAllocates(t *testing.T) {
	wire := []byte("$3\r\nabc\r\n*2\r\n:1\r\n+OK\r\n")
	src := bytes.NewReader(wire)
	r := NewReader(src, 100)
	n := testing.AllocsPerRun(1000, func() {
		src.Reset(wire)
		for range 2 {
			if _, err := r.Read(); err != nil {
				t.Fatal(err)
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzReader: bytes mean the same however they are split, and nothing takes more
// memory than the limit allows.
func FuzzReader(f *testing.F) {
	for _, r := range replies {
		f.Add([]byte(r.wire), byte(1))
	}
	f.Add([]byte(strings.Repeat("*1\r\n", 100)), byte(3))
	f.Add([]byte("*2\r\n%1\r\n+a\r\n$99999999999\r\n"), byte(2))
	f.Fuzz(func(t *testing.T, wire []byte, size byte) {
		const limit = 500
		read := func(size int) (got string) {
			r := NewReader(&pieces{string(wire), size}, limit)
			for {
				reply, err := r.Read()
				if err != nil {
					if !errors.Is(err, ErrNotRedis) && err != io.EOF && err != io.ErrUnexpectedEOF {
						t.Fatal(err)
					}
					return got + err.Error()
				}
				if len(reply.Raw) > limit {
					t.Fatalf("a reply of %d bytes", len(reply.Raw))
				}
				got += show(reply) + "\n"
			}
		}
		if whole, split := read(len(wire)+1), read(int(size)+1); whole != split {
			t.Errorf("at once %q, in pieces of %d %q", whole, size+1, split)
		}
	})
}
