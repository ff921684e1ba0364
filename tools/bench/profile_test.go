package bench

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// TestProfiles: the profiles are those of the table that they were taken from.
func TestProfiles(t *testing.T) {
	var names []string
	for _, p := range Profiles() {
		names = append(names, p.Name)
		if p.Summary == "" {
			t.Errorf("%s has no summary", p.Name)
		}
	}
	if got := strings.Join(names, " "); got != "session api html counter set mixed headline" {
		t.Errorf("got %s", got)
	}
	mixed := 0
	for _, p := range builtin(t, "mixed").Populations {
		mixed += p.Keys * p.Size.Max
	}
	if mixed != 256e6+500e6+500e6 {
		t.Errorf("mixed has %d bytes", mixed)
	}
	api := builtin(t, "api").Populations[0]
	want := Population{
		Name: "api", Weight: 1, Keys: 10_000, Key: "api:v2:users:{id}:profile?fields=id,name,email,about", Value: JSONValue,
		Size: Sizes{1000, 10_000}, MostSize: Sizes{2000, 5000}, TTL: TTL(5 * time.Minute), Access: CacheAside, HitRate: 0.95,
	}
	if api != want {
		t.Errorf("got %+v", api)
	}
	if h := builtin(t, "headline"); h.Connections != 160 || h.Pipeline != 30 || h.Distribution != Uniform || h.Populations[0].ReadRatio != 0.5 {
		t.Errorf("got %+v", h)
	}
}

// TestProfilesAreWritten: a profile that is written as TOML is read as the same.
func TestProfilesAreWritten(t *testing.T) {
	for _, p := range Profiles() {
		for i := range p.Populations {
			var text bytes.Buffer
			if err := toml.NewEncoder(&text).Encode(&p.Populations[i]); err != nil {
				t.Fatal(err)
			}
			var got Population
			if err := toml.NewDecoder(&text).DisallowUnknownFields().Decode(&got); err != nil || got != p.Populations[i] {
				t.Errorf("got %+v, %v", got, err)
			}
		}
	}
}

func TestReadProfiles(t *testing.T) {
	got, err := ReadProfiles(strings.NewReader(`
[[profile]]
name = "checkout"
base = "mixed"
connections = 7
scale = 0.1
distribution = "hotset"

[[profile]]
name = "small"
base = "checkout"
value_size = "1KiB-2KiB"
read_ratio = 1.0

[[profile]]
name = "session"

[[profile.population]]
name = "carts"
keys = 5
key = "cart:{id}"
size = 10
access = "cache-aside"
hit_rate = 0.0
`))
	if err != nil {
		t.Fatal(err)
	}
	checkout, small, session := got[0], got[1], got[2]
	if checkout.Connections != 7 || checkout.Pipeline != 1 || checkout.Distribution != Hotset || checkout.Populations[0].Keys != 100_000 || checkout.Populations[0].Access != ReadWrite {
		t.Errorf("got %+v", checkout)
	}
	for _, p := range small.Populations {
		if p.Size != (Sizes{1024, 2048}) || p.Access != ReadWrite || p.ReadRatio != 1 {
			t.Errorf("got %+v", p)
		}
	}
	want := Population{Name: "carts", Weight: 1, Keys: 5, Key: "cart:{id}", Size: Sizes{10, 10}, Access: CacheAside}
	if session.Connections != 50 || session.Distribution != Zipf || len(session.Populations) != 1 || session.Populations[0] != want {
		t.Errorf("got %+v", session)
	}
}

// TestDocumentedProfiles reads the example of docs/bench.md.
func TestDocumentedProfiles(t *testing.T) {
	page, err := os.ReadFile("../../docs/bench.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```toml\n")
	example, _, _ := strings.Cut(rest, "```")
	got, err := ReadProfiles(strings.NewReader(example))
	if err != nil || len(got) != 2 || len(got[0].Populations) != 2 || got[1].Populations[0].Size.Max != 8000 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestReadProfilesErrors changes one line of a good file at a time.
func TestReadProfilesErrors(t *testing.T) {
	const good = `[[profile]]
name = "p"
[[profile.population]]
name = "a"
keys = 5
key = "k:{id}"
size = "10"
access = "read-write"
read_ratio = 0.5
`
	if _, err := ReadProfiles(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ old, with, want string }{
		{"[[profile]]\n", "[[profile]\n", "line 1: "},
		{good, "", "no [[profile]]"},
		{`name = "p"`, ``, "needs a name"},
		{`name = "p"`, `name = "p"` + "\nbase = \"x\"", `profile "p": base: unknown profile "x"; there are session, `},
		{`name = "p"`, `name = "p"` + "\nconections = 5", "line 3: unknown key profile.conections"},
		{`name = "p"`, `name = "p"` + "\nconnections = -5", "connections must be from 1"},
		{`name = "p"`, `name = "p"` + "\nscale = -1.0", "scale must be"},
		{`name = "p"`, `name = "p"` + "\ndistribution = \"normal\"", `line 3: unknown distribution "normal"; there are uniform, zipf, hotset`},
		{`name = "a"`, ``, `population : it needs a name`},
		{`keys = 5`, ``, "population a: keys must be from 1"},
		{`keys = 5`, `keys = "5"`, "line 5: "},
		{`k:{id}`, `k`, "key must hold {id} once"},
		{`size = "10"`, ``, "value sizes must be"},
		{`size = "10"`, `size = "10QB"`, `line 7: "10QB" is not a size such as`},
		{`size = "10"`, `size = "10"` + "\nmost_size = \"5-7\"", "most_size must lie within size"},
		{`size = "10"`, `size = "10"` + "\nttl = \"soon\"", `ttl "soon" is not a time`},
		{`size = "10"`, `size = "10"` + "\nttl = \"1500ms\"", "whole seconds"},
		{`size = "10"`, `size = "10"` + "\nvalue = \"xml\"", "there are session, json, html, number"},
		{`size = "10"`, `size = "20"` + "\nvalue = \"number\"", "at most 18 digits"},
		{`size = "10"`, `size = "10"` + "\nweight = 0", "weight must be"},
		{`size = "10"`, `size = "10"` + "\nhit_rate = 0.5", "the access read-write has no hit_rate"},
		{`read_ratio = 0.5`, ``, "the access read-write needs a read_ratio"},
		{`read_ratio = 0.5`, `read_ratio = 1.5`, "read-ratio must be from 0 to 1"},
		{`access = "read-write"`, `access = "none"`, "there are read-write, cache-aside, counter, membership"},
		{"access = \"read-write\"\nread_ratio = 0.5", "access = \"counter\"", "values of the kind number"},
		{"access = \"read-write\"\nread_ratio = 0.5", "access = \"counter\"\nvalue = \"number\"", "a counter needs a ttl"},
		{`access = "read-write"`, `access = "membership"` + "\nttl = \"1h\"", "sets are given no ttl"},
		{"access = \"read-write\"\nread_ratio = 0.5", "access = \"membership\"", "the access membership needs a read_ratio"},
		{"[[profile]]\n", "[[profile]]\nname = \"p\"\nbase = \"api\"\n[[profile]]\n", `two profiles are named "p"`},
		{"[[profile.population]]\n", "[[profile.population]]\nname = \"a\"\nkeys = 5\nkey = \"{id}\"\nsize = \"1\"\nread_ratio = 0.0\n[[profile.population]]\n", `two populations are named "a"`},
	} {
		text := strings.Replace(good, test.old, test.with, 1)
		_, err := ReadProfiles(strings.NewReader(text))
		contains(t, err, test.want)
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("more than a line: %v", err)
		}
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int{"7": 7, "7B": 7, "5KB": 5000, "5KiB": 5120, "2MB": 2e6, "1MiB": 1 << 20} {
		if got, ok := parseBytes(text); !ok || got != want {
			t.Errorf("%s: got %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "KB", "-1", "1.5KB", "1 KB", "9999999999"} {
		if got, ok := parseBytes(text); ok {
			t.Errorf("%q: got %d", text, got)
		}
	}
}
