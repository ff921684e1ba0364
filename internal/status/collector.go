package status

import (
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/redistill/redistill/engine"
)

// maxScrapes is how many requests of metrics are answered at once.
const maxScrapes = 4

// metrics returns the handler of /metrics.
func (s *Server) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		&collector{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: maxScrapes, ErrorLog: slog.NewLogLogger(s.options.Log.Handler(), slog.LevelError),
	})
}

// collector reads the server's own counters at each scrape, so that commands count nothing a second time.
type collector struct{ server *Server }

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range plain {
		ch <- m.desc
	}
	for _, d := range []*prometheus.Desc{
		buildInfo, ready, closed, keys, expiring, evicted, memory, calls, failed, rejected, errorsBy, expiryLag,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	o := c.server.options.Observe()
	for _, m := range plain {
		if v := m.value(o); !math.IsNaN(v) {
			ch <- prometheus.MustNewConstMetric(m.desc, m.kind, v)
		}
	}
	s := sink{ch}
	s.gauge(buildInfo, 1, o.Version, o.RedisVersion, o.IO)
	up := 0.0
	if c.server.State() == Ready {
		up = 1
	}
	s.gauge(ready, up)
	s.counter(closed, float64(o.QueryLimitClosed), "query_buffer_limit")
	s.counter(closed, float64(o.OutputLimitClosed), "output_buffer_limit")
	s.counter(closed, float64(o.EvictedClients), "clients_memory")
	s.counter(closed, float64(o.TLSFailures), "tls_handshake")
	s.memory(o)
	s.keyspace(o)
	s.commands(o)
}

// sink takes metrics with labels.
type sink struct{ ch chan<- prometheus.Metric }

func (s sink) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (s sink) counter(d *prometheus.Desc, v float64, labels ...string) {
	s.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func (s sink) memory(o observed) {
	for _, part := range []struct {
		name  string
		bytes int64
	}{
		{"data", o.DataBytes}, {"index", o.IndexBytes}, {"dead", o.DeadBytes}, {"clients", o.ClientBytes},
		{"arriving", o.ArrivingBytes}, {"go", o.GoBytes}, {"program", o.ProgramBytes},
	} {
		s.gauge(memory, float64(part.bytes), part.name)
	}
}

func (s sink) keyspace(o observed) {
	for i, n := range o.Store.Keys {
		if n > 0 || i == 0 {
			db := strconv.Itoa(i)
			s.gauge(keys, float64(n), db)
			s.gauge(expiring, float64(o.Store.Expires[i]), db)
		}
	}
	for i, n := range o.Store.EvictedBy {
		if policy := engine.Policy(i); n > 0 || policy.String() == o.MaxMemoryPolicy {
			s.counter(evicted, float64(n), policy.String())
		}
	}
	s.ch <- prometheus.MustNewConstSummary(expiryLag, o.Store.Reaped, float64(o.Store.ReapLag)/1000, nil)
}

func (s sink) commands(o observed) {
	bounds := latencyBounds()
	for i := range o.Commands {
		c := &o.Commands[i]
		s.counter(failed, float64(c.Failed), c.Name)
		s.counter(rejected, float64(c.Rejected), c.Name)
		upTo := make(map[float64]uint64, len(bounds))
		for j, n := range o.Latencies[i] {
			upTo[bounds[j]] = min(n, c.Calls) // a call that came between the two readings
		}
		s.ch <- prometheus.MustNewConstHistogram(calls, c.Calls, c.Time.Seconds(), upTo, c.Name)
	}
	for _, e := range o.Errors {
		s.counter(errorsBy, float64(e.Count), e.Code)
	}
}
