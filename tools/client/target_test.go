package client

import (
	"crypto/tls"
	"strings"
	"testing"
	"unicode"
)

// targets are texts that name servers, with what they mean.
var targets = []struct {
	text  string
	want  Target // without TLS
	shown string // "" for the text itself
}{
	{"", Target{Network: "tcp", Address: "127.0.0.1:6379"}, "redis://127.0.0.1:6379"},
	{"cache", Target{Network: "tcp", Address: "cache:6379"}, "redis://cache:6379"},
	{"redis-server", Target{Network: "tcp", Address: "redis-server:6379"}, "redis://redis-server:6379"},
	{"127.0.0.1:7000", Target{Network: "tcp", Address: "127.0.0.1:7000"}, "redis://127.0.0.1:7000"},
	{":7000", Target{Network: "tcp", Address: "127.0.0.1:7000"}, "redis://127.0.0.1:7000"},
	{"[::1]:7000", Target{Network: "tcp", Address: "[::1]:7000"}, "redis://[::1]:7000"},
	{"cache:7000/3", Target{Network: "tcp", Address: "cache:7000", DB: 3}, "redis://cache:7000/3"},
	{"ann:pw@cache", Target{Network: "tcp", Address: "cache:6379", User: "ann", Password: "pw"}, "redis://cache:6379"},
	{"redis://", Target{Network: "tcp", Address: "127.0.0.1:6379"}, "redis://127.0.0.1:6379"},
	{"redis://h", Target{Network: "tcp", Address: "h:6379"}, "redis://h:6379"},
	{"redis://h:1/2", Target{Network: "tcp", Address: "h:1", DB: 2}, ""},
	{"redis://h:1/2/", Target{Network: "tcp", Address: "h:1", DB: 2}, "redis://h:1/2"},
	{"redis://h:1/?db=2", Target{Network: "tcp", Address: "h:1", DB: 2}, "redis://h:1/2"},
	{"redis://h:1/0?protocol=3", Target{Network: "tcp", Address: "h:1"}, "redis://h:1"},
	{"redis://:pw@h:1", Target{Network: "tcp", Address: "h:1", Password: "pw"}, "redis://h:1"},
	{"redis://:se%20cret@h:1/3", Target{Network: "tcp", Address: "h:1", Password: "se cret", DB: 3}, "redis://h:1/3"},
	{"redis://u:p%40w@[::1]:1", Target{Network: "tcp", Address: "[::1]:1", User: "u", Password: "p@w"}, "redis://[::1]:1"},
	{"redis://ann@h:1", Target{Network: "tcp", Address: "h:1", User: "ann"}, "redis://h:1"},
	{"rediss://:pw@h/65535", Target{Network: "tcp", Address: "h:6379", Password: "pw", DB: 65535}, "rediss://h:6379/65535"},
	{"rediss://[::1]", Target{Network: "tcp", Address: "[::1]:6379"}, "rediss://[::1]:6379"},
	{"/run/r.sock", Target{Network: "unix", Address: "/run/r.sock"}, "unix:///run/r.sock"},
	{"/run/a%20b?db=1", Target{Network: "unix", Address: "/run/a%20b?db=1"}, "unix:///run/a%20b?db=1"},
	{"./r.sock", Target{Network: "unix", Address: "./r.sock"}, "unix:./r.sock"},
	{"../r.sock", Target{Network: "unix", Address: "../r.sock"}, "unix:../r.sock"},
	{"unix:r.sock", Target{Network: "unix", Address: "r.sock"}, ""},
	{"unix:/run/r.sock", Target{Network: "unix", Address: "/run/r.sock"}, "unix:///run/r.sock"},
	{"unix:///run/r.sock", Target{Network: "unix", Address: "/run/r.sock"}, ""},
	{"unix:///run/a%20b", Target{Network: "unix", Address: "/run/a b"}, "unix:///run/a b"},
	{
		"unix://ann:pw@/run/r.sock?db=4",
		Target{Network: "unix", Address: "/run/r.sock", User: "ann", Password: "pw", DB: 4}, "unix:///run/r.sock?db=4",
	},
}

func TestParseTarget(t *testing.T) {
	for _, test := range targets {
		got, err := ParseTarget(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		want := test.shown
		if want == "" {
			want = test.text
		}
		if s := got.String(); s != want {
			t.Errorf("%s: shown as %s, want %s", test.text, s, want)
		}
		secure := got.TLS
		if got.TLS = nil; got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.text, got, test.want)
		}
		if (secure != nil) != strings.HasPrefix(test.text, "rediss:") {
			t.Errorf("%s: TLS is %v", test.text, secure)
		}
	}
	secure, err := ParseTarget("rediss://[::1]:7000")
	if err != nil || secure.TLS.ServerName != "::1" || secure.TLS.MinVersion != tls.VersionTLS12 {
		t.Errorf("got %+v, %v", secure.TLS, err)
	}
}

func TestParseTargetErrors(t *testing.T) {
	for text, want := range map[string]string{
		"http://:hidden@h":              `the scheme "http" is none of redis, rediss and unix`,
		"redis://:hidden@h:0":           "the port is not a number from 1 to 65535",
		"redis://:hidden@h:70000":       "the port is not a number from 1 to 65535",
		"redis://:hidden@h:x":           "not a URL",
		"rediss://:hidden@h:0":          "the port is not",
		"redis://:hidden@h/x":           "the database is not a whole number",
		"redis://:hidden@h/-1":          "the database is not a whole number",
		"redis://:hidden@h/1/2":         "the database is not a whole number",
		"redis://:hidden@h?db=hidden":   "the database is not a whole number",
		"redis://:12/hidden@h":          "the database is not a whole number",
		"redis://:hidden@%zz":           "not a URL",
		"redis://:hidden@h:%%":          "not a URL",
		"hidden:99999":                  "the port is not",
		"::1":                           "brackets",
		"redis://:hidden@fe80::1:6379":  "brackets",
		"unix://:hidden@run/r.sock":     "want a path, as in unix:///run/redis.sock",
		"unix://:hidden@":               "want a path",
		"unix://":                       "want a path",
		"unix:":                         "want a path",
		"unix:///run/r.sock?db=hidden#": "the database is not a whole number",
	} {
		got, err := ParseTarget(text)
		if err == nil || !strings.HasPrefix(err.Error(), "target: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %+v, error %v, want %q", text, got, err, want)
		} else if strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error shows the password: %v", text, err)
		}
	}
}

// FuzzParseTarget: a target can be dialled, does not show its password, and is
// shown as a text that means the same, unless its path could be taken for more.
func FuzzParseTarget(f *testing.F) {
	for _, test := range targets {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, text := range []string{text, "redis://ann:hidden@" + text, "unix://:hidden@/" + text} {
			got, err := ParseTarget(text)
			if err != nil {
				if got != (Target{}) || i > 0 && strings.Contains(err.Error(), "hidden") {
					t.Fatalf("%q: got %+v, error %v", text, got, err)
				}
				continue
			}
			if got.Network != "tcp" && got.Network != "unix" || got.Address == "" || got.DB < 0 {
				t.Fatalf("%q: got %+v", text, got)
			}
			if strings.ContainsAny(got.Address, "%?#") || strings.ContainsFunc(got.Address, unicode.IsControl) {
				continue
			}
			again, err := ParseTarget(got.String())
			if err != nil || (again.TLS != nil) != (got.TLS != nil) {
				t.Fatalf("%q: shown as %q: %v", text, got, err)
			}
			again.User, again.Password, again.TLS = got.User, got.Password, got.TLS
			if again != got {
				t.Fatalf("%q: got %+v, shown as %q, which is %+v", text, got, got, again)
			}
		}
	})
}
