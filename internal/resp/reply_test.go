package resp

import (
	"strings"
	"testing"
)

var wholeReplies = []string{
	"+OK\r\n", "+\r\n", "-ERR x\r\n", ":1\r\n", ":-1\r\n", "$-1\r\n", "*-1\r\n", "$0\r\n\r\n", "$4\r\na\r\nb\r\n", "*0\r\n",
	"*2\r\n$1\r\na\r\n:2\r\n", "*1\r\n*2\r\n*0\r\n*1\r\n$3\r\nabc\r\n", "_\r\n", "#t\r\n", ",3.14\r\n", ",inf\r\n", "(123\r\n",
	"=7\r\ntxt:abc\r\n", "!5\r\nERR x\r\n", "~2\r\n+a\r\n+b\r\n", "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n", ">2\r\n+message\r\n$1\r\nx\r\n",
	"|1\r\n+ttl\r\n:3\r\n*1\r\n+a\r\n", "*2\r\n|1\r\n+k\r\n+v\r\n:1\r\n:2\r\n",
}

// TestReplyLen cuts every reply everywhere: it is incomplete until its last
// byte, whatever follows it then.
func TestReplyLen(t *testing.T) {
	for _, reply := range wholeReplies {
		for cut := range len(reply) {
			if n, err := ReplyLen([]byte(reply[:cut])); n != 0 || err != nil {
				t.Errorf("ReplyLen(%q) = %d, %v, want 0", reply[:cut], n, err)
			}
		}
		for _, behind := range []string{"", ":1\r\n", "\x00garbage"} {
			if n, err := ReplyLen([]byte(reply + behind)); n != len(reply) || err != nil {
				t.Errorf("ReplyLen(%q) = %d, %v, want %d", reply+behind, n, err, len(reply))
			}
		}
	}
}

func TestReplyLenMalformed(t *testing.T) {
	for _, reply := range []string{
		"x", "\r\n", "OK\r\n", "+OK\rx", "$x\r\n", "$-2\r\n", "$+1\r\na\r\n", "$1\r\nabc", "*-2\r\n", "%-1\r\n", "*99999999999\r\n",
		"$\r\n", "*?\r\n", "$?\r\n", "*1\r\nx", "*2\r\n:1\r\n\r\n", "$1073741825\r\n",
	} {
		if n, err := ReplyLen([]byte(reply)); n != 0 || err == nil {
			t.Errorf("ReplyLen(%q) = %d, %v, want an error", reply, n, err)
		}
	}
}

// TestReplyHead: what follows a head is known before it is there.
func TestReplyHead(t *testing.T) {
	for _, test := range []struct {
		wire     string
		size     int
		elements int64
	}{
		{"$5\r", 0, 0}, {"$5\r\n", 11, 0}, {"$5\r\nabc", 11, 0}, {"$1073741824\r\n", 13 + 1<<30 + 2, 0}, {"*3\r\n", 4, 3}, {"%3\r\n+a", 4, 6},
		{"|1\r\n", 4, 3}, {"*-1\r\n*", 5, 0}, {":12\r\n", 5, 0},
	} {
		if size, elements, err := ReplyHead([]byte(test.wire)); size != test.size || elements != test.elements || err != nil {
			t.Errorf("ReplyHead(%q) = %d, %d, %v", test.wire, size, elements, err)
		}
	}
}

// TestReplyLenNested goes deeper than a stack of calls could.
func TestReplyLenNested(t *testing.T) {
	reply := []byte(strings.Repeat("*1\r\n", 1_000_000) + ":1\r\n")
	if n, err := ReplyLen(reply); n != len(reply) || err != nil {
		t.Errorf("ReplyLen = %d, %v, want %d", n, err, len(reply))
	}
	// So often that what else the process allocates meanwhile is less than one a run.
	shorter := reply[len(reply)-4*10_000-4:]
	if n := testing.AllocsPerRun(100, func() { _, _ = ReplyLen(shorter) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzReply checks that the answer does not change as more bytes arrive: 0 for
// every beginning of a reply, the same length or error ever after.
func FuzzReply(f *testing.F) {
	for _, reply := range wholeReplies {
		f.Add([]byte(reply))
	}
	f.Add([]byte("*2147483647\r\n%2147483647\r\n"))
	f.Fuzz(func(t *testing.T, buf []byte) {
		if len(buf) > 2000 {
			return
		}
		want, wantErr := ReplyLen(buf)
		if want < 0 || want > len(buf) || wantErr != nil && want != 0 {
			t.Fatalf("ReplyLen = %d, %v for %d bytes", want, wantErr, len(buf))
		}
		for cut := range len(buf) {
			n, err := ReplyLen(buf[:cut])
			switch {
			case err != nil && wantErr == nil:
				t.Fatalf("error with %d bytes of a good reply", cut)
			case n != 0 && (n != want || cut < n):
				t.Fatalf("ReplyLen = %d with %d bytes, %d with all", n, cut, want)
			case n == 0 && err == nil && want != 0 && cut >= want:
				t.Fatalf("incomplete with %d bytes of %d", cut, want)
			}
		}
	})
}
