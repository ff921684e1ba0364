// Package monitoring_test runs a real Prometheus beside a real server under load, and puts every query of the shipped dashboard and every
// alert rule to it.
package monitoring_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/internal/certs/certstest"
	"github.com/redistill/redistill/test/servertest"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

const (
	rulesFile = "../../deploy/prometheus/redistill.rules.yml"
	rulesTest = "../../deploy/prometheus/redistill.test.yml"
	dashboard = "../../deploy/grafana/redistill.json"
	operation = "../../docs/operations.md"
)

// TestRules lets promtool check the alert rules, and run their own tests.
func TestRules(t *testing.T) {
	promtool := servertest.Tool(t, "promtool")
	for _, args := range [][]string{{"check", "rules", rulesFile}, {"test", "rules", rulesTest}} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// TestAlertsAreDocumented: what to do about each alert is written down, about no other, and the rules' own tests have each fire.
func TestAlertsAreDocumented(t *testing.T) {
	find := func(file, pattern string) (names []string) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	alerts := find(rulesFile, `- alert: (\w+)`)
	if got := find(operation, `\b(Redistill[A-Z]\w+)`); !slices.Equal(got, alerts) {
		t.Errorf("%s tells of %q, the alerts are %q", operation, got, alerts)
	}
	if got := find(rulesTest, `alertname="(\w+)"`); !slices.Equal(got, alerts) {
		t.Errorf("%s has %q, the alerts are %q", rulesTest, got, alerts)
	}
}

// TestPrometheus: every query of the dashboard finds numbers, and every rule can be evaluated.
func TestPrometheus(t *testing.T) {
	program := servertest.Tool(t, "prometheus")
	server, metrics, trust := startServer(t)
	p := startPrometheus(t, program, metrics)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		load(ctx, server.Addr, trust)
	}()
	defer func() { stop(); <-done }()

	for _, q := range queries(t) {
		p.Eventually("numbers for "+q, func() bool { return p.hasNumbers(t, q) })
	}
	p.Eventually("all rules are evaluated", func() bool { return p.rulesEvaluated(t) })
}

// startServer starts a server with TLS and HTTP, and returns it with the address of its metrics and what its clients have to trust.
func startServer(t *testing.T) (s *servertest.Server, metrics endpoint, trust *tls.Config) {
	t.Helper()
	ca := certstest.NewAuthority(t)
	cert, key := ca.Issue("server", time.Hour).Write(t, t.TempDir(), "tls")
	s = servertest.Start(t, servertest.Program(t), "serve", "--port", servertest.Port, "--tls", "--tls-cert-path", cert, "--tls-key-path", key,
		"--http", "127.0.0.1:0", "--max-memory", "64mb")
	return s, httpOf(s), &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
}

// endpoint is the address of a server's HTTP listener.
type endpoint string

var listens = regexp.MustCompile(`serving health and metrics over HTTP" address=(\S+)`)

// httpOf waits until the log tells where a server's HTTP listener is.
func httpOf(s *servertest.Server) (e endpoint) {
	s.Eventually("the log says where metrics are", func() bool {
		if line := listens.FindStringSubmatch(s.Log()); line != nil {
			e = endpoint(line[1])
		}
		return e != ""
	})
	return e
}

// load does a little of everything that is counted, until ctx ends.
func load(ctx context.Context, addr string, trust *tls.Config) {
	client := redis.NewClient(&redis.Options{Addr: addr, TLSConfig: trust})
	defer client.Close()
	for i := 0; ctx.Err() == nil; i++ {
		key := "k" + strconv.Itoa(i%100)
		client.Set(ctx, key, "value", time.Millisecond) // expires
		client.Set(ctx, "kept", "value", 0)
		client.Get(ctx, "kept")
		client.Get(ctx, "none")
		client.Incr(ctx, "kept") // an error
		client.Do(ctx, "GET")    // refused
		client.HSet(ctx, "h", key, i)
	}
}

// prometheus is a running Prometheus.
type prometheus struct{ *servertest.Server }

// startPrometheus starts a Prometheus that reads metrics and the rules.
func startPrometheus(t *testing.T, program string, metrics endpoint) prometheus {
	t.Helper()
	rules, err := filepath.Abs(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 250ms}
rule_files: [%q]
scrape_configs:
  - job_name: redistill
    static_configs: [{targets: [%q]}]
`, rules, metrics)
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return prometheus{servertest.Start(t, program, "--config.file="+file, "--web.listen-address=127.0.0.1:"+servertest.Port,
		"--storage.tsdb.path="+servertest.Dir+"/data")}
}

// ask gets a path of Prometheus's API and decodes what is in data.
func (p prometheus) ask(t *testing.T, path string, data any) (ok bool) {
	t.Helper()
	answer, err := http.Get("http://" + p.Addr + "/api/v1/" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return false // it is starting
	}
	if body.Status != "success" {
		t.Fatalf("%s: %s", path, body.Error)
	}
	if err := json.Unmarshal(body.Data, data); err != nil {
		t.Fatal(err)
	}
	return true
}

// hasNumbers reports whether a query has a result with a number in it.
func (p prometheus) hasNumbers(t *testing.T, query string) bool {
	t.Helper()
	var data struct {
		Result []struct{ Value [2]any }
	}
	if !p.ask(t, "query?query="+url.QueryEscape(query), &data) {
		return false
	}
	for _, r := range data.Result {
		if v, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
			return true
		}
	}
	return false
}

// rulesEvaluated reports whether every rule was, without an error.
func (p prometheus) rulesEvaluated(t *testing.T) bool {
	t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	p.ask(t, "rules", &data)
	n := 0
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			if r.LastError != "" {
				t.Fatalf("%s: %s", r.Name, r.LastError)
			}
			if r.Health != "ok" {
				return false
			}
			n++
		}
	}
	return n > 0
}

// queries returns the queries of the dashboard's panels, with its variables filled in as Grafana would.
func queries(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*")
	for _, panel := range board.Panels {
		if len(panel.Targets) == 0 && panel.Type != "row" {
			t.Errorf("the panel %q has no query", panel.Title)
		}
		for _, target := range panel.Targets {
			list = append(list, fill.Replace(target.Expr))
		}
	}
	if len(list) < 20 {
		t.Fatalf("found only %d queries", len(list))
	}
	return list
}
