package stats

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/internal/info"
	"github.com/redistill/redistill/tools/client"
)

// everything is a reply of INFO with the given fields.
func everything(t *testing.T, at time.Time, lines ...string) *Sample {
	t.Helper()
	s, err := parse("# Server\r\nredis_version:7.0.15\r\nrun_id:a\r\n"+strings.Join(lines, "\r\n")+"\r\n", at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParse(t *testing.T) {
	s := everything(t, time.Time{},
		"cmdstat_get:calls=4,usec=10,usec_per_call=2.50,rejected_calls=1,failed_calls=2",
		"cmdstat_config|set:calls=1,usec=90,usec_per_call=90.00,rejected_calls=0,failed_calls=0",
		"latency_percentiles_usec_get:p50=1.003,p99=5.023,p99.9=9.5",
		"db0:keys=5,expires=1,avg_ttl=99000", "db12:keys=1,expires=0,avg_ttl=0")
	if len(s.Commands) != 2 || s.Commands[0].Name != "config|set" {
		t.Fatalf("commands: %+v", s.Commands)
	}
	get := s.Commands[1]
	if get.Calls != 4 || get.Failed != 3 || get.Usec != 10 || get.UsecPerCall != 2.5 || get.Percentiles["p99.9"] != 9.5 {
		t.Errorf("get: %+v", get)
	}
	if len(s.Databases) != 2 || s.Databases[0].Keys != 5 || s.Databases[0].AvgTTL != 99*time.Second || s.Databases[1].Index != 12 {
		t.Errorf("databases: %+v", s.Databases)
	}
	if _, err := parse("# Server\r\nversion:1\r\n", time.Time{}); err == nil {
		t.Error("a reply that is not INFO's: got no error")
	}
}

// TestFieldsAreInInfo: every field of INFO that a metric reads is one that our
// own server sends, or is named here as another server's.
func TestFieldsAreInInfo(t *testing.T) {
	ours := everything(t, time.Time{}, string(info.Append(nil, &info.State{RedisVersion: "7.0.15", Uptime: time.Second}, info.Select([][]byte{[]byte("everything")}))))
	for _, m := range metrics {
		evaluate(m.total, func(name string) (float64, bool) {
			if name == elapsed || name == counted {
				return 1, true
			}
			if _, ok := ours.number(name); !ok && name != "mem_clients_normal" {
				t.Errorf("%s reads %s, which INFO does not show", m.Name, name)
			}
			return 1, true
		})
	}
}

func TestReport(t *testing.T) {
	start := time.Unix(1000, 0)
	before := everything(t, start, "uptime_in_seconds:10", "keyspace_hits:80", "keyspace_misses:20", "total_commands_processed:1000",
		"evicted_keys:5", "used_memory:300", "maxmemory:400", "used_cpu_user:1", "used_cpu_sys:1")
	now := everything(t, start.Add(2*time.Second), "uptime_in_seconds:12", "keyspace_hits:81", "keyspace_misses:23", "total_commands_processed:1600",
		"evicted_keys:15", "used_memory:300", "maxmemory:400", "used_cpu_user:2", "used_cpu_sys:1")
	r, err := NewReport("x", before, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]string{
		"hit_rate": {"77.88%", "25.00%"}, "operations_per_second": {"133.33", "300.00"}, "evicted_per_second": {"1.25", "5.00"},
		"evicted": {"15", "10"}, "memory": {"75.00%", "-"}, "memory_left": {"100B", "-"}, "memory_index": {"-", "-"}, "cpu": {"0.25", "0.50"},
	} {
		unit := lookup(name).Unit
		if got := [2]string{r.Total[name].Format(unit), r.Delta[name].Format(unit)}; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if _, err := NewReport("x", now, before); !errors.Is(err, ErrReset) {
		t.Errorf("counters that fell: got error %v", err)
	}
	now.fields["run_id"] = "b"
	if _, err := NewReport("x", before, now); !errors.Is(err, ErrReset) {
		t.Errorf("another process: got error %v", err)
	}
}

// TestRatesAfterReset: counters that were set to zero are divided by the time since then, or by
// nothing if that is not known. CPU time is never set to zero.
func TestRatesAfterReset(t *testing.T) {
	fields := []string{"uptime_in_seconds:1000", "total_commands_processed:50", "used_cpu_user:400", "used_cpu_sys:100"}
	const reset = "cmdstat_config|resetstat:calls=1,usec=3,usec_per_call=3.00"
	for _, test := range []struct {
		name, more, want string
	}{
		{"never", "x:1", "0.05"}, {"redis-server", reset, "-"},
		{"redistill", reset + "\r\nredistill_counting_seconds:10", "5.00"},
		{"at once", reset + "\r\nredistill_counting_seconds:0", "-"},
	} {
		r, err := NewReport("x", nil, everything(t, time.Unix(0, 0), append(fields, test.more)...))
		if err != nil {
			t.Fatal(err)
		}
		rate, cpu := r.Total["operations_per_second"].Format(Rate), r.Total["cpu"].Format(Ratio)
		if rate != test.want || cpu != "0.50" {
			t.Errorf("%s: %s operations/s and %s cores, want %s and 0.50", test.name, rate, cpu, test.want)
		}
	}
}

func TestRecent(t *testing.T) {
	before := everything(t, time.Unix(0, 0),
		"cmdstat_get:calls=4,usec=10,usec_per_call=2.50,rejected_calls=1,failed_calls=2", "cmdstat_del:calls=1,usec=1,usec_per_call=1.00")
	now := everything(t, time.Unix(1, 0),
		"cmdstat_get:calls=104,usec=310,usec_per_call=2.98,rejected_calls=2,failed_calls=2", "cmdstat_del:calls=1,usec=1,usec_per_call=1.00",
		"cmdstat_set:calls=2,usec=900,usec_per_call=450.00")
	// SET was called before it was in INFO, by the sample itself for example.
	before.histograms = map[string]histogram{"get": {{1, 3}, {4, 4}}, "set": {{512, 1}}}
	now.histograms = map[string]histogram{"get": {{1, 52}, {2, 101}, {4, 102}, {8, 104}}, "set": {{512, 2}, {1024, 3}}}
	r, err := NewReport("x", before, now)
	if err != nil || len(r.Recent) != 2 {
		t.Fatalf("got %+v, error %v", r.Recent, err)
	}
	set, get := r.Recent[0], r.Recent[1]
	if get.Name != "get" || get.Calls != 100 || get.Failed != 1 || get.Usec != 300 || get.UsecPerCall != 3 {
		t.Errorf("get: %+v", get)
	}
	// 49 took up to 1 us, 49 more up to 2, none up to 4 and 2 up to 8.
	if p := get.Percentiles; p["p50"] != 2 || p["p99"] != 8 || p["p99.9"] != 8 {
		t.Errorf("get: %v", p)
	}
	if set.Name != "set" || set.Calls != 2 || set.Percentiles["p50"] != 512 || set.Percentiles["p99"] != 1024 {
		t.Errorf("set: %+v", set)
	}
}

func TestCheck(t *testing.T) {
	s := everything(t, time.Time{}, "keyspace_hits:80", "keyspace_misses:20", "used_memory:1024", "evicted_keys:3")
	r, err := NewReport("x", nil, s)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"hit_rate>79%": true, "hit_rate > 0.8": false, "hit_rate>=80%": true, "hit_rate=80%": true, "hit_rate!=80%": false,
		"memory_used<=1kb": true, "memory_used<1kb": false, "evicted==3": true, "evicted<2": false, "memory<90%": false,
	} {
		c, err := ParseCheck(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := c.Apply(r); got.OK != want {
			t.Errorf("%s: got %+v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"", "hit_rate", "hitrate>1%", "hit_rate>85", "hit_rate>", "hit_rate>x%", "evicted>5%", "memory_used<-1", "evicted!5", "cpu<NaN", ">5"} {
		if c, err := ParseCheck(text); err == nil {
			t.Errorf("%q: got %+v", text, c)
		}
	}
}

// answer serves one connection with fixed bytes for each command.
func answer(t *testing.T, replies ...string) client.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		in := bufio.NewReader(c)
		for _, reply := range replies {
			var words int
			if _, err := fmt.Fscanf(in, "*%d\r\n", &words); err != nil {
				return
			}
			for range 2 * words {
				if _, err := in.ReadString('\n'); err != nil {
					return
				}
			}
			if _, err := c.Write([]byte(reply)); err != nil {
				return
			}
		}
		// To close a connection with something unread would reset it, and that may come before what was written.
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}()
	return client.Target{Network: "tcp", Address: l.Addr().String()}
}

// takeWith takes a sample of a server with a reply to LATENCY HISTOGRAM.
func takeWith(t *testing.T, histograms string) error {
	t.Helper()
	c, err := Connect(context.Background(), answer(t, "+PONG\r\n", "$17\r\nredis_version:7\r\n\r\n", histograms), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = Take(c)
	return err
}

// TestControlCharacters: what a server says cannot control a terminal.
func TestControlCharacters(t *testing.T) {
	s, err := parse("redis_version:7\x1b[2J\r\nmaxmemory_policy:\x07é\r\ncmdstat_a\x1b]0;x:calls=1\r\n", time.Time{})
	if err != nil || s.Server() != "Redis 7?[2J" || s.Policy() != "?é" || s.Commands[0].Name != "a?]0;x" {
		t.Errorf("got %q %q %+v, error %v", s.Server(), s.Policy(), s.Commands, err)
	}
}

// TestPoller: after an error there is a new connection.
func TestPoller(t *testing.T) {
	const info, none = "$17\r\nredis_version:7\r\n\r\n", "*0\r\n"
	p := NewPoller(nil, answer(t, "+PONG\r\n", info, none), time.Minute)
	if s, err := p.Take(t.Context()); err != nil || s.Server() != "Redis 7" {
		t.Fatalf("got %+v, error %v", s, err)
	}
	if _, err := p.Take(t.Context()); err == nil || err.Error() != "the server closed the connection" {
		t.Errorf("after its end: got error %v", err)
	}
	p.target = client.Target{Network: "tcp", Address: "127.0.0.1:1"} // which nobody gets
	if _, err := p.Take(t.Context()); err == nil || err.Error() != "connect: connection refused" {
		t.Errorf("while it is gone: got error %v", err)
	}
	p.target = answer(t, "+PONG\r\n", info, none)
	if _, err := p.Take(t.Context()); err != nil {
		t.Errorf("when it is back: got error %v", err)
	}
	p.Close()
}

func TestBadReplies(t *testing.T) {
	for _, reply := range []string{
		"", "HTTP/1.1 400 Bad Request\r\n", "$-1\r\n", "$99999999999\r\n", "$20000000\r\n", "$5\r\nab", "*1\r\n", "\r\n", "+OK\n",
		"-ERR no\r\n", strings.Repeat("x", 5000),
	} {
		c, err := Connect(context.Background(), answer(t, "+PONG\r\n", reply), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Take(c); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: got error %v", reply, err)
		}
		c.Close()
	}
	for _, reply := range []string{
		"*-1\r\n", "*0\r\n", "*1\r\n+get\r\n", "*2\r\n+get\r\n+x\r\n", "*2\r\n+get\r\n*2\r\n+histogram_usec\r\n*2\r\n+x\r\n:1\r\n",
		"-ERR unknown command\r\n", "-NOPERM no\r\n",
	} {
		if err := takeWith(t, reply); err != nil {
			t.Errorf("LATENCY HISTOGRAM answered %q: got error %v", reply, err)
		}
	}
	for _, reply := range []string{"$20000000\r\n", "*2\r\n$20000000\r\n"} {
		if err := takeWith(t, reply); err != client.ErrNotRedis {
			t.Errorf("LATENCY HISTOGRAM answered %q: got error %v", reply, err)
		}
	}
	for _, reply := range []string{"*99999999999\r\n", strings.Repeat("*1\r\n", 9), "*2\r\n$20000000\r\n", "*1\r\n", "*x\r\n"} {
		if err := takeWith(t, reply); err == nil {
			t.Errorf("LATENCY HISTOGRAM answered %q: got no error", reply)
		}
	}
}
