package netserver

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/engine"
)

// BenchmarkPath compares the I/O paths with what one would write first: redcon's server, which is a goroutine for each connection
// too, in front of the same engine. Clients and server share the process, so the time and the allocations are those of both; the
// clients allocate nothing. One operation is one command.
func BenchmarkPath(b *testing.B) {
	for _, pipeline := range []int{1, 16} {
		for _, name := range []string{"SET", "GET"} {
			for _, path := range paths() {
				b.Run(fmt.Sprintf("%s/pipeline=%d/%s", name, pipeline, path), func(b *testing.B) {
					load(b, startServer(b, path).addr, name, pipeline)
				})
			}
			b.Run(fmt.Sprintf("%s/pipeline=%d/redcon", name, pipeline), func(b *testing.B) {
				load(b, startRedcon(b), name, pipeline)
			})
		}
	}
}

// startRedcon serves GET and SET with redcon and returns the address.
func startRedcon(b *testing.B) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	store, err := engine.Open(engine.Options{})
	if err != nil {
		b.Fatal(err)
	}
	accept := func(c redcon.Conn) bool {
		c.SetContext(&redconClient{tx: store.NewTx()})
		return true
	}
	server := redcon.NewServer("", func(c redcon.Conn, cmd redcon.Command) { redconCommand(c, cmd, store) }, accept, nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	b.Cleanup(func() {
		if err := server.Close(); err != nil {
			b.Error(err)
		}
		if err := <-served; err != nil {
			b.Error(err)
		}
		store.Close()
	})
	return listener.Addr().String()
}

// redconClient is what a connection of the baseline keeps between commands.
type redconClient struct {
	tx    *engine.Tx
	value []byte
}

// redconCommand runs a command. Nothing tells a handler where a batch begins, so it reads the clock each time.
func redconCommand(c redcon.Conn, cmd redcon.Command, store *engine.Store) {
	client := c.Context().(*redconClient)
	tx := client.tx
	tx.Now = time.Now().UnixMilli()
	key := store.Key(cmd.Args[1])
	tx.LockKey(key)
	defer tx.Unlock()
	switch string(cmd.Args[0]) {
	case "GET":
		if v, ok, err := tx.Get(key); err != nil {
			c.WriteError(err.Error())
		} else if !ok {
			c.WriteNull()
		} else {
			client.value = v.AppendTo(client.value[:0])
			c.WriteBulk(client.value)
		}
	case "SET":
		if err := tx.Set(key, cmd.Args[2], engine.NoDeadline); err != nil {
			c.WriteError(err.Error())
			return
		}
		c.WriteString("OK")
	default:
		c.WriteError("ERR unknown command")
	}
}

// load sends b.N commands over several connections, each of which waits for the replies of one pipeline before it sends the next.
func load(b *testing.B, addr, name string, pipeline int) {
	const connections = 8
	value := bytes.Repeat([]byte("v"), 100)
	var requests, replies [connections][]byte
	var conns [connections]net.Conn
	for i := range conns {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		key := fmt.Sprintf("key:%d", i)
		set := encode("SET", key, string(value))
		if err := exchange(conn, []byte(set), []byte("+OK\r\n"), make([]byte, 5)); err != nil {
			b.Fatal(err)
		}
		request, reply := set, "+OK\r\n"
		if name == "GET" {
			request, reply = encode("GET", key), bulk(string(value))
		}
		conns[i] = conn
		requests[i] = bytes.Repeat([]byte(request), pipeline)
		replies[i] = bytes.Repeat([]byte(reply), pipeline)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var clients sync.WaitGroup
	for i := range conns {
		clients.Go(func() {
			got := make([]byte, len(replies[i]))
			for n := i * pipeline; n < b.N; n += connections * pipeline {
				if err := exchange(conns[i], requests[i], replies[i], got); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
	b.StopTimer()
}

// exchange sends a request and compares the reply, for which got has room, with what it must be.
func exchange(conn net.Conn, request, want, got []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("got %.60q, want %.60q", got, want)
	}
	return nil
}
