package command

import (
	"bytes"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/resp/resptest"
)

// sameAsRedis are commands that reply, in this order, exactly as a redis-server that was just started.
var sameAsRedis = []string{
	"DBSIZE", "DBSIZE x", "SET a 1", "SELECT 1", "SET b 1", "SET c 1", "DBSIZE", "SELECT 0",
	"SWAPDB", "SWAPDB 0 a", "SWAPDB a 0", "SWAPDB a b", "SWAPDB 0 99", "SWAPDB 0 -1", "SWAPDB 16 0", "SWAPDB 0 0", "SWAPDB 0 1", "DBSIZE",
	"FLUSHDB x", "FLUSHDB SYNC ASYNC", "FLUSHDB async", "DBSIZE", "SELECT 1", "DBSIZE", "FLUSHALL x", "FLUSHALL SYNC", "DBSIZE", "SELECT 0",
	"TIME x",
	"SHUTDOWN foo", "SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT NOW", "SHUTDOWN ABORT SAVE", "SHUTDOWN ABORT", "SHUTDOWN a b c",
	"MEMORY", "MEMORY x", "MEMORY USAGE", "MEMORY USAGE nope", "MEMORY USAGE nope SAMPLES", "MEMORY USAGE nope SAMPLES a",
	"MEMORY USAGE nope SAMPLES -1", "MEMORY USAGE nope x 3", "MEMORY USAGE nope SAMPLES 0", "MEMORY USAGE nope SAMPLES 1 SAMPLES 2",
	"CONFIG SET slowlog-log-slower-than -1", "SLOWLOG RESET", // the machine may be slow
	"SLOWLOG", "SLOWLOG x", "SLOWLOG GET a", "SLOWLOG GET -2", "SLOWLOG GET 1 2", "SLOWLOG GET -1", "SLOWLOG GET", "SLOWLOG LEN",
	"SLOWLOG LEN x", "SLOWLOG RESET", "SLOWLOG HELP",
	"LATENCY", "LATENCY x", "LATENCY RESET", "LATENCY RESET a b", "LATENCY LATEST", "LATENCY LATEST x", "LATENCY HISTORY",
	"LATENCY HISTORY x", "LATENCY HISTOGRAM nope",
	"COMMAND x", "COMMAND COUNT x", "COMMAND LIST x", "COMMAND LIST FILTERBY", "COMMAND LIST FILTERBY x y", "COMMAND LIST FILTERBY MODULE x",
	"COMMAND LIST FILTERBY ACLCAT nope", "COMMAND LIST FILTERBY PATTERN nope*", "COMMAND LIST FILTERBY PATTERN", "COMMAND LIST filterby pattern GETR?NGE",
	"COMMAND LIST FILTERBY ACLCAT x y",
	"COMMAND GETKEYS", "COMMAND GETKEYS GET", "COMMAND GETKEYS GET a", "COMMAND GETKEYS nope a", "COMMAND GETKEYS PING", "COMMAND GETKEYS GET a b",
	"COMMAND GETKEYS PING a", "COMMAND GETKEYS MSET a 1 b 2", "COMMAND GETKEYS MSET a", "COMMAND GETKEYS CONFIG GET", "COMMAND GETKEYS CONFIG nope",
	"COMMAND GETKEYS OBJECT ENCODING a", "COMMAND GETKEYS MEMORY USAGE a", "COMMAND GETKEYS RENAME a b", "COMMAND GETKEYSANDFLAGS RENAME a b",
	"COMMAND GETKEYSANDFLAGS DEL a b c", "COMMAND GETKEYSANDFLAGS MSET a 1 b 2", "COMMAND GETKEYSANDFLAGS GET", "COMMAND GETKEYSANDFLAGS COPY a b",
	"COMMAND INFO nope", "COMMAND INFO config|nope", "COMMAND INFO nope|get", "COMMAND DOCS nope", "COMMAND HELP",
	"CONFIG", "CONFIG x", "CONFIG GET", "CONFIG SET", "CONFIG SET a", "CONFIG SET a b", "CONFIG SET maxmemory x", "CONFIG SET maxmemory 1 maxmemory 2",
	"CONFIG SET maxmemory 1 hz", "CONFIG SET a b c", "CONFIG SET daemonize yes", "CONFIG SET slowlog-log-slower-than x",
	"CONFIG SET maxmemory 20mb maxmemory-policy volatile-ttl", "CONFIG GET maxmemory maxmemory-policy", "CONFIG GET nope", "CONFIG GET maxmemory maxmemory",
	"CONFIG RESETSTAT x", "CONFIG RESETSTAT", "CONFIG REWRITE", "CONFIG REWRITE x", "CONFIG HELP", "CONFIG HELP x",
	"INFO nope", "INFO Cluster", "INFO keyspace",
	"DEBUG", "DEBUG SLEEP 0", "DEBUG HELP", "DEBUG x", "MULTI", "DEBUG SLEEP 0", "EXEC", "CONFIG GET enable-debug-command",
	"CONFIG SET enable-debug-command yes", "COMMAND INFO debug",
}

func TestSameAsRedis(t *testing.T) {
	o := startOracle(t)
	c := connect(t, newTestServer(t))
	for _, command := range sameAsRedis {
		reply := c.do(command)
		got, err := resptest.Parse([]byte(reply))
		if err != nil {
			t.Fatalf("%s: %v in %q", command, err, reply)
		}
		if want := o.do(strings.Split(command, " ")...); !reflect.DeepEqual(unordered(got), unordered(want)) {
			t.Errorf("%s: got %#v, want %#v", command, got, want)
		}
	}
}

func TestConfigSetTakesEffect(t *testing.T) {
	srv := newTestServer(t)
	c, other := connect(t, srv), connect(t, srv)
	c.expect(
		"CONFIG SET maxmemory 100mb maxmemory-policy volatile-ttl requirepass secret slowlog-max-len 3", "+OK",
		"PING", "+PONG",
	)
	if got := srv.Store.MaxMemory(); got != 100<<20 {
		t.Errorf("the store's limit is %d", got)
	}
	if got := srv.Store.Policy().String(); got != "volatile-ttl" {
		t.Errorf("the store's policy is %s", got)
	}
	other.expect("PING", "+PONG") // who is connected stays logged in
	connect(t, srv).expect("PING", "-NOAUTH Authentication required.", "AUTH secret", "+OK", "PING", "+PONG")
	c.expect(
		"CONFIG SET maxmemory 1 slowlog-max-len x", "-ERR CONFIG SET failed (possibly related to argument 'slowlog-max-len') - "+
			"argument couldn't be parsed into an integer",
		"CONFIG SET slowlog-max-len 4 maxmemory 16777215", "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - "+
			"must be at least 16MB, or 0 for no limit",
		"CONFIG GET maxmemory", "*2 $9 maxmemory $9 104857600",
		"CONFIG GET slowlog-max-len", "*2 $15 slowlog-max-len $1 3",
		"CONFIG SET maxmemory 16777216", "+OK",
		"CONFIG SET maxmemory 0", "+OK",
	)
}

func TestShutdown(t *testing.T) {
	path := "persistence.snapshot_path " + filepath.Join(t.TempDir(), "dump.rdb")
	for _, test := range []struct {
		command, reply, log string
		stops               bool
	}{
		{"SHUTDOWN", "", "shutdown without persistence: the data is not saved", true},
		{"shutdown now", "", "not saved", true},
		{"SHUTDOWN NOSAVE", "", "", true},
		{"SHUTDOWN SAVE FORCE", "", "", true},
		{"SHUTDOWN SAVE", "", "snapshot written", true},
		{"SHUTDOWN ABORT", "-ERR No shutdown in progress.\r\n", "", false},
	} {
		var log bytes.Buffer
		srv := newLoggingServer(t, &log, path)
		stops := 0
		srv.Shutdown = func(bool) { stops++ }
		c := connect(t, srv)
		if reply := c.do(test.command); reply != test.reply {
			t.Errorf("%s: replied %q, want %q", test.command, reply, test.reply)
		}
		if (stops == 1) != test.stops || c.Closing != test.stops {
			t.Errorf("%s: Shutdown called %d times, connection closing %t", test.command, stops, c.Closing)
		}
		if got := log.String(); !strings.Contains(got, test.log) || test.log == "" && got != "" {
			t.Errorf("%s: logged %q, want %q", test.command, got, test.log)
		}
	}
}

func TestMemoryUsage(t *testing.T) {
	c := connect(t, newTestServer(t))
	usage := func(key string) int { return integers(c.do("MEMORY USAGE " + key))[0] }
	c.do("SET small x")
	c.do("SET large " + strings.Repeat("x", 10000))
	if small, large := usage("small"), usage("large SAMPLES 5"); small < 10 || large < 10000 || large > 20000 {
		t.Errorf("a small key takes %d bytes, one of 10000 bytes %d", small, large)
	}
}
