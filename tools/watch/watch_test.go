package watch

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/stats"
)

var rewrite = flag.Bool("rewrite", false, "write the screens that Model draws into testdata")

// start is when the samples of the tests begin.
var start = time.Unix(1000, 0)

// sample is what a server answers at a time after start. Every counter grows by
// the same in a second.
func sample(t *testing.T, seconds int, extra ...string) *stats.Sample {
	t.Helper()
	n := seconds + 100
	info := []string{
		"redis_version:7.0.15", "redistill_version:1.2.3", "run_id:a", "maxmemory_policy:allkeys-lru",
		fmt.Sprint("uptime_in_seconds:", n), fmt.Sprint("keyspace_hits:", n*9000), fmt.Sprint("keyspace_misses:", n*1000),
		fmt.Sprint("total_commands_processed:", n*12000), fmt.Sprint("total_error_replies:", n), fmt.Sprint("expired_keys:", n*3),
		fmt.Sprint("evicted_keys:", 0), fmt.Sprint("total_net_input_bytes:", n<<20), fmt.Sprint("total_net_output_bytes:", n<<22),
		fmt.Sprint("used_cpu_user:", n), fmt.Sprint("used_cpu_sys:", n/2), "connected_clients:50", "maxclients:10000", "rejected_connections:2",
		fmt.Sprint("used_memory:", n<<20), "maxmemory:268435456", "used_memory_peak:134217728", "used_memory_rss:136314880",
		fmt.Sprint("used_memory_dataset:", n<<19), fmt.Sprint("used_memory_overhead:", n<<19), "redistill_index_bytes:1048576", "redistill_dead_bytes:2097152",
		"db0:keys=120000,expires=119000,avg_ttl=3600000", "db1:keys=5,expires=0,avg_ttl=0",
		fmt.Sprintf("cmdstat_get:calls=%d,usec=%d,usec_per_call=1.00,rejected_calls=0,failed_calls=0", n*10000, n*10000),
		fmt.Sprintf("cmdstat_hgetall:calls=%d,usec=%d,usec_per_call=40.00,rejected_calls=1,failed_calls=2", n*10, n*400),
		fmt.Sprintf("latency_percentiles_usec_get:p50=%d,p99=5.023,p99.9=9.5", 1),
	}
	histograms := fmt.Sprintf("*4\r\n+get\r\n*4\r\n+calls\r\n:%d\r\n+histogram_usec\r\n*4\r\n:1\r\n:%d\r\n:4\r\n:%d\r\n"+
		"+hgetall\r\n*4\r\n+calls\r\n:%d\r\n+histogram_usec\r\n*2\r\n:66\r\n:%d\r\n", n*10000, n*9000, n*10000, n*10, n*10)
	s := ask(t, strings.Join(append(info, extra...), "\r\n"), histograms)
	s.Time = start.Add(time.Duration(seconds) * time.Second)
	return s
}

// ask takes a sample of a server that answers INFO and LATENCY HISTOGRAM so.
func ask(t *testing.T, info, histograms string) *stats.Sample {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		in := bufio.NewReader(c)
		for _, question := range []struct {
			lines int
			reply string
		}{{3, "+PONG\r\n"}, {5, fmt.Sprintf("$%d\r\n%s\r\n", len(info), info)}, {5, histograms}} {
			for range question.lines {
				if _, err := in.ReadString('\n'); err != nil {
					return
				}
			}
			if _, err := c.Write([]byte(question.reply)); err != nil {
				return
			}
		}
	}()
	target, err := client.ParseTarget(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := stats.Connect(t.Context(), target, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s, err := stats.Take(conn)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// busy is a model after some seconds.
func busy(t *testing.T) *Model {
	m := New(Options{Target: "redis://127.0.0.1:6379", Interval: time.Second})
	for second := range 20 {
		m.Update(sampleMsg{sample(t, second)})
	}
	return m
}

// screen is the view without colours, at a size.
func screen(t *testing.T, m *Model, width, height int) string {
	t.Helper()
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	v := m.View()
	if !v.AltScreen {
		t.Error("the screen is not a full one")
	}
	text := ansi.Strip(v.Content)
	lines := strings.Split(text, "\n")
	if len(lines) > height {
		t.Errorf("%d x %d: %d lines", width, height, len(lines))
	}
	for _, line := range lines {
		if utf8.RuneCountInString(line) > width {
			t.Errorf("%d x %d: a line of %d columns: %q", width, height, utf8.RuneCountInString(line), line)
		}
	}
	return text
}

func TestScreens(t *testing.T) {
	m := busy(t)
	for _, size := range [][2]int{{120, 36}, {80, 40}, {80, 24}, {40, 14}, {20, 10}} {
		name := fmt.Sprintf("%dx%d.txt", size[0], size[1])
		path := filepath.Join("testdata", name)
		got := screen(t, m, size[0], size[1]) + "\n"
		if *rewrite {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestEverySize draws at every size, with whatever may be known of the server.
func TestEverySize(t *testing.T) {
	fresh := New(Options{Target: "redis://h"})
	never := New(Options{Target: "redis://h"})
	never.Update(failureMsg{errors.New("no"), start})
	first := New(Options{Target: "redis://h"})
	first.Update(sampleMsg{ask(t, "redis_version:1", "-ERR unknown command\r\n")})
	away := busy(t)
	away.Update(failureMsg{errors.New("connect: connection refused"), start})
	for _, m := range []*Model{fresh, never, first, busy(t), away} {
		for width := range 130 {
			for _, height := range []int{0, 1, 2, 3, 9, 10, 11, 12, 13, 17, 20, 24, 30, 50} {
				screen(t, m, max(width, 1), max(height, 1))
			}
		}
		screen(t, m, 0, 1) // of no lines, which is one empty one
	}
}

// TestWideCharacters: names in the server's answers are measured in columns.
func TestWideCharacters(t *testing.T) {
	m := New(Options{Target: "redis://h"})
	m.Update(sampleMsg{sample(t, 0, "cmdstat_漢字漢字漢字:calls=9999999,usec=1,usec_per_call=99.00")})
	m.Update(tea.WindowSizeMsg{Width: 30, Height: 60})
	for _, line := range strings.Split(m.View().Content, "\n") {
		if ansi.StringWidth(line) > 30 {
			t.Errorf("a line of %d columns: %q", ansi.StringWidth(line), line)
		}
	}
	if text := screen(t, m, 60, 60); !strings.Contains(text, "漢字漢字漢字") {
		t.Errorf("got\n%s", text)
	}
}

func TestServerGoesAwayAndComesBack(t *testing.T) {
	m := busy(t)
	m.Update(failureMsg{errors.New("connect: connection refused"), start.Add(20 * time.Second)})
	_, next := m.Update(failureMsg{errors.New("connect: connection refused"), start.Add(24 * time.Second)})
	if next == nil {
		t.Error("nothing more is asked")
	}
	text := screen(t, m, 80, 24)
	if !strings.Contains(text, "no answer for 4s: connect: connection refused") || !strings.Contains(text, "used of limit") && !strings.Contains(text, "119MB") {
		t.Errorf("while it is away:\n%s", text)
	}
	// It is another process now. Its counters began anew, so nothing is known of
	// the interval; then all is as before.
	m.Update(sampleMsg{sample(t, -90, "run_id:b")})
	if text := screen(t, m, 80, 24); strings.Contains(text, "no answer") || !strings.Contains(text, "ops/s             -") || !strings.Contains(text, "up 10s") {
		t.Errorf("when it is back:\n%s", text)
	}
	m.Update(sampleMsg{sample(t, -89, "run_id:b")})
	if text := screen(t, m, 80, 24); !strings.Contains(text, "ops/s         12000") {
		t.Errorf("after a second:\n%s", text)
	}
	h := m.history["operations_per_second"]
	if gap := h[len(h)-4 : len(h)-1]; !math.IsNaN(gap[0]) || !math.IsNaN(gap[1]) || !math.IsNaN(gap[2]) || h[len(h)-1] != 12000 {
		t.Errorf("the curve ends with %v", h[len(h)-4:])
	}
}

// TestRestartBetweenSamples: a server that was away only between two questions.
func TestRestartBetweenSamples(t *testing.T) {
	m := busy(t)
	m.Update(sampleMsg{sample(t, 21, "run_id:b")})
	if m.report.Interval != 0 || m.report.Last != m.sample {
		t.Errorf("two processes were compared: %+v", m.report)
	}
}

func TestKeys(t *testing.T) {
	for _, key := range []tea.KeyPressMsg{{Code: 'q', Text: "q"}, {Code: tea.KeyEscape}, {Code: 'c', Mod: tea.ModCtrl}} {
		_, cmd := busy(t).Update(key)
		if cmd == nil {
			t.Errorf("%s does nothing", key)
		} else if _, ok := cmd().(tea.QuitMsg); !ok {
			t.Errorf("%s does not quit", key)
		}
	}
}

// TestAsking: each question follows the answer to the one before.
func TestAsking(t *testing.T) {
	asked := 0
	m := New(Options{Interval: time.Nanosecond, Take: func() (*stats.Sample, error) {
		if asked++; asked == 2 {
			return nil, errors.New("away")
		}
		return sample(t, asked), nil
	}})
	cmd := m.Init()
	for range 3 {
		_, tick := m.Update(cmd())
		if tick == nil {
			t.Fatal("no tick")
		}
		if _, cmd = m.Update(tick()); cmd == nil {
			t.Fatal("no question")
		}
	}
	if asked != 3 || m.failed != nil {
		t.Errorf("asked %d times, failed %v", asked, m.failed)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	m := New(Options{})
	for i := range historyLength + 5 {
		m.remember("x", stats.Value{Value: float64(i), Known: true})
	}
	if h := m.history["x"]; len(h) != historyLength || h[0] != 5 || h[historyLength-1] != historyLength+4 {
		t.Errorf("%d values from %v to %v", len(h), h[0], h[len(h)-1])
	}
}

func TestSparkline(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		values []float64
		width  int
		top    float64
		want   string
	}{
		{nil, 3, 0, "   "},
		{[]float64{1, 2, 4, 8}, 6, 0, "  ▂▃▅█"},
		{[]float64{9, 0, 8}, 2, 0, "▁█"},
		{[]float64{0, 0}, 2, 0, "▁▁"},
		{[]float64{nan, nan}, 2, 0, "  "},
		{[]float64{.5, nan, 1}, 3, 1, "▅ █"},
		{[]float64{-3, 3}, 2, 1, "▁█"},
	} {
		if got := sparkline(test.values, test.width, test.top); got != test.want {
			t.Errorf("%v: got %q, want %q", test.values, got, test.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", .04: "0", .25: "0.2", 9.9: "9.9", 10.4: "10", 99999: "99999", 99999.9: "100k", 123456: "123k", 999499: "999k", 1234567: "1.23M", 56e9: "56G",
	} {
		if got := number(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}
