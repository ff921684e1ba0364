package status

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.health)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", s.metrics())
	if s.options.Profiles {
		// Not pprof.Cmdline, for a password may be among the arguments.
		mux.HandleFunc("GET /debug/pprof/", s.profile(pprof.Index))
		mux.HandleFunc("GET /debug/pprof/profile", s.profile(pprof.Profile))
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", s.profile(serveTrace))
		mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	}
	return mux
}

// localOnly refuses requests for other names than localhost and addresses. A page in a browser on this machine can have its own name lead
// to 127.0.0.1 (DNS rebinding), and would read the answers as if they came from its server.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r.Host) {
			answer(w, http.StatusForbidden, "on loopback, requests have to be for localhost or for an address")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLocal reports whether the Host of a request is localhost, an address or, as clients of HTTP 1.0 have it, empty.
func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "" || strings.EqualFold(host, "localhost")
}

// answer writes a line of text.
func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text + "\n")) // a client that is gone misses nothing
}

// code is the status of an answer that depends on the server's state.
func (s *Server) code() int {
	if s.State() != Ready {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	answer(w, s.code(), s.State().String())
}

// health is the answer of /health.
type health struct {
	Status              string  `json:"status"`
	UptimeSeconds       int64   `json:"uptime_seconds"`
	ActiveConnections   int64   `json:"active_connections"`
	TotalConnections    int64   `json:"total_connections"`
	RejectedConnections int64   `json:"rejected_connections"`
	MemoryUsed          int64   `json:"memory_used"` // bytes
	MaxMemory           int64   `json:"max_memory"`  // bytes; 0 is no limit
	EvictedKeys         uint64  `json:"evicted_keys"`
	TotalCommands       uint64  `json:"total_commands"`
	HitRate             float64 `json:"hit_rate"` // from 0 to 1; 0 before the first read
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	o := s.options.Observe()
	h := health{
		Status: s.State().String(), UptimeSeconds: int64(o.Uptime.Seconds()), ActiveConnections: o.ConnectedClients,
		TotalConnections: o.ConnectionsReceived, RejectedConnections: o.ConnectionsRejected, MemoryUsed: o.Used(), MaxMemory: o.MaxMemory,
		EvictedKeys: o.Evicted, TotalCommands: o.CommandsProcessed,
	}
	if reads := o.Hits + o.Misses; reads > 0 {
		h.HitRate = float64(o.Hits) / float64(reads)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(s.code())
	_ = json.NewEncoder(w).Encode(h) // a client that is gone misses nothing
}
