package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/internal/certs/certstest"
	"github.com/redistill/redistill/internal/resp"
	"github.com/redistill/redistill/test/await"
)

// answer serves one connection with a reply for each command in turn, and returns
// the commands when the client has gone.
func answer(t *testing.T, nc net.Conn, replies ...string) []string {
	t.Helper()
	p := &resp.Parser{Limits: resp.Limits{Authenticated: true}}
	var commands []string
	var got []byte
	for chunk := make([]byte, 16<<10); ; {
		n, err := nc.Read(chunk)
		if err != nil {
			return commands
		}
		got = append(got, chunk[:n]...)
		for len(got) > 0 {
			n, words, err := p.Next(got, nil)
			if err != nil {
				t.Error(err)
			}
			if n == 0 || err != nil {
				break
			}
			commands = append(commands, strings.Join(strings.Fields(string(joined(words))), " "))
			if len(replies) > 0 {
				_, _ = io.WriteString(nc, replies[0])
				replies = replies[1:]
			} else if tcp, ok := nc.(*net.TCPConn); ok {
				_ = tcp.CloseWrite() // to close it with something unread would reset it
			}
			got = got[n:]
		}
	}
}

func joined(words [][]byte) (b []byte) {
	for _, w := range words {
		b = append(append(b, w...), ' ')
	}
	return b
}

// listen serves one connection with answer.
func listen(t *testing.T, network string, replies ...string) (target Target, commands func() []string) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	got := make(chan []string, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = nc.Close() }()
		got <- answer(t, nc, replies...)
	}()
	commands = func() []string {
		t.Helper()
		return await.Receive(t, "the client has gone", got)
	}
	return Target{Network: network, Address: l.Addr().String()}, commands
}

var patient = Options{Timeout: await.Limit}

// TestDial: who the target names logs in, and into which database; who names none
// asks for something too.
func TestDial(t *testing.T) {
	for _, test := range []struct {
		network    string
		target     Target
		replies    []string
		want, fail string
	}{
		{"tcp", Target{}, []string{"+PONG\r\n"}, "PING", ""},
		{"unix", Target{}, []string{"+PONG\r\n"}, "PING", ""},
		{"tcp", Target{Password: "pw"}, []string{"+OK\r\n"}, "AUTH pw", ""},
		{"tcp", Target{User: "ann", Password: "pw"}, []string{"+OK\r\n"}, "AUTH ann pw", ""},
		{"tcp", Target{User: "ann"}, []string{"+PONG\r\n"}, "PING", ""},
		{"tcp", Target{DB: 3}, []string{"+OK\r\n"}, "SELECT 3", ""},
		{"unix", Target{Password: "pw", DB: 3}, []string{"+OK\r\n", "+OK\r\n"}, "AUTH pw, SELECT 3", ""},
		{"tcp", Target{}, []string{"-NOAUTH required.\r\n"}, "PING", "the server wants a password"},
		{"tcp", Target{DB: 3}, []string{"-NOAUTH required.\r\n"}, "SELECT 3", "the server wants a password"},
		{
			"tcp", Target{Password: "pw"}, []string{"-WRONGPASS \x1b[2J\r\n"}, "AUTH pw",
			"the server replied: WRONGPASS ?[2J",
		},
		{
			"tcp", Target{DB: 99}, []string{"-ERR DB index is out of range\r\n"}, "SELECT 99",
			"the server replied: ERR DB index is out of range",
		},
		{
			"tcp", Target{}, []string{"HTTP/1.1 400 Bad Request\r\n"}, "PING",
			"the server does not speak Redis's protocol",
		},
		{"tcp", Target{}, nil, "PING", "the server closed the connection"},
	} {
		target, commands := listen(t, test.network, test.replies...)
		target.User, target.Password, target.DB = test.target.User, test.target.Password, test.target.DB
		c, err := Dial(t.Context(), target, patient)
		if test.fail == "" && err == nil {
			c.Close()
		} else if want := "connecting to " + target.String() + ": " + test.fail; err == nil || err.Error() != want {
			t.Errorf("%+v: got error %v, want %s", test.target, err, want)
		}
		if got := strings.Join(commands(), ", "); got != test.want {
			t.Errorf("%+v: sent %s, want %s", test.target, got, test.want)
		}
	}
}

// TestDialErrors: what is not there is one line, and the reason of it is known.
func TestDialErrors(t *testing.T) {
	for text, want := range map[string]string{ // nobody gets port 1
		"redis://:hidden@127.0.0.1:1": "connecting to redis://127.0.0.1:1: connect: connection refused",
		"./none.sock":                 "connecting to unix:./none.sock: connect: no such file or directory",
	} {
		target, err := ParseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Dial(t.Context(), target, patient)
		var failed *ConnectError
		if !errors.As(err, &failed) || err.Error() != want {
			t.Errorf("%s: got error %v, want %s", text, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Dial(ctx, Target{Network: "tcp", Address: "127.0.0.1:1"}, patient); err != ErrInterrupted {
		t.Errorf("after the end of the context: got error %v", err)
	}
}

// TestTLS: a certificate is checked, and a server that does not speak TLS is no
// reason to go on without.
func TestTLS(t *testing.T) {
	authority := certstest.NewAuthority(t)
	pair := authority.Issue("localhost", time.Hour)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair.Certificate(t)}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			answer(t, nc, "+PONG\r\n")
			nc.Close()
		}
	}()
	target, err := ParseTarget("rediss://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	target.TLS.ServerName = "localhost"
	_, err = Dial(t.Context(), target, patient)
	if text := fmt.Sprint(err); !strings.HasPrefix(text, "connecting to rediss://127.0.0.1:") ||
		!strings.Contains(text, "certificate") {
		t.Errorf("an unknown authority: got error %v", err)
	}
	target.TLS.RootCAs = authority.Pool()
	c, err := Dial(t.Context(), target, patient)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()

	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	go func() {
		nc, err := other.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(nc, "-ERR unknown command\r\n")
		_, _ = io.Copy(io.Discard, nc)
		nc.Close()
	}()
	plain := Target{Network: "tcp", Address: other.Addr().String(), TLS: target.TLS}
	if _, err := Dial(t.Context(), plain, patient); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a server without TLS: got error %v", err)
	}
}

// pipe connects a Conn to answer, on the clock of the test.
func pipe(t *testing.T, o Options, replies ...string) *Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	go answer(t, theirs, replies...)
	t.Cleanup(func() { _ = ours.Close() })
	return New(ours, o)
}

// TestSend: replies come to those who asked, in their order, and what the server
// refuses is theirs to see.
func TestSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replies := []string{"+OK\r\n", "-ERR no\r\n", "*2\r\n:1\r\n$-1\r\n", ":7\r\n", "-OOM no\r\n"}
		c := pipe(t, Options{Timeout: time.Minute}, replies...)
		c.Add("SET", "a", "b")
		c.Begin(2)
		c.Word("GET")
		c.Bytes([]byte("a"))
		c.Add("MGET", "a", "b")
		const wire = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n" +
			"*3\r\n$4\r\nMGET\r\n$1\r\na\r\n$1\r\nb\r\n"
		if commands, bytes := c.Queued(); commands != 3 || bytes != len(wire) {
			t.Errorf("%d commands, %d bytes are queued", commands, bytes)
		}
		var got []string
		err := c.Send(func(r redcon.RESP) error {
			got = append(got, show(r))
			return nil
		})
		if want := "+OK, -ERR no, [:1 null]"; err != nil || strings.Join(got, ", ") != want {
			t.Errorf("got %q, error %v, want %s", got, err, want)
		}
		if r, err := c.Do("INCR", "a"); err != nil || r.Int() != 7 {
			t.Errorf("got %s, error %v", show(r), err)
		}
		var refused ServerError
		if _, err := c.Do("INCR", "a"); !errors.As(err, &refused) || refused != "OOM no" {
			t.Errorf("got error %v", err)
		}
		if commands, bytes := c.Queued(); commands != 0 || bytes != 0 {
			t.Errorf("%d commands, %d bytes are left", commands, bytes)
		}
	})
}

// TestSilence: a server that does not answer is waited for as long as was said, for
// each batch anew.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pipe(t, Options{Timeout: 5 * time.Second}, "+OK\r\n", "+O")
		time.Sleep(time.Minute)
		if _, err := c.Do("PING"); err != nil {
			t.Error(err)
		}
		began := time.Now()
		_, err := c.Do("PING")
		took := time.Since(began)
		if !errors.Is(err, ErrNoAnswer) || err.Error() != "the server did not answer within 5s" || took != 5*time.Second {
			t.Errorf("got %v after %v", err, took)
		}
	})
}

// TestUntil: the end of a context ends a wait for a server that does not answer,
// and whatever is sent after it.
func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pipe(t, Options{Timeout: time.Hour}, "+OK\r\n", "+O")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		defer c.Until(ctx)()
		if _, err := c.Do("PING"); err != nil {
			t.Error(err)
		}
		began := time.Now()
		if _, err := c.Do("PING"); err != ErrInterrupted || time.Since(began) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		if _, err := c.Do("PING"); err != ErrInterrupted || time.Since(began) != time.Second {
			t.Errorf("then got %v after %v", err, time.Since(began))
		}
	})
}

// TestLimit: what one reply may have is not what several may have.
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const some = "$3\r\nabc\r\n"
		c := pipe(t, Options{Timeout: time.Minute, Limit: len(some)}, some, some, "$4\r\n")
		for range 2 {
			if r, err := c.Do("GET", "a"); err != nil || r.String() != "abc" {
				t.Errorf("got %s, error %v", show(r), err)
			}
		}
		if _, err := c.Do("GET", "a"); err != ErrNotRedis {
			t.Errorf("got error %v", err)
		}
	})
}

// TestReset: a server that ends while a command is on its way to it resets the
// connection. To those who read it that is no other end.
func TestReset(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		for range 2 {
			if _, err := nc.Read(make([]byte, 1000)); err != nil {
				return
			}
			_, _ = nc.Write([]byte("+PONG\r\n"))
		}
		_ = nc.(*net.TCPConn).SetLinger(0) // makes Close reset it
	}()
	c, err := Dial(t.Context(), Target{Network: "tcp", Address: l.Addr().String()}, patient)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for err == nil {
		_, err = c.Do("PING")
	}
	if err != ErrClosed {
		t.Errorf("got error %v", err)
	}
}
