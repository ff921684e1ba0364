package memory_test

import (
	"bytes"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/internal/certs/certstest"
	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
)

// These tests have clients take memory in the ways in which they can, under a limit and on every
// path. No key goes within the budget, the process stays within its limit, and a small SET is taken
// at once.

var attackLimits = flag.String("limits", "100", "the limits of memory that clients try to break, in MB")

// attack is what clients do to a server that is full of keys.
type attack struct {
	name    string
	clients int
	each    int64                   // bytes that each of them holds at the least, if it is not closed
	evicted int64                   // how many keys may go
	run     func(i int, c net.Conn) // what each of them does; its writes may fail, because the client may be closed
}

// attacked is a server under attack.
type attacked struct {
	*server
	limit int64       // of memory
	tls   *tls.Config // for clients, nil if they speak plain text
}

// newAttacked starts a server on a path and fills most of its memory, so that not much can come
// without a key going.
func newAttacked(t *testing.T, path string, limit int64, flags ...string) *attacked {
	t.Helper()
	a := &attacked{limit: limit}
	flags = append([]string{"--max-memory", fmt.Sprint(limit)}, flags...)
	if path == "tls" {
		authority := certstest.NewAuthority(t)
		cert, key := authority.Issue("127.0.0.1", time.Hour).Write(t, t.TempDir(), "server")
		a.tls = &tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS12}
		flags = append(flags, "--tls", "--tls-cert-path", cert, "--tls-key-path", key)
	} else {
		flags = append(flags, "--io", path)
	}
	program := append([]string{servertest.Program(t), "serve", "--port", servertest.Port}, flags...)
	a.server = &server{TB: t, Server: servertest.Start(t, program...)}
	options := &redis.Options{Addr: a.Addr, TLSConfig: a.tls, DialTimeout: await.Limit, ReadTimeout: await.Limit, MaxRetries: -1}
	if slices.Contains(flags, "--password") {
		options.Password = "secret"
	}
	a.client = redis.NewClient(options)
	t.Cleanup(func() { a.client.Close() })
	pipe := a.client.Pipeline()
	for i := range 50 {
		pipe.HSet(t.Context(), "hash", fmt.Sprint("field:", i), megabyte[:10_000])
	}
	keys := int(max(limit/2-12<<20, 4<<20) / 1050)
	for i := range keys {
		pipe.Set(t.Context(), fmt.Sprint("key:", i), megabyte[:1000], 0)
		if i%1000 == 999 || i == keys-1 {
			if _, err := pipe.Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return a
}

// dial returns a connection of its own.
func (a *attacked) dial() net.Conn {
	c := a.server.dial()
	_ = c.SetDeadline(await.Deadline())
	if a.tls != nil {
		config := a.tls.Clone()
		config.ServerName = "127.0.0.1"
		c = tls.Client(c, config)
	}
	return c
}

// command is a command in RESP.
func command(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

var megabyte = bytes.Repeat([]byte("x"), 1<<20)

// writeAll writes b so many times, or until the connection is closed.
func writeAll(c net.Conn, b []byte, times int) {
	for range times {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

var attacks = []attack{
	{name: "values that are announced and could not be stored", clients: 60, each: 5 << 20, run: func(_ int, c net.Conn) {
		_, _ = io.WriteString(c, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870000\r\n")
		writeAll(c, megabyte, 5)
	}},
	{name: "long transactions", clients: 20, each: 400 << 10, run: func(_ int, c net.Conn) {
		go func() { _, _ = io.Copy(io.Discard, c) }()
		_, _ = io.WriteString(c, command("MULTI"))
		writeAll(c, []byte(strings.Repeat(command("PING"), 10_000)), 20)
	}},
	{name: "large transactions", clients: 60, each: 1 << 20, run: func(_ int, c net.Conn) {
		_, _ = io.WriteString(c, command("MULTI"))
		writeAll(c, []byte(command("SET", "k", string(megabyte))), 8)
	}},
	{name: "watched keys", clients: 10, each: 4 << 20, run: func(i int, c net.Conn) {
		words := []string{"WATCH"}
		for k := range 100_000 {
			words = append(words, fmt.Sprintf("watched:%d:%d", i, k))
		}
		_, _ = io.WriteString(c, command(words...))
	}},
	{name: "names", clients: 200, each: 1 << 20, run: func(_ int, c net.Conn) {
		_, _ = io.WriteString(c, command("CLIENT", "SETNAME", string(megabyte)))
	}},
	{name: "words that are only repeated", clients: 8, each: 50 << 20, run: func(_ int, c net.Conn) {
		_, _ = io.WriteString(c, "*2\r\n$4\r\nECHO\r\n$60000000\r\n")
		writeAll(c, megabyte, 60)
	}},
	{name: "many empty words", clients: 10, each: 6 << 20, run: func(_ int, c net.Conn) {
		_, _ = io.WriteString(c, "*1000000\r\n$3\r\nDEL\r\n")
		writeAll(c, []byte(strings.Repeat("$0\r\n\r\n", 10_000)), 100)
	}},
	{name: "replies that are not read", clients: 40, each: 350 << 10, run: func(_ int, c net.Conn) {
		_, _ = io.WriteString(c, strings.Repeat(command("HGETALL", "hash"), 50))
	}},
	{name: "random fields without end", clients: 5, run: func(_ int, c net.Conn) {
		_, _ = io.WriteString(c, command("HRANDFIELD", "hash", "-1000000000", "WITHVALUES"))
	}},
	{name: "random fields in a transaction", clients: 5, each: 1 << 40, run: func(_ int, c net.Conn) {
		_, _ = io.WriteString(c, command("MULTI")+command("HRANDFIELD", "hash", "-1000000000", "WITHVALUES")+command("EXEC"))
	}},
	{name: "values that do not come to their end", clients: 12, each: 5 << 20, evicted: 70_000, run: func(_ int, c net.Conn) {
		_, _ = io.WriteString(c, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6000000\r\n")
		writeAll(c, megabyte, 5)
	}},
}

// strangers is what clients do who have not logged in.
var strangers = attack{name: "strangers", clients: 2000, each: 9 << 14, run: func(_ int, c net.Conn) {
	_, _ = io.WriteString(c, "*10\r\n")
	writeAll(c, []byte("$16384\r\n"+strings.Repeat("x", 16384)+"\r\n"), 9)
}}

// attack has the clients do what they do, all at once, and checks what became of keys, clients and
// memory.
func (a *attacked) attack(what attack) {
	a.Helper()
	before, stop := a.info(), a.watch()
	var all sync.WaitGroup
	var clients []net.Conn
	for i := range what.clients {
		c := a.dial()
		clients = append(clients, c)
		all.Go(func() { what.run(i, c) })
	}
	all.Wait()
	closed := func() int64 { return a.info()["evicted_clients"] - before["evicted_clients"] }
	least := int64(0)
	if what.each > 0 {
		least = int64(what.clients) - before["redistill_clients_limit_bytes"]/what.each
	}
	a.Eventually("clients are closed", func() bool { return closed() >= least })
	worst, after := stop(), a.info()
	a.Logf("%s: worst resident set %.1f %% of the limit, %d clients closed, Go heap %d", what.name, 100*float64(worst)/float64(a.limit), closed(),
		after["redistill_go_heap_bytes"])
	if n := after["evicted_keys"] - before["evicted_keys"]; n > what.evicted {
		a.Errorf("%s: %d keys were evicted", what.name, n)
	}
	if worst > a.limit*103/100 {
		a.Errorf("%s: the resident set was %d bytes", what.name, worst)
	}
	if err := a.client.Set(a.Context(), "probe", "small", 0).Err(); err != nil {
		a.Errorf("%s: a small SET afterwards: %v", what.name, err)
	}
	for _, c := range clients {
		_ = c.Close()
	}
	a.Eventually("the clients are gone", func() bool { return a.info()["connected_clients"] <= before["connected_clients"] })
	a.Eventually("the Go heap is small", func() bool { return a.info()["redistill_go_heap_bytes"] <= 16<<20 })
	a.Eventually("nothing is on its way", func() bool { return a.info()["redistill_arriving_bytes"] == 0 })
}

// TestClientsAreBounded attacks a server on each path.
func TestClientsAreBounded(t *testing.T) {
	for _, path := range []string{"io_uring", "epoll", "portable", "tls"} {
		for limit := range strings.SplitSeq(*attackLimits, ",") {
			t.Run(path+"/"+limit+"MB", func(t *testing.T) {
				n, err := strconv.ParseInt(limit, 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				a := newAttacked(t, path, n<<20)
				for _, what := range attacks {
					a.attack(what)
				}
				newAttacked(t, path, n<<20, "--password", "secret").attack(strangers)
			})
		}
	}
}
