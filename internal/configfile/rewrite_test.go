package configfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/config"
)

// loadAnd loads a file, and sets pairs of names and values as CONFIG SET does.
func loadAnd(t *testing.T, file string, set ...string) *config.Config {
	t.Helper()
	cfg, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(set); i += 2 {
		if err := cfg.Set(config.Pair{Name: set[i], Value: set[i+1]}); err != nil {
			t.Fatal(err)
		}
	}
	return cfg
}

func TestRewrite(t *testing.T) {
	for _, test := range []struct {
		name, text string
		set        []string
		want       string
	}{
		{"nothing changed", "[server]\nport = 1 # one\n", nil, "[server]\nport = 1 # one\n"},
		{"in place", "# top\n[server]\n  max_connections=5# five\nport = 1\n", []string{"maxclients", "7"},
			"# top\n[server]\n  max_connections=7# five\nport = 1\n"},
		{"behind the section's last", "[memory]\nmax_memory = '1gb' # a\n\n# logs\n[logging]\n", []string{"maxmemory-policy", "noeviction"},
			"[memory]\nmax_memory = '1gb' # a\neviction_policy = \"noeviction\"\n\n# logs\n[logging]\n"},
		{"an empty section", "[logging]\n[memory]\nmax_memory = 0", []string{"loglevel", "debug"},
			"[logging]\nlevel = \"debug\"\n[memory]\nmax_memory = 0"},
		{"a new section", "[server]\nport = 1", []string{"requirepass", "a\"b\\c\x01\u00fc"},
			"[server]\nport = 1\n\n[security]\npassword = \"a\\\"b\\\\c\\u0001\u00fc\"\n"},
		{"an empty file", "", []string{"timeout", "3"}, "\n[server]\nconnection_timeout = 3\n"},
		{"several", "[server]\n", []string{"timeout", "3", "maxclients", "9", "latency-tracking", "no"},
			"[server]\nmax_connections = 9\nconnection_timeout = 3\n\n[logging]\nlatency_tracking = false\n"},
		{"dotted", "server.max_connections = 5\nserver.port=2\n[memory]\n", []string{"maxclients", "7", "timeout", "3"},
			"server.max_connections = 7\nserver.port=2\nserver.connection_timeout = 3\n[memory]\n"},
		{"inline", "server = { max_connections = 5, port = 1 }\n", []string{"maxclients", "7"}, "server = { max_connections = 7, port = 1 }\n"},
		{"quoted key", "[server]\n\"max_connections\" = 5\n", []string{"maxclients", "7"}, "[server]\n\"max_connections\" = 7\n"},
		{"long strings", "[security]\npassword = \"\"\"a\n\\\"\"\"\"\"\n[server]\nport = 1\n", []string{"requirepass", "x"},
			"[security]\npassword = \"x\"\n[server]\nport = 1\n"},
		{"a long literal string", "[security]\npassword = '''a'b''''\n", []string{"requirepass", ""}, "[security]\npassword = \"\"\n"},
		{"behind a list", "[server]\nbind = [\n\t\"127.0.0.1\", # a ]\n\t'::1']\t# b\n# end\n", []string{"timeout", "3"},
			"[server]\nbind = [\n\t\"127.0.0.1\", # a ]\n\t'::1']\t# b\nconnection_timeout = 3\n# end\n"},
		{"Windows", "[server]\r\nport = 1\r\n", []string{"timeout", "3"}, "[server]\r\nport = 1\r\nconnection_timeout = 3\r\n"},
		{"a list of words", "[memory]\nmax_memory = \"1gb\"\n", []string{"maxmemory", "1000000"}, "[memory]\nmax_memory = 1000000\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := writeFile(t, test.text)
			if err := Rewrite(file, loadAnd(t, file, test.set...)); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(file)
			if err != nil || string(got) != test.want {
				t.Errorf("%v\n got %q\nwant %q", err, got, test.want)
			}
			again := loadAnd(t, file)
			for i := 0; i < len(test.set); i += 2 {
				if pair := again.Get(test.set[i]); pair[0].Value != test.set[i+1] {
					t.Errorf("%s is %q", test.set[i], pair[0].Value)
				}
			}
		})
	}
}

// TestRewriteRefused: a file that cannot be rewritten stays as it is.
func TestRewriteRefused(t *testing.T) {
	for _, test := range []struct{ name, text, value string }{
		{"not UTF-8", "[server]\n", "\xff"}, {"an inline table without it", "security = { tls_enabled = false }\n", "hunter2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := writeFile(t, test.text)
			if err := Rewrite(file, loadAnd(t, file, "requirepass", test.value)); err == nil || strings.Contains(err.Error(), test.value) {
				t.Errorf("got %v", err)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != test.text {
				t.Errorf("%v: the file is %q", err, got)
			}
		})
	}
}

// TestReplaceFile: the permissions stay, links stay links, and nothing else is left.
func TestReplaceFile(t *testing.T) {
	file := writeFile(t, "[server]\n")
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.toml")
	if err := os.Symlink(file, link); err != nil {
		t.Skip("skipped, because there are no symbolic links: ", err)
	}
	if err := Rewrite(link, loadAnd(t, link, "timeout", "3")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is gone: %v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

// FuzzConfigFile: no file makes the reader fail in another way than with an error; and a file that is read can be rewritten, so that it
// gives each setting as it did, but for the one that was changed, or is refused and stays as it is.
func FuzzConfigFile(f *testing.F) {
	for _, text := range []string{
		"[server]\nport = 1 # one\nbind = [\"::1\", '127.0.0.1']\n", "memory.max_memory = \"2GB\"\n", "server = { port = 1 }\n", "[[server]]\n", "server.\n= 1",
		"[security]\npassword = \"\"\"a\nb\"\"\"\n", "[logging]\r\nlevel = 'debug'\r\n", "\"server\".\"port\" = 0x10\n", "[server]\nport = 1\nport = 2\n",
	} {
		f.Add([]byte(text), "noeviction")
		f.Add([]byte(text), "x")
	}
	f.Fuzz(func(t *testing.T, text []byte, value string) {
		before, err := parse("fuzz.toml", text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			return
		}
		_, _ = config.Load(testMemory, before)
		const key = "security.password"
		next, err := rewritten("fuzz.toml", text, []config.Assignment{{Key: key, Text: value}})
		if err != nil {
			return
		}
		after, err := parse("fuzz.toml", next)
		if err != nil {
			t.Fatalf("%q became %q: %v", text, next, err)
		}
		values := map[string]string{key: value}
		for _, a := range before {
			if a.Key != key {
				values[a.Key] = a.Text
			}
		}
		for _, a := range after {
			if want, ok := values[a.Key]; !ok || want != a.Text {
				t.Errorf("%q became %q: %s is %q, want %q", text, next, a.Key, a.Text, want)
			}
			delete(values, a.Key)
		}
		if len(values) > 0 {
			t.Errorf("%q became %q, without %v", text, next, values)
		}
	})
}
