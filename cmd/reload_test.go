package cmd

import (
	"bytes"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/config"
)

// TestReload: SIGHUP takes over what a start would, and logs each change.
func TestReload(t *testing.T) {
	clearEnvironment(t)
	file := writeFile(t, "[server]\nport = 1\nmax_connections = 5\n[logging]\nlevel = \"info\"\n[security]\npassword = \"old-secret\"\n")
	cfg, err := loadWith(t, "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	changed := []config.Pair{
		{Name: "timeout", Value: "60"}, {Name: "maxmemory-policy", Value: "noeviction"},
	}
	if err := cfg.Set(changed...); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := newLogger(&out, cfg.Config)
	refuse := true
	cfg.OnChange("maxclients", func(*config.Values) error {
		if refuse {
			return fs.ErrPermission
		}
		return nil
	})
	text := "[server]\nport = 2\nmax_connections = 6\nconnection_timeout = 60\n[logging]\nlevel = \"debug\"\n[security]\npassword = \"new-secret\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	reload(cfg.Config, cfg.again, nil, log)
	v := cfg.Values()
	if v.Port != 1 || v.MaxConnections != 5 || v.ConnectionTimeout.Seconds() != 60 || v.EvictionPolicy != "allkeys-lru" || v.Password != "new-secret" {
		t.Errorf("%+v", v)
	}
	log.Debug("the new level is in effect")
	for _, want := range []string{
		`changes=5`, `level=WARN msg="a setting has changed in its source and needs a restart" setting=server.port old=1 new=2 source=` + file + ":2",
		`level=ERROR msg="a setting has changed in its source and is refused" setting=server.max_connections`,
		`msg="a setting has changed" setting=memory.eviction_policy old=noeviction new=allkeys-lru source=default`,
		`setting=security.password old=******** new=********`, "the new level is in effect",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "-secret") {
		t.Error("the log shows the password")
	}
	for _, e := range cfg.Effective() {
		if e.Setting.Key == "server.connection_timeout" && e.Source.Origin != config.FromFile {
			t.Errorf("the timeout is from %v", e.Source)
		}
	}

	refuse = false
	reload(cfg.Config, cfg.again, nil, log)
	if got := cfg.Values().MaxConnections; got != 6 {
		t.Errorf("max_connections is %d", got)
	}
	if err := os.WriteFile(file, []byte("[server\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	reload(cfg.Config, cfg.again, nil, log)
	if !strings.Contains(out.String(), "level=ERROR msg=\"the configuration cannot be used") || cfg.Values().MaxConnections != 6 {
		t.Errorf("the log is %s", out.String())
	}
}
