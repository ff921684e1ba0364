package soak

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redistill/redistill/test/await"
)

// director does to a running server what its operators do, one thing after the other. It knows every setting that it changes, as it is in
// effect and as it is in the file.
type director struct {
	*scene
	r       *rand.Rand
	console *console
	now     map[string]string // settings and their values, as CONFIG GET shows them
	file    map[string]string // the same after a reload
	canary  int
}

// choice is a setting, and values of it that clients do not notice, in the form that CONFIG GET shows.
type choice struct {
	setting string
	values  []string
}

var policies = []string{
	"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction",
	"allkeys-s3fifo", "allkeys-density",
}

const canary = "acllog-max-len" // tells when a reload is done

var (
	anyTime = []choice{
		{"maxmemory-policy", policies},
		{"memory.eviction_weight", []string{"hits", "balanced", "bytes"}},
		{"timeout", []string{"0", "300", "600"}},
		{"tcp-keepalive", []string{"0", "60", "300"}},
		{"maxclients", []string{"1000", "10000"}},
		{"server.tcp_nodelay", []string{"true", "false"}},
		{"server.connection_rate_limit", []string{"0", "10000"}},
		{"proto-max-bulk-len", []string{"16777216", "536870912"}},
		{"client-query-buffer-limit", []string{"268435456", "1073741824"}},
		{"client-output-buffer-limit", []string{
			"normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
			"normal 268435456 134217728 60 slave 1073741824 536870912 60 pubsub 33554432 8388608 60",
		}},
		{"slowlog-log-slower-than", []string{"-1", "0", "1000", "10000"}},
		{"slowlog-max-len", []string{"0", "16", "128"}},
		{"latency-tracking", []string{"yes", "no"}},
		{"latency-monitor-threshold", []string{"0", "1", "100"}},
		{"loglevel", []string{"debug", "notice", "warning"}},
		{"save", []string{"", "3 1", "300 1"}},
	}
	roomyMemory = []choice{
		{"maxmemory", []string{"0", "1610612736", "2147483648"}},
		{"maxmemory-clients", []string{"0", "5%", "268435456"}},
	}
	tightMemory = []choice{
		{"maxmemory", []string{"67108864", "100663296", "167772160"}},
		{"maxmemory-clients", []string{"0", "5%", "33554432"}},
	}
)

func newDirector(sc *scene) (*director, error) {
	d := &director{scene: sc, r: rand.New(rand.NewPCG(*seed, 1<<32)), console: sc.console()}
	names := []string{canary, "tls-protocols", "tls-auth-clients"}
	for _, c := range slices.Concat(anyTime, roomyMemory) {
		names = append(names, c.setting)
	}
	var err error
	d.now, err = d.get(names...)
	d.file = maps.Clone(d.now)
	return d, err
}

// act does everything, again and again in another order.
func (d *director) act() error {
	acts := []func() error{
		d.change, d.change, d.change, d.change, d.rewrite, d.reload, d.turnRegime, d.rotate, d.narrow, d.saveUsers, d.loadUsers, d.mistakes, d.look,
		d.check,
	}
	d.r.Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
	for _, act := range acts {
		if err := act(); err != nil {
			return err
		}
		if !d.rest(time.Duration(d.r.Int64N(int64(min(*length/100, 500*time.Millisecond))))) {
			return nil
		}
	}
	d.tally.rounds.Add(1)
	return nil
}

// get returns settings.
func (d *director) get(names ...string) (map[string]string, error) {
	got, err := d.console.do(append([]string{"CONFIG", "GET"}, names...)...)
	if err != nil {
		return nil, err
	}
	words, n, ok := parseStrings(got)
	if !ok || n != 2*len(names) {
		return nil, fmt.Errorf("CONFIG GET %q: got %.100q", names, got)
	}
	values := map[string]string{}
	for i := 0; i < n; i += 2 {
		values[words[i]] = words[i+1]
	}
	return values, nil
}

// set changes a setting.
func (d *director) set(name, value string) error {
	if err := d.console.expect("+OK", "CONFIG", "SET", name, value); err != nil {
		return err
	}
	d.now[name] = value
	return d.hold(name)
}

// hold tests that settings are what they were made.
func (d *director) hold(names ...string) error {
	values, err := d.get(names...)
	for _, name := range names {
		if err == nil && values[name] != d.now[name] {
			err = fmt.Errorf("%s is %q instead of %q", name, values[name], d.now[name])
		}
	}
	return err
}

// holdAll is hold for every setting that is changed.
func (d *director) holdAll() error { return d.hold(slices.Collect(maps.Keys(d.now))...) }

// change gives some setting another value.
func (d *director) change() error {
	choices := slices.Concat(anyTime, roomyMemory)
	if d.tight { // nobody else changes it
		choices = slices.Concat(anyTime, tightMemory)
	}
	return d.choose(choices[d.r.IntN(len(choices))])
}

func (d *director) choose(c choice) error { return d.set(c.setting, c.values[d.r.IntN(len(c.values))]) }

// rewrite brings the settings into the file.
func (d *director) rewrite() error {
	d.file = maps.Clone(d.now)
	return d.console.expect("+OK", "CONFIG", "REWRITE")
}

// reload has the file read again: what is not in it goes.
func (d *director) reload() error {
	d.canary++
	if err := d.set(canary, strconv.Itoa(1000+d.canary)); err != nil {
		return err
	}
	d.Signal(syscall.SIGHUP)
	var err error
	await.True(d.t, "SIGHUP brings "+canary+" back", func() bool { // also when the time is over: what comes late would undo what calm sets
		var values map[string]string
		values, err = d.get(canary)
		return err != nil || values[canary] == d.file[canary]
	})
	if err != nil {
		return err
	}
	d.now = maps.Clone(d.file)
	d.tally.reloads.Add(1)
	return d.holdAll()
}

// turnRegime makes memory short, or brings it back. In the file is always what visits can stand that need memory.
func (d *director) turnRegime() error {
	d.changing.Store(true)
	d.regime.Lock()
	defer d.regime.Unlock()
	defer d.changing.Store(false)
	d.tight = !d.tight
	memory := roomyMemory
	if d.tight {
		memory = tightMemory
	}
	for _, c := range slices.Concat(memory, anyTime[:1]) {
		if err := d.choose(c); err != nil {
			return err
		}
	}
	d.tally.regimes.Add(1)
	if d.tight {
		return nil
	}
	return d.rewrite()
}

// calm gives the server the memory and the settings in which nothing goes by itself.
func (d *director) calm() error {
	for _, c := range [][2]string{{"maxmemory", "0"}, {"maxmemory-policy", "noeviction"}, {"save", ""}, {"loglevel", "notice"}} {
		if err := d.set(c[0], c[1]); err != nil {
			return err
		}
	}
	return nil
}

func (d *director) saveUsers() error { return d.console.expect("+OK", "ACL", "SAVE") }

// loadUsers has the file of users read, which ends the connections of all of them but the default one.
func (d *director) loadUsers() error {
	d.loadsBegun.Add(1)
	defer d.loadsDone.Add(1)
	return d.console.expect("+OK", "ACL", "LOAD")
}

// mistakes are refused, and change nothing.
func (d *director) mistakes() error {
	for _, m := range []struct {
		want  string
		words []string
	}{
		{"-ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy')", []string{"CONFIG", "SET", "timeout", "5", "maxmemory-policy", "none"}},
		{"-ERR CONFIG SET failed (possibly related to argument 'tls-cert-file')", []string{"CONFIG", "SET", "timeout", "5", "tls-cert-file", "missing"}},
		{"-ERR Unknown option or number of arguments for CONFIG SET - 'nonsense'", []string{"CONFIG", "SET", "timeout", "5", "nonsense", "1"}},
		{"-ERR Error in ACL SETUSER modifier '+nonsense': ", []string{"ACL", "SETUSER", "nobody", "on", "+nonsense"}},
		{"-WRONGPASS ", []string{"AUTH", "default-not", "s3cret-wrong"}},
		{"-ERR The 'default' user cannot be removed", []string{"ACL", "DELUSER", "default"}},
		{"-ERR No such client", []string{"CLIENT", "KILL", "1.1.1.1:1"}},
	} {
		if got, err := d.console.do(m.words...); err != nil || !bytes.HasPrefix(got, []byte(m.want)) {
			return fmt.Errorf("%q: got %.200q, %w", m.words, got, err)
		}
	}
	if err := d.console.expect("$-1", "ACL", "GETUSER", "nobody"); err != nil {
		return err
	}
	write(d.t, filepath.Join(d.Dir, "users.acl"), "user someone on\nnonsense\n")
	got, err := d.console.do("ACL", "LOAD")
	if err != nil || !bytes.HasPrefix(got, []byte("-ERR ")) || !bytes.Contains(got, []byte("no change to the previously active ACL rules")) {
		return fmt.Errorf("ACL LOAD of a bad file: got %.200q, %w", got, err)
	}
	if err := d.saveUsers(); err != nil {
		return err
	}
	return d.holdAll()
}

// check has the server check its memory while everybody goes on.
func (d *director) check() error { return d.console.expect("+OK", "DEBUG", "CHECK") }

// look asks for everything that the server tells of itself. There may be no secret in it.
func (d *director) look() error {
	for _, words := range [][]string{
		{"INFO", "everything"}, {"CLIENT", "LIST"}, {"CLIENT", "INFO"}, {"SLOWLOG", "GET", "-1"}, {"ACL", "LOG", "100"}, {"ACL", "LIST"}, {"ACL", "USERS"},
		{"LATENCY", "HISTOGRAM"}, {"LATENCY", "LATEST"}, {"LATENCY", "DOCTOR"}, {"MEMORY", "STATS"}, {"MEMORY", "DOCTOR"},
		{"COMMAND", "INFO"}, {"CONFIG", "GET", "*"}, {"DBSIZE"}, {"RANDOMKEY"}, {"LASTSAVE"},
	} {
		got, err := d.console.do(words...)
		if err != nil || got[0] == '-' || bytes.Contains(got, []byte("s3cret")) {
			return fmt.Errorf("%q: got %.200q, %w", words, got, err)
		}
	}
	if n, err := d.console.do("SLOWLOG", "LEN"); err != nil || len(n) > len(":128\r\n") {
		return fmt.Errorf("SLOWLOG LEN: got %q, %w", n, err)
	}
	reset := []string{"SLOWLOG RESET", "ACL LOG RESET", "CONFIG RESETSTAT"}[d.r.IntN(3)]
	return d.console.expect("+OK", strings.Fields(reset)...)
}
