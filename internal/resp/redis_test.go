package resp

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/redistill/redistill/test/await"
)

// TestAgainstRedis sends the same bytes to a real server and to a few commands
// run on Parser and Out, and expects the same bytes back. Most inputs end in a
// PING, whose answer tells where a connection went on.
func TestAgainstRedis(t *testing.T) {
	inputs := []string{
		"*11\r\n" + strings.Repeat("$1\r\na\r\n", 11), "*1\r\n" + bulk(strings.Repeat("a", 16385)),
		"*1\r\n$16385\r\n", "*11\r\n", "*10\r\n" + ping,
	}
	for _, c := range parserCases {
		inputs = append(inputs, c.input, c.input+ping)
	}
	const seed = 20260101
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 700 {
		inputs = append(inputs, randomInline(rng), randomHeader(rng))
	}
	for _, password := range []string{"", "secret"} {
		t.Run("password "+password, func(t *testing.T) {
			socket := startRedis(t, password)
			for _, input := range inputs {
				if skipsLimit(input) {
					continue
				}
				want := normalise(exchange(t, socket, input))
				got := normalise(serve(input, Limits{Authenticated: password == ""}))
				if got != want {
					t.Errorf("%s\n     got %.300q\nredis has %.300q", caseName(input), got, want)
				}
			}
		})
	}
}

// skipsLimit says whether the line is longer than the limit and ends all the
// same. Whether Redis refuses it depends on how the bytes arrive.
func skipsLimit(input string) bool {
	return len(input) > DefaultMaxInline && strings.HasSuffix(input, ping) && !strings.Contains(input, "\x00")
}

// randomInline asks for its words back, randomly quoted.
func randomInline(rng *rand.Rand) string {
	const alphabet = `ab"""'''\\\x41nrg  ` + "\t\v\f"
	var b strings.Builder
	b.WriteString(`EVAL "return ARGV" 0 `)
	for range rng.IntN(16) {
		b.WriteByte(alphabet[rng.IntN(len(alphabet))])
	}
	return b.String() + "\r\n" + ping
}

// randomHeader is an ECHO with a spoiled count or length.
func randomHeader(rng *rand.Rand) string {
	const alphabet = "00112345678999-+ $*x\r\n\x00"
	var b strings.Builder
	for range 1 + rng.IntN(4) {
		b.WriteByte(alphabet[rng.IntN(len(alphabet))])
	}
	if rng.IntN(2) == 0 {
		return "*" + b.String() + "\r\n$4\r\nECHO\r\n$3\r\nabc\r\n" + ping
	}
	return "*2\r\n$4\r\nECHO\r\n$" + b.String() + "\r\nabcdefgh\r\n" + ping
}

// errorDetails are the parts of replies which are not the parser's business.
var errorDetails = regexp.MustCompile(`-ERR (unknown command|wrong number)[^\r]*`)

func normalise(replies string) string {
	return errorDetails.ReplaceAllString(replies, "-ERR $1")
}

// serve returns what a server with three commands answers to input.
func serve(input string, limits Limits) string {
	p := Parser{Limits: limits}
	out := Out{Proto: 2}
	for buf := []byte(input); len(buf) > 0; {
		n, args, err := p.Next(buf, nil)
		if perr, ok := err.(*ProtocolError); ok {
			out.Error("ERR " + perr.Text)
			break
		}
		if n == 0 {
			break
		}
		if len(args) > 0 {
			run(&out, args, limits.Authenticated)
		}
		buf = buf[n:]
	}
	return string(out.B)
}

// run answers PING, ECHO and EVAL "return ARGV" 0.
func run(out *Out, args [][]byte, authenticated bool) {
	name := strings.ToUpper(string(args[0]))
	minimum, known := map[string]int{"PING": 1, "ECHO": 2, "EVAL": 3}[name]
	switch {
	case !known:
		out.Error("ERR unknown command")
	case len(args) < minimum || name == "ECHO" && len(args) > 2:
		out.Error("ERR wrong number")
	case !authenticated:
		out.Error("NOAUTH Authentication required.")
	case name == "PING" && len(args) > 2:
		out.Error("ERR wrong number")
	case len(args) == 1:
		out.Simple("PONG")
	case name != "EVAL":
		out.Bulk(args[1])
	default:
		out.Array(len(args) - 3)
		for _, arg := range args[3:] {
			out.Bulk(arg)
		}
	}
}

// exchange sends input and the end of the stream, and returns everything that
// the server answers.
func exchange(t *testing.T, socket, input string) string {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(await.Deadline()); err != nil {
		t.Fatal(err)
	}
	// A server that has read enough resets the connection: no failure here.
	_, _ = io.WriteString(conn, input)
	_ = conn.(*net.UnixConn).CloseWrite()
	replies, err := io.ReadAll(conn)
	if os.IsTimeout(err) {
		t.Fatalf("%s: no end of the replies after %q", caseName(input), replies)
	}
	return string(replies)
}

// startRedis runs redis-server on a socket of its own until the test ends.
func startRedis(t *testing.T, password string) (socket string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not installed, and CI must compare with it")
		}
		t.Skip("skipped, because redis-server is not installed (Debian package redis-server)")
	}
	dir, err := os.MkdirTemp("", "resp") // shorter than t.TempDir: sockets have 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "redis.sock")
	args := []string{"--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir}
	if password != "" {
		args = append(args, "--requirepass", password)
	}
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	await.True(t, "redis-server listens", func() bool {
		conn, err := net.Dial("unix", socket)
		return err == nil && conn.Close() == nil
	})
	return socket
}
