package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/test/await"
	redisclient "github.com/redistill/redistill/tools/client"
)

// subscriber reads what a redis-server publishes.
type subscriber struct {
	t           *testing.T
	conn, other *redisclient.Conn // other is for commands of its own
}

// subscribe returns a subscriber to all events of keys, and to the channel "end".
func (o *oracle) subscribe() *subscriber {
	o.t.Helper()
	dial := func() *redisclient.Conn {
		conn, err := redisclient.Dial(o.t.Context(), o.target, redisclient.Options{Timeout: await.Limit})
		if err != nil {
			o.t.Fatal(err)
		}
		o.t.Cleanup(conn.Close)
		return conn
	}
	s := &subscriber{o.t, dial(), dial()}
	for _, pattern := range []string{"__keyevent@*__:*", "end"} {
		if _, err := s.conn.Do("PSUBSCRIBE", pattern); err != nil {
			o.t.Fatal(err)
		}
	}
	return s
}

// next returns the pattern's match: the channel and the message.
func (s *subscriber) next() (channel, message string) {
	s.t.Helper()
	for {
		raw, err := s.conn.Next()
		if raw != nil {
			words := strings.Split(string(raw), "\r\n")
			return words[6], words[8]
		}
		if err == nil {
			err = s.conn.Fill()
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// events returns the events of the commands that redis-server ran since the last call.
func (s *subscriber) events() (events []string) {
	s.t.Helper()
	if _, err := s.other.Do("PUBLISH", "end", ""); err != nil {
		s.t.Fatal(err)
	}
	for {
		channel, key := s.next()
		if channel == "end" {
			return events
		}
		db, event, _ := strings.Cut(strings.TrimPrefix(channel, "__keyevent@"), "__:")
		events = append(events, event+" "+db+" "+key)
	}
}

// What listeners are told of commands is what redis-server notifies of.
func TestEventsAreRedis(t *testing.T) {
	o := startOracle(t)
	o.do("CONFIG", "SET", "notify-keyspace-events", "KEA")
	sub := o.subscribe()
	srv := newTestServer(t)
	c := connect(t, srv)
	var heard []string
	srv.Store.Listen(func(e engine.Event, db int, key []byte) {
		heard = append(heard, e.String()+" "+strconv.Itoa(db)+" "+string(key))
	})
	commands := strings.Split(strings.TrimSpace(eventCommands), "\n")
	payload := " "
	for i := 0; strings.Contains(payload, " "); i++ { // it has to be one word
		o.do("HSET", "dumped", "f", strconv.Itoa(i), "g", "v")
		payload = fmt.Sprint(o.do("DUMP", "dumped"))
	}
	commands = append(commands, "RESTORE r 0 "+payload, "RESTORE r 1000 "+payload+" REPLACE",
		"RESTORE r 1 "+payload+" REPLACE ABSTTL", "RESTORE r 1 "+payload+" ABSTTL", "RESTORE r 0 bad")
	o.do("DEL", "dumped")
	sub.events()
	for _, command := range commands {
		command = strings.TrimLeft(command, "\t")
		o.do(strings.Split(command, " ")...)
		c.do(command)
		want := sub.events()
		if !slices.Equal(heard, want) {
			t.Errorf("%s: told %q, redis-server %q", command, heard, want)
		}
		heard = heard[:0]
	}
}

// eventCommands are run one after the other.
const eventCommands = `
	SET k v
	SET k v EX 100
	SET k v KEEPTTL
	SET k v XX GET
	SET k v NX
	SETNX k v
	SETNX new v
	SETEX k 100 v
	PSETEX k 100000 v
	GETSET k v
	GETSET k2 v
	GETEX k EX 100
	GETEX k PERSIST
	GETEX k PERSIST
	GETEX k
	GETEX k EXAT 1
	MSET a 1 b 2 c 3
	MSETNX a 1 z 2
	MSETNX y 1 z 2
	APPEND a 1
	APPEND new2 1
	SETRANGE a 1 x
	SETRANGE new3 1 x
	SETRANGE a 1
	SETRANGE nosuch 0
	INCR n
	DECR n
	INCRBY n 5
	DECRBY n 5
	INCRBYFLOAT n 1.5
	INCRBYFLOAT n2 1.5
	INCR n
	GETDEL n
	GETDEL n
	EXPIRE a 100
	EXPIRE a 100 NX
	PEXPIRE a 100000 XX
	EXPIREAT a 99999999999
	PEXPIREAT a 99999999999999
	EXPIRE nosuch 100
	PERSIST a
	PERSIST a
	EXPIRE a -1
	HSET h f v
	HSET h f v g w
	HSET h f v
	HMSET h f v g w x y
	HSETNX h f v
	HSETNX h new v
	HINCRBY h n 5
	HINCRBYFLOAT h n 1.5
	HINCRBY h f 1
	HDEL h nosuch
	HDEL h n f
	HDEL h g x new
	HSET h f v
	SADD s1 a b c
	SADD s1 a
	SADD s1 a d
	SREM s1 nosuch
	SREM s1 a nosuch b
	SREM s1 c d
	SADD s1 1 2 3
	SADD s2 2 3 4
	SMOVE s1 s2 nosuch
	SMOVE s1 s2 1
	SMOVE s1 s1 2
	SMOVE s1 s2 2
	SMOVE s1 s2 3
	SADD s1 1 2 3
	SINTERSTORE s3 s1 s2
	SINTERSTORE s3 s1 nosuch
	SINTERSTORE s3 s1 nosuch
	SUNIONSTORE s3 s1 s2
	SUNIONSTORE s1 s1 s2
	SDIFFSTORE s4 s1 nosuch
	SDIFFSTORE s3 s2 s1
	SPOP s1
	SPOP s1 2
	SPOP s1 0
	SPOP s1 10
	SPOP s1 10
	SPOP s1
	SADD s5 a
	SPOP s5
	SMEMBERS s2
	SRANDMEMBER s2 5
	RENAME h h2
	RENAME nosuch h2
	RENAMENX h2 b
	RENAMENX h2 h3
	SET x v
	RENAME x h3
	RENAME h3 h3
	COPY b copy
	COPY b copy
	COPY b copy REPLACE
	COPY b copy DB 2
	COPY nosuch copy REPLACE
	MOVE b 3
	MOVE b 3
	MOVE nosuch 3
	SELECT 3
	SET in3 v
	SELECT 0
	DEL k k2 nosuch
	UNLINK new new2
	DEL copy copy
	MULTI
	HSET h f v
	HSET h g w
	SET s v
	SET s v
	INCR s
	HDEL h f g
	EXEC
	MULTI
	HSET h f v
	DISCARD
	HGETALL h
	TOUCH c
	RANDOMKEY
	FLUSHDB
	SWAPDB 0 3
	FLUSHALL`
