package command

import (
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/acl"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/info"
)

var infoCommand = Command{
	Name: "info", Arity: -1, Flags: Loading | Stale, Locks: LockWalk, Categories: CatDangerous, Group: Admins, Since: "1.0.0",
	Summary: "Get information and statistics about the server", Complexity: "O(1)", Syntax: "[section [section ...]]",
	Tips: []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"}, Run: showInfo,
	Differs: "Fields without a meaning here are absent; Redistill's own begin with redistill_; " +
		"eventloop_* add up all event loops, of whose cycles every sixteenth is timed",
}

// INFO [section ...]
func showInfo(c *Call) error {
	want := info.Select(c.Args[1:])
	c.Out.Verbatim("txt", info.Append(nil, c.Srv.state(c.Tx, want), want))
	return nil
}

// state gathers what the wanted sections show, and nothing that is only for others.
func (srv *Server) state(tx *engine.Tx, want info.Sections) *info.State {
	s := &info.State{}
	var store engine.Stats
	if want.Has(info.Memory) || want.Has(info.Stats) || want.Has(info.Keyspace) {
		store = tx.Stats()
	}
	for _, part := range []struct {
		section info.Section
		fill    func()
	}{
		{info.Server, func() { srv.fillServer(s) }},
		{info.Clients, func() { srv.fillClients(s) }},
		{info.Memory, func() { srv.fillMemory(s, &store) }},
		{info.Persistence, func() { srv.fillPersistence(s) }},
		{info.Stats, func() { srv.fillStats(s, &store) }},
		{info.CPU, func() { s.UserCPU, s.SystemCPU = cpuTime() }},
		{info.ErrorStats, func() { srv.fillErrors(s) }},
		{info.Keyspace, func() { fillKeyspace(s, &store) }},
	} {
		if want.Has(part.section) {
			part.fill()
		}
	}
	if want.Has(info.CommandStats) || want.Has(info.LatencyStats) {
		srv.fillCommands(s)
	}
	return s
}

func (srv *Server) fillServer(s *info.State) {
	s.RedisVersion, s.Version, s.IO, s.GoVersion = redisVersion, srv.Version, srv.IO, runtime.Version()
	s.IOFallback = srv.IOFallback
	s.OS = operatingSystem()
	s.PID = os.Getpid()
	s.RunID = srv.runID
	srv.fillPorts(s)
	s.Now = time.Now()
	s.Uptime = time.Since(srv.started)
	s.Hz = samplesPerSecond
	s.Executable, _ = os.Executable()
	s.ConfigFile = srv.configFile
}

func (srv *Server) fillPorts(s *info.State) {
	v := srv.Config.Values()
	s.Port, s.TLSPort = v.Ports()
	s.Bind, s.UnixSocket = v.Bind, v.UnixSocket
	if srv.Certificate != nil {
		s.CertNotAfter, s.CertFailures = srv.Certificate()
	}
}

// configFile returns the file that settings were read from, or "".
func configFile(c *config.Config) string {
	for _, e := range c.Effective() {
		if e.Source.Origin == config.FromFile {
			return e.Source.Name
		}
	}
	return ""
}

func (srv *Server) fillClients(s *info.State) {
	s.ConnectedClients = int64(srv.Connected())
	s.BlockedClients = srv.blocked.Load()
	s.MaxClients = int64(srv.Config.Values().MaxConnections)
	s.LargestInput, s.LargestOutput = srv.clients.largestBuffers()
}

func (srv *Server) fillMemory(s *info.State, store *engine.Stats) {
	fillUsed(s, store)
	s.Doomed = store.Doomed
	s.StartupBytes = srv.startupBytes
	s.PeakBytes = srv.sampler.raisePeak(s.Used())
	s.Held, s.ClientBytes = srv.clients.memory()
	s.ClientBytes = min(s.ClientBytes, s.GoBytes)
	s.GoBytes -= s.ClientBytes
	s.ClientBudget, _ = srv.budgets()
	if largest := srv.Store.Largest(); largest < math.MaxInt64 {
		s.LargestValue = largest
	}
	s.SystemBytes = srv.Config.Values().Memory.Bytes
	s.MaxMemory = srv.Store.MaxMemory()
	s.MaxMemoryPolicy = srv.Store.Policy().String()
}

// fillUsed fills in what counts as used memory, the clients' share still among Go's. What Go has is what is resident beside the rest, for
// the runtime counts pages that it has never touched; where the system does not tell it is the runtime's figure.
func fillUsed(s *info.State, store *engine.Stats) {
	s.DataBytes, s.IndexBytes, s.DeadBytes = store.DataBytes, store.OverheadBytes, store.DeadBytes
	s.ArrivingBytes, s.FreeBytes = store.ArrivingBytes, store.FreeBytes
	s.GoHeapBytes, s.GoBytes = goMemory()
	total, files := engine.ResidentSet()
	if total == 0 {
		s.RSSBytes = peakResident()
		return
	}
	s.RSSBytes, s.ProgramBytes = total, files
	s.GoBytes = max(total-files-store.DataBytes-store.OverheadBytes-store.DeadBytes-store.FreeBytes-store.ArrivingBytes, 0)
}

// usedMemory returns the bytes in use. No lock may be held.
func (srv *Server) usedMemory() int64 {
	var s info.State
	store := srv.Store.Stats()
	fillUsed(&s, &store)
	return s.Used()
}

func (srv *Server) fillStats(s *info.State, store *engine.Stats) {
	s.ConnectionsReceived, s.ConnectionsRejected = srv.total.connections.Load(), srv.total.rejected.Load()
	s.TLSFailures = srv.total.tlsFailures.Load()
	s.Counting = time.Since(srv.started) - time.Duration(srv.counting.Load())
	s.EvictedClients = srv.total.evicted.Load()
	s.QueryLimitClosed, s.OutputLimitClosed = srv.total.queryLimit.Load(), srv.total.outputLimit.Load()
	s.NetInputBytes, s.NetOutputBytes = srv.total.network()
	s.CommandsProcessed = callTotals(srv.stripes)
	denied := &srv.total.denied
	s.DeniedLogins, s.DeniedCommands, s.DeniedKeys = denied[acl.DeniedAuth].Load(), denied[acl.DeniedCommand].Load(), denied[acl.DeniedKey].Load()
	s.DeniedCerts = denied[acl.DeniedCert].Load()
	r := srv.sampler.rates()
	s.OpsPerSec, s.InputBytesPerSec, s.OutputBytesPerSec = r.calls, r.netIn, r.netOut
	cycles := srv.cycles.totals()
	s.Cycles, s.CyclesTime = cycles.rounds, cycles.sum()
	s.CommandsTime = time.Duration(callTime(srv.stripes))
	s.CyclesPerSec, s.CycleTime = r.cycles, r.cycle
	s.Expired, s.Evicted, s.Hits, s.Misses = store.Expired, store.Evicted, store.Hits, store.Misses
	for _, e := range errorTotals(srv.stripes) {
		s.ErrorReplies += e.count
	}
}

func (srv *Server) fillErrors(s *info.State) {
	for _, e := range errorTotals(srv.stripes) {
		s.Errors = append(s.Errors, info.Error{Code: e.code, Count: e.count})
	}
}

func (srv *Server) fillCommands(s *info.State) {
	v := srv.Config.Values()
	for _, row := range srv.table.list {
		t := commandTotals(srv.stripes, row)
		if t.calls == 0 && t.rejected == 0 {
			continue
		}
		c := info.Command{Name: row.fullName, Calls: t.calls, Time: time.Duration(t.nanos), Rejected: t.rejected, Failed: t.failed}
		if v.LatencyTracking && t.calls > 0 {
			c.Percentiles = make([]info.Percentile, 0, len(v.LatencyPercentiles))
			for _, p := range v.LatencyPercentiles {
				shown := info.Percentile{P: config.FormatPercentile(p), Time: t.percentile(p / 100)}
				c.Percentiles = append(c.Percentiles, shown)
			}
		}
		s.Commands = append(s.Commands, c)
	}
}

func fillKeyspace(s *info.State, store *engine.Stats) {
	for i, n := range store.Keys {
		if n > 0 {
			ttl := time.Duration(store.AvgTTL[i]) * time.Millisecond
			s.Databases = append(s.Databases, info.Database{Index: i, Keys: n, Expires: store.Expires[i], AvgTTL: ttl, IndexBytes: store.IndexBytes[i]})
		}
	}
}

// goMemory returns the bytes of objects in Go's heap, and of all memory that the Go runtime took and did not give back.
func goMemory() (heap, total int64) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64()), int64(samples[1].Value.Uint64() - samples[2].Value.Uint64())
}
