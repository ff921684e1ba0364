package command

import (
	"errors"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
)

var configCommand = Command{
	Name: "config", Arity: -2, Group: Admins, Since: "2.0.0",
	Summary: "A container for server configuration commands", Complexity: "Depends on subcommand.",
	Sub: []Command{
		{Name: "get", Arity: -3, Flags: Admin | NoScript | Loading | Stale, Group: Admins, Since: "2.0.0",
			Summary:    "Get the values of configuration parameters",
			Complexity: "O(N) when N is the number of configuration parameters provided", Syntax: "parameter [parameter ...]",
			Differs: "Knows the parameters whose features exist and some that clients ask for, and the names of Redistill's own settings, such as memory.max_memory",
			Run:     configGet},
		{Name: "help", Arity: 2, Flags: Loading | Stale, Group: Admins, Since: "5.0.0",
			Summary: "Show helpful text about the different subcommands", Complexity: "O(1)", Run: help("config",
				"GET <pattern>",
				"    Return parameters matching the glob-like <pattern> and their values.",
				"SET <directive> <value>",
				"    Set the configuration <directive> to <value>.",
				"RESETSTAT",
				"    Reset statistics reported by the INFO command.",
				"REWRITE",
				"    Rewrite the configuration file.")},
		{Name: "resetstat", Arity: 2, Flags: Admin | NoScript | Loading | Stale, Locks: LockWalk, Group: Admins, Since: "2.0.0",
			Summary: "Reset the stats returned by INFO", Complexity: "O(1)", Run: configResetStat},
		{Name: "rewrite", Arity: 2, Flags: Admin | NoScript | Loading | Stale | NoMulti, Group: Admins, Since: "2.8.0",
			Summary: "Rewrite the configuration file with the in memory configuration", Complexity: "O(1)",
			Differs: "Only the values that CONFIG SET changed are written; refused in a transaction, " +
				"which cannot wait for a disk", Run: configRewrite},
		{Name: "set", Arity: -4, Flags: Admin | NoScript | Loading | Stale, Group: Admins, Since: "2.0.0",
			Summary:    "Set configuration parameters to the given values",
			Complexity: "O(N) when N is the number of configuration parameters provided",
			Syntax:     "parameter value [parameter value ...]",
			Differs: "What needs a restart here, such as port and bind, is refused as immutable; " +
				"in a transaction no files of TLS are read; what is fixed takes only the value that it has; " +
				"maxmemory takes no less than the server starts with. save takes times only where " +
				"persistence.enabled is set, and the shortest counts; loglevel verbose is notice; " +
				"maxmemory-policy takes two policies more; the largest values of some numbers are smaller",
			Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"}, Run: configSet},
	},
}

// CONFIG GET parameter [parameter ...]
func configGet(c *Call) error {
	var patterns []string
	for _, a := range c.Args[2:] {
		patterns = append(patterns, string(a))
	}
	pairs := c.Srv.Config.Get(patterns...)
	c.Out.Map(len(pairs))
	for _, p := range pairs {
		c.Out.BulkString(p.Name)
		c.Out.BulkString(p.Value)
	}
	return nil
}

// CONFIG SET parameter value [parameter value ...]. Where files have to be read it runs again when
// that was done, and is an error in EXEC, which cannot wait.
func configSet(c *Call) error {
	if len(c.Args)%2 != 0 {
		return errSyntax
	}
	var pairs []config.Pair
	for i := 2; i < len(c.Args); i += 2 {
		pairs = append(pairs, config.Pair{Name: string(c.Args[i]), Value: string(c.Args[i+1])})
	}
	s, cfg, err := c.S, c.Srv.Config, config.ErrFiles
	if s.pending == nil {
		err = s.configure(cfg.ApplyAtOnce(pairs...))
	}
	if errors.Is(err, config.ErrFiles) && !s.multi.running {
		_, err = c.aside(func() (string, error) { return "", s.configure(cfg.Apply(pairs...)) })
	}
	if err != nil && err != errWait {
		return Error("ERR " + err.Error())
	}
	return c.ok(err)
}

// configure logs what CONFIG SET has changed. Any goroutine may call it.
func (s *Session) configure(changes []config.Change, err error) error {
	for _, ch := range changes {
		s.srv.Log.Info("a setting was changed", "setting", ch.Setting.Key, "old", clipText(ch.Old, textTold), "new", clipText(ch.New, textTold),
			"client", s.Addr, "user", s.user.Load().Name())
	}
	return err
}

// CONFIG RESETSTAT
func configResetStat(c *Call) error {
	c.Tx.ResetStats()
	for _, s := range c.Srv.stripes {
		s.reset()
	}
	c.Srv.total.reset()
	c.Srv.counting.Store(int64(time.Since(c.Srv.started)))
	c.Srv.cycles.reset()
	c.Srv.sampler.reset()
	c.Srv.saver.forget()
	c.Out.OK()
	return nil
}

// CONFIG REWRITE. It runs again when the file was written.
func configRewrite(c *Call) error {
	if c.Srv.Rewrite == nil {
		return Error("ERR The server is running without a config file")
	}
	srv := c.Srv
	_, err := c.aside(func() (string, error) { return "", srv.Rewrite() })
	if err == errWait {
		return err
	}
	if err != nil {
		c.Srv.Log.Error("the configuration file was not rewritten", "error", err)
		return Error("ERR Rewriting config file: " + err.Error())
	}
	c.Srv.Log.Info("configuration file rewritten", "client", c.S.Addr)
	c.Out.OK()
	return nil
}

// configureSlow takes over from what time on commands are kept in SLOWLOG, and events by the latency monitor.
func (srv *Server) configureSlow(v *config.Values) error {
	srv.slowlog.configure(v)
	srv.latency.SetThreshold(v.LatencyMonitorThreshold)
	from := srv.slowlog.threshold.Load()
	if t, on := srv.latency.Threshold(); on {
		from = min(from, int64(t))
		srv.Store.OnDelay(srv.delayed)
	} else {
		srv.Store.OnDelay(nil)
	}
	srv.slowFrom.Store(from)
	return nil
}

// CheckMaxMemory refuses a limit of memory, in bytes, in which no key would have room.
func CheckMaxMemory(limit int64) error {
	if limit > 0 && limit < engine.MinMemory {
		return errors.New("must be at least " + config.FormatSize(engine.MinMemory) + ", or 0 for no limit")
	}
	return nil
}

// applyConfig brings settings that concern commands into effect, now and whenever CONFIG SET changes them.
func (srv *Server) applyConfig() {
	for _, setting := range []struct {
		name  string
		apply func(v *config.Values) error
	}{
		{"maxmemory", func(v *config.Values) error {
			if err := CheckMaxMemory(v.MaxMemory); err != nil {
				return err
			}
			srv.Store.SetExternalBudget(v.MaxMemoryClients())
			srv.Store.SetMaxMemory(v.MaxMemory)
			return nil
		}},
		{"maxmemory-clients", func(v *config.Values) error {
			srv.Store.SetExternalBudget(v.MaxMemoryClients())
			return nil
		}},
		{"maxmemory-policy", func(v *config.Values) error {
			if policy, ok := engine.ParsePolicy(v.EvictionPolicy); ok {
				srv.Store.SetPolicy(policy)
			}
			return nil
		}},
		{"memory.eviction_weight", func(v *config.Values) error {
			if weight, ok := engine.ParseWeight(v.EvictionWeight); ok {
				srv.Store.SetWeight(weight)
			}
			return nil
		}},
		{"requirepass", func(v *config.Values) error {
			srv.users.SetPassword(v.Password)
			return nil
		}},
		{"persistence.snapshot_interval", func(v *config.Values) error {
			srv.saver.mu.Lock()
			defer srv.saver.mu.Unlock()
			srv.saver.arm(v)
			return nil
		}},
		{"slowlog-log-slower-than", srv.configureSlow},
		{"slowlog-max-len", srv.configureSlow},
		{"latency-monitor-threshold", srv.configureSlow},
		{"oom-score-adj", srv.configureOOMScore},
		{"oom-score-adj-values", srv.configureOOMScore},
	} {
		srv.Config.OnChange(setting.name, setting.apply)
	}
	// The first values come from a file and from flags, and were checked there: no hook refuses them.
	_ = srv.configureSlow(srv.Config.Values())
	srv.Store.SetExternalBudget(srv.Config.Values().MaxMemoryClients())
	srv.users.SetPassword(srv.Config.Values().Password)
	// As in Redis, a server that may not change its score starts all the same. The log says so.
	_ = srv.configureOOMScore(srv.Config.Values())
}
