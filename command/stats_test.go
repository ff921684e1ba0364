package command

import (
	"math"
	"strconv"
	"testing"
	"time"
)

func TestLatencyClasses(t *testing.T) {
	if latencyClass(-1) != 0 || latencyClass(math.MaxInt64) != latencyClasses-1 {
		t.Error("times out of range are not in the first and the last class")
	}
	for class := range latencyClasses - 1 {
		limit := int64(latencyLimit(class))
		if latencyClass(limit-1) != class || latencyClass(limit) != class+1 {
			t.Errorf("class %d ends at %d ns, but that is in class %d, and a nanosecond less in %d", class, limit, latencyClass(limit), latencyClass(limit-1))
		}
		if class > 4 && float64(limit-int64(latencyLimit(class-1)))/float64(limit) > .25 {
			t.Errorf("class %d is too wide", class)
		}
	}
	if last := latencyLimit(latencyClasses - 1); last < time.Second {
		t.Errorf("the classes end at %v", last)
	}
}

func TestPercentile(t *testing.T) {
	var c commandStats
	for i := range int64(1000) {
		c.add((i+1)*1000, i%10 == 0) // 1 us to 1 ms
	}
	s := &Stats{commands: []commandStats{{}}}
	for i := range c.latency {
		s.commands[0].latency[i].Store(c.latency[i].Load())
	}
	total := commandTotals([]*Stats{s, s}, &Command{})
	if total.calls != 2000 {
		t.Errorf("%d calls", total.calls)
	}
	for _, test := range []struct {
		p    float64
		want time.Duration
	}{{.5, 500 * time.Microsecond}, {.99, 990 * time.Microsecond}, {0, time.Microsecond}, {1, time.Millisecond}} {
		if got := total.percentile(test.p); got < test.want || float64(got) > 1.3*float64(test.want) {
			t.Errorf("percentile %v is %v, want %v or a little more", test.p, got, test.want)
		}
	}
}

func TestCommandAndErrorStatistics(t *testing.T) {
	srv := newTestServer(t)
	a, b := connect(t, srv), connect(t, srv) // counted apart, shown together
	a.expect("SET s x", "+OK", "INCR s", "-ERR value is not an integer or out of range", "HGET s f", "-WRONGTYPE Operation against a key holding the wrong kind of value")
	b.expect("INCR s", "-ERR value is not an integer or out of range", "INCR", "-ERR wrong number of arguments for 'incr' command",
		"nope", "-ERR unknown command 'nope', with args beginning with: ", "CONFIG GET nope", "*0")
	stats := infoFields(a.do("INFO all"))
	for name, want := range map[string]string{
		"errorstat_ERR": "count=4", "errorstat_WRONGTYPE": "count=1", "total_error_replies": "5", "total_commands_processed": "5",
	} {
		if stats[name] != want {
			t.Errorf("%s:%s, want %s", name, stats[name], want)
		}
	}
	for name, want := range map[string][3]string{
		"cmdstat_incr": {"2", "1", "2"}, "cmdstat_set": {"1", "0", "0"}, "cmdstat_config|get": {"1", "0", "0"}, "cmdstat_hget": {"1", "0", "1"},
	} {
		f := subfields(stats[name])
		if got := [3]string{f["calls"], f["rejected_calls"], f["failed_calls"]}; got != want {
			t.Errorf("%s:%s, want calls, rejected and failed %v", name, stats[name], want)
		}
	}
	if got := subfields(stats["latency_percentiles_usec_incr"]); got["p50"] == "" || got["p99.9"] == "" {
		t.Errorf("latency_percentiles_usec_incr:%s", stats["latency_percentiles_usec_incr"])
	}
	srv.started = srv.started.Add(-time.Hour)
	counting := infoFields(a.do("INFO stats"))["redistill_counting_seconds"]
	if got, err := strconv.Atoi(counting); err != nil || got < 3600 {
		t.Errorf("after an hour it has counted for %d seconds", got)
	}
	a.expect("CONFIG RESETSTAT", "+OK")
	stats = infoFields(a.do("INFO all"))
	counting = stats["redistill_counting_seconds"]
	if got, err := strconv.Atoi(counting); err != nil || got >= 3600 {
		t.Errorf("after CONFIG RESETSTAT it has counted for %d seconds", got)
	}
	for _, name := range []string{"errorstat_ERR", "cmdstat_incr", "latency_percentiles_usec_incr"} {
		if stats[name] != "" {
			t.Errorf("after CONFIG RESETSTAT %s:%s", name, stats[name])
		}
	}
	if stats["total_error_replies"] != "0" || stats["total_commands_processed"] != "1" { // CONFIG RESETSTAT itself, as in Redis
		t.Errorf("after CONFIG RESETSTAT %s errors, %s commands", stats["total_error_replies"], stats["total_commands_processed"])
	}
}

// Steps and their times are those of redis-server: 1, 2, 4, 8, 16, 33, 66 us and so on, cumulative, without those that add nothing.
func TestLatencyHistogram(t *testing.T) {
	srv := newTestServer(t)
	c := connect(t, srv)
	get := srv.table.find("get")
	for _, nanos := range []int64{0, 900, 1023, 1025, 20_000, 20_000, 40_000, 3_000_000, 2_000_000_000} {
		srv.stripes[0].commands[get.index].add(nanos, false)
	}
	srv.stripes[1].commands[get.index].add(500_000_000, false)
	c.expect(
		"LATENCY HISTOGRAM get nope set", "*2 $3 get *4 $5 calls :10 $14 histogram_usec *14 "+
			":1 :3 :2 :4 :33 :6 :66 :7 :4227 :8 :541065 :9 :1082130 :10",
		"CONFIG SET latency-tracking no", "+OK",
		"LATENCY HISTOGRAM get", "*0",
		"CONFIG SET latency-tracking yes", "+OK",
		"CONFIG RESETSTAT", "+OK",
		"LATENCY HISTOGRAM get config|set", "*0",
	)
}

func TestSampler(t *testing.T) {
	var s sampler
	if got := s.rates(); got != (rates{}) {
		t.Errorf("without samples: %v", got)
	}
	s.add(totalsAt{nanos: 0, calls: 10})
	s.add(totalsAt{nanos: 5e8, calls: 20})
	if got, want := s.rates(), (rates{calls: 20}); got != want {
		t.Errorf("of two samples: rates %v, want %v", got, want)
	}
	s.reset()
	for i := range int64(100) {
		s.add(totalsAt{
			nanos: i * 1e8, calls: uint64(i * i), netIn: i * 1000, netOut: 7,
			cycles: cycleTotals{rounds: i * 50, timed: i * 5, nanos: i * 5 * 2000},
		})
	}
	// The 17 samples that are kept are 83 to 99, over 1.6 s.
	if got, want := s.rates(), (rates{(99*99 - 83*83) * 10 / 16, 10000, 0, 500, 2 * time.Microsecond}); got != want {
		t.Errorf("rates %v, want %v", got, want)
	}
	// None are taken while nobody does anything.
	s.add(totalsAt{nanos: 60e9, calls: 10_000})
	s.add(totalsAt{nanos: 605e8, calls: 10_020})
	if got, want := s.rates(), (rates{calls: 40}); got != want {
		t.Errorf("behind a pause: rates %v, want %v", got, want)
	}
	if s.raisePeak(5) != 5 || s.raisePeak(3) != 5 || s.raisePeak(6) != 6 {
		t.Error("the peak is not the maximum")
	}
}
