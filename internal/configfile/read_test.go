package configfile

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/config"
)

const serverKeys = "keys of [server] are bind, port, unix_socket, unix_socket_mode, tcp_backlog, max_connections, connection_timeout, connection_rate_limit, tcp_keepalive, tcp_nodelay, io, threads, shutdown_grace_period_secs, shutdown_on_sigterm, shutdown_on_sigint, tls_port, proto_max_bulk_len, client_query_buffer_limit, client_output_buffer_limit"

var testMemory = config.Memory{Bytes: 10 << 30, From: "test"}

// load reads a file, and checks what it holds.
func load(file string) (*config.Config, error) {
	assignments, err := Read(file)
	if err != nil {
		return nil, err
	}
	return config.Load(testMemory, assignments)
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "redistill.toml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestFileErrors(t *testing.T) {
	tests := []struct {
		name, text, want string // want follows the file's name
	}{
		{"unknown key", "[server]\nport = 1\n\nprot = 2\n", ":4: unknown key server.prot; " + serverKeys},
		{"feature to come", "[server]\ncluster = true\n", ":2: unknown key server.cluster; " + serverKeys},
		{"unknown section", "# x\n[replication]\nenabled = true\n", ":2: unknown section [replication]; sections are " + strings.Join(sections(), ", ")},
		{"empty unknown section", "[sever]\n", ":1: unknown section [sever]; sections are " + strings.Join(sections(), ", ")},
		{"section below a section", "[server.port]\n", ":1: unknown section [server.port]; sections are " + strings.Join(sections(), ", ")},
		{"list of tables", "[[server]]\nport = 1\n", ":1: unknown section [[server]]; sections are " + strings.Join(sections(), ", ")},
		{"key without section", "port = 1\n", ":1: unknown key port; sections are " + strings.Join(sections(), ", ")},
		{"section as key", "server = 1\n", ":1: unknown key server; server is a section with bind"},
		{"quoted dots", "\"server.port\" = 1\n", `:1: unknown key "server.port"; sections are`},
		{"inline table", "server = { port = 1,\tprot = 2 }\n", ":1: unknown key server.prot; keys"},
		{"impossible value", "[server]\n# comment\nport = 70000\n", `:3: server.port = "70000": must be a port from 1 to 65535, 0 for none, or auto for a free one`},
		{"fraction", "[server]\nport = 1.5\n", ":2: server.port: must be a port from 1 to 65535, 0 for none, or auto for a free one"},
		{"date", "[server]\nport = 1979-05-27\n", ":2: server.port: must be a port from 1 to 65535, 0 for none, or auto for a free one"},
		{"array for a number", "[server]\nport = [1]\n", ":2: server.port: must be a port from 1 to 65535, 0 for none, or auto for a free one"},
		{"number for a bool", "[server]\ntcp_nodelay = 1\n", `:2: server.tcp_nodelay = "1": must be true or false`},
		{"bool for a word", "[logging]\nlevel = true\n", ":2: logging.level: must be one of debug, info, warn, error"},
		{"numbers in a list", "[server]\nbind = [1, 2]\n", ":2: server.bind: must be addresses"},
		{"number for a password", "[security]\npassword = 1234\n", ":2: security.password: must be text in quotes"},
		{"unknown policy", "memory.eviction_policy = \"lru\"\n", `:1: memory.eviction_policy = "lru": must be one of volatile-lru, `},
		{"twice", "[server]\nport = 1\nport = 2\n", ":3: toml: key port is already defined"},
		{"section twice", "[server]\n[memory]\n[server]\n", ":3: toml: table server already exists"},
		{"twice in different case", "[server]\nport = 1\nPort = 2\n", ":3: server.port is already set on line 2"},
		{"no TOML", "[server]\nport = \n", ":2: "},
		{"not closed", "[server]\nbind = \"127.0.0.1\n", ":2: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := writeFile(t, test.text)
			_, err := load(file)
			if err == nil || !strings.HasPrefix(err.Error(), file+test.want) {
				t.Errorf("got  %v\nwant %s%s", err, file, test.want)
			}
		})
	}
}

func TestFileForms(t *testing.T) {
	tests := map[string]map[string]string{
		"": {"server.port": "6379"},
		"[server]\nbind = [\"127.0.0.1\", \"::1\"]\nport = 0x10\ntcp_nodelay = false\n": {
			"server.bind": "127.0.0.1 ::1", "server.port": "16", "server.tcp_nodelay": "false"},
		"server = { port = 1, connection_timeout = \"5m\" }": {"server.port": "1", "server.connection_timeout": "300"},
		"server.port = 2\r\nmemory.max_memory = 1_000\r\n":   {"server.port": "2", "memory.max_memory": "1000"},
		"[Server]\nPORT = \"3\"":                             {"server.port": "3"},
		"server.port = 4\nServer.max_connections = 5\n":      {"server.port": "4", "server.max_connections": "5"},
		"[SERVER]\nport = 4\n[Server]\nmax_connections = 5":  {"server.port": "4", "server.max_connections": "5"},
		"[security]\npassword = '''\na\\b'''":                {"security.password": `a\b`},
		"[memory]\nmax_memory = \"2GB\" # data\n":            {"memory.max_memory": "2GB", "maxmemory": "2147483648"},
	}
	for text, want := range tests {
		cfg, err := load(writeFile(t, text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		for key, value := range want {
			if got := cfg.Get(key)[0].Value; got != value {
				t.Errorf("%q: %s = %q, want %q", text, key, got, value)
			}
		}
	}
}

// FuzzFile: whatever a file holds, reading it ends in settings or in one line that
// begins with the file's name.
func FuzzFile(f *testing.F) {
	f.Add("[server]\nport = 1\n")
	f.Add("server = { port = 1, a.b = [{c = 1}] }\n[[memory]]\n\"\\u0000\" = 1\n")
	f.Add("a.b.c = 1\na.b = 2\n\xff")
	f.Add("[\n")
	f.Fuzz(func(t *testing.T, text string) {
		file := writeFile(t, text)
		_, err := Read(file)
		if err == nil {
			return
		}
		if line := err.Error(); !strings.HasPrefix(line, file+":") || strings.Contains(line, "\n") {
			t.Errorf("%q: %q", text, line)
		}
	})
}

// TestWriteDefaults: the file that packages install changes nothing, and is
// right about the defaults.
func TestWriteDefaults(t *testing.T) {
	var text strings.Builder
	if err := WriteDefaults(&text); err != nil {
		t.Fatal(err)
	}
	cfg, err := load(writeFile(t, text.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range cfg.Effective() {
		if e.Source.Origin != config.FromDefault {
			t.Errorf("%s comes from %s", e.Setting.Key, e.Source)
		}
	}
	given := regexp.MustCompile(`(?m)^#([a-z_]+ = )`).ReplaceAllString(text.String(), "$1")
	if cfg, err = load(writeFile(t, given)); err != nil {
		t.Fatal(err)
	}
	for _, e := range cfg.Effective() {
		if e.Source.Origin != config.FromFile || e.Value != e.Setting.Default {
			t.Errorf("%s = %s, from %s", e.Setting.Key, e.Value, e.Source)
		}
	}
}
