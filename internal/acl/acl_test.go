package acl

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Categories of the test's catalog.
const (
	catRead uint32 = 1 << iota
	catWrite
	catSlow
	catDangerous
)

// Commands of the test's catalog, by index.
const (
	cmdGet = iota
	cmdSet
	cmdDel
	cmdExists
	cmdSelect
	cmdAuth
	cmdConfig
	cmdConfigGet
	cmdConfigSet
	cmdFlush
)

func testCatalog() *Catalog {
	return NewCatalog([]string{"read", "write", "slow", "dangerous"}, []Command{
		cmdGet:       {Name: "get", Categories: catRead, HasKeys: true},
		cmdSet:       {Name: "set", Categories: catWrite | catSlow, HasKeys: true},
		cmdDel:       {Name: "del", Categories: catWrite | catSlow, HasKeys: true},
		cmdExists:    {Name: "exists", Categories: catRead, HasKeys: true},
		cmdSelect:    {Name: "select"},
		cmdAuth:      {Name: "auth", Free: true},
		cmdConfig:    {Name: "config", Categories: catSlow},
		cmdConfigGet: {Name: "config|get", Categories: catSlow | catDangerous},
		cmdConfigSet: {Name: "config|set", Categories: catSlow | catDangerous},
		cmdFlush:     {Name: "flushall", Categories: catWrite | catSlow | catDangerous},
	})
}

func mustRules(t testing.TB, words ...string) *Rules {
	t.Helper()
	r, err := newRules(testCatalog()).apply(words)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	digestOfX = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
	digestOfY = "a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa"
)

// TestRulesAndTheirText has rules and what Redis 7.2 makes of them, as far as it knows the same
// commands.
func TestRulesAndTheirText(t *testing.T) {
	for rules, want := range map[string]string{
		"":                                    "off sanitize-payload resetchannels -@all",
		"on":                                  "on sanitize-payload resetchannels -@all",
		"ON nopass":                           "on nopass sanitize-payload resetchannels -@all",
		"nopass >x":                           "off sanitize-payload #" + digestOfX + " resetchannels -@all",
		">x nopass":                           "off nopass sanitize-payload resetchannels -@all",
		">x >y >x":                            "off sanitize-payload #" + digestOfX + " #" + digestOfY + " resetchannels -@all",
		">x >y <x":                            "off sanitize-payload #" + digestOfY + " resetchannels -@all",
		">x #" + digestOfX:                    "off sanitize-payload #" + digestOfX + " resetchannels -@all",
		"#" + digestOfX + " >y !" + digestOfX: "off sanitize-payload #" + digestOfY + " resetchannels -@all",
		">x resetpass":                        "off sanitize-payload resetchannels -@all",
		"nopass resetpass":                    "off sanitize-payload resetchannels -@all",
		"on >x +get ~a (~b) reset":            "off sanitize-payload resetchannels -@all",
		"skip-sanitize-payload":               "off skip-sanitize-payload resetchannels -@all",
		"allkeys":                             "off sanitize-payload ~* resetchannels -@all",
		"~* resetkeys ~a ~b ~a":               "off sanitize-payload ~a ~b resetchannels -@all",
		"%R~a %W~b":                           "off sanitize-payload %R~a %W~b resetchannels -@all",
		"%r~a %w~a":                           "off sanitize-payload ~a resetchannels -@all",
		"%RW~a %WR~b":                         "off sanitize-payload ~a ~b resetchannels -@all",
		"%R~* %W~*":                           "off sanitize-payload ~* resetchannels -@all",
		"%R~*":                                "off sanitize-payload %R~* resetchannels -@all",
		"~":                                   "off sanitize-payload ~ resetchannels -@all",
		"allchannels":                         "off sanitize-payload &* -@all",
		"on\x00x &*\x00":                      "on sanitize-payload &* -@all",
		"&a &b &a":                            "off sanitize-payload resetchannels &a &b -@all",
		"&* resetchannels":                    "off sanitize-payload resetchannels -@all",
		"+@all":                               "off sanitize-payload resetchannels +@all",
		"allcommands nocommands":              "off sanitize-payload resetchannels -@all",
		"+get":                                "off sanitize-payload resetchannels -@all +get",
		"+GET -get":                           "off sanitize-payload resetchannels -@all -get",
		"+@read":                              "off sanitize-payload resetchannels -@all +@read",
		"+@READ -get":                         "off sanitize-payload resetchannels -@all +@read -get",
		"+@all -@dangerous":                   "off sanitize-payload resetchannels +@all -@dangerous",
		"+@all -get":                          "off sanitize-payload resetchannels +@all -get",
		"+@all -get +get":                     "off sanitize-payload resetchannels +@all +get",
		"+config|get":                         "off sanitize-payload resetchannels -@all +config|get",
		"+config -config|set":                 "off sanitize-payload resetchannels -@all +config -config|set",
		"+@all -config":                       "off sanitize-payload resetchannels +@all -config",
		"+select|0 +select|1 +select|0":       "off sanitize-payload resetchannels -@all +select|1 +select|0",
		"+select|0 +select":                   "off sanitize-payload resetchannels -@all +select",
		"+select|0 -select":                   "off sanitize-payload resetchannels -@all -select",
		"+get -@read +@READ +get":             "off sanitize-payload resetchannels -@all +@read +get",
		"+config|get -config|set +config":     "off sanitize-payload resetchannels -@all +config",
		"-config|set +@read nocommands +get":  "off sanitize-payload resetchannels -@all +get",
		"+select|A +select|a -@read":          "off sanitize-payload resetchannels -@all +select|a -@read",
		"+select|0 -@all":                     "off sanitize-payload resetchannels -@all",
		"(+get ~a)":                           "off sanitize-payload resetchannels -@all (~a resetchannels -@all +get)",
		"(+get ~a) ( %R~b &c )":               "off sanitize-payload resetchannels -@all (~a resetchannels -@all +get) (%R~b resetchannels &c -@all)",
		"() on":                               "on sanitize-payload resetchannels -@all (resetchannels -@all)",
		"(+get) clearselectors":               "off sanitize-payload resetchannels -@all",
		"(~a)b)":                              "off sanitize-payload resetchannels -@all (~a)b resetchannels -@all)",
	} {
		r, err := newRules(testCatalog()).apply(strings.Fields(rules))
		if err != nil {
			t.Errorf("%q: %v", rules, err)
			continue
		}
		if got := r.String(); got != want {
			t.Errorf("%q:\n got %s\nwant %s", rules, got, want)
		}
	}
}

func TestRefusedRules(t *testing.T) {
	for rule, want := range map[string]error{
		"what": errSyntax, "*": errSyntax, "%X~a": errSyntax, "%~a": errSyntax, "%R": errSyntax, "%RR~a": errSyntax, "~a\tb": errSyntax, "~a\x00": errSyntax, "\x00": errSyntax,
		"&a\vb": errSyntax, "+": errUnknown, "-": errUnknown, "+@": errUnknown, "+@none": errUnknown, "-@none": errUnknown, "+nope": errUnknown,
		"-config|nope": errUnknown, "+config|nope": errUnknown, "+nope|get": errUnknown, "-select|0": errUnknown, "+config|get|x": errFirstArg,
		"+select|": errSyntax, "+select|a b": errSyntax, "+select|a|b": errUnknown, "<x": errNoPassword, "!" + digestOfX: errNoPassword,
		"#abc": errDigest, "#" + strings.ToUpper(digestOfX): errDigest, "!" + digestOfX + "0": errDigest, "#" + digestOfX[:63] + "g": errDigest,
		"(on)": errSyntax, "(>x)": errSyntax, "(+nope)": errUnknown, "(~* ~a)": errAllKeys, "(~a) +get)": errSyntax, "((~a))": errSyntax,
	} {
		var e *RuleError
		if _, err := newRules(testCatalog()).apply([]string{rule}); !errors.As(err, &e) || e.Reason != want || e.Rule != rule {
			t.Errorf("%q: got %v, want %v", rule, err, want)
		}
	}
	for _, rules := range []string{"~* ~a", "allkeys %R~a", "allkeys %X~a", "&* &a"} {
		if _, err := newRules(testCatalog()).apply(strings.Fields(rules)); err == nil || !strings.Contains(err.Error(), ": Adding a pattern after the * pattern (or the 'all") {
			t.Errorf("%q: got %v", rules, err)
		}
	}
	for _, rules := range []string{"(+get", "on (+get ~a", "(+get (+set ~a)"} {
		const want = "Unmatched parenthesis in acl selector starting at '(+get'."
		if _, err := newRules(testCatalog()).apply(strings.Fields(rules)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", rules, err, want)
		}
	}
}

func TestRefusalChangesNothing(t *testing.T) {
	us := NewUsers(testCatalog())
	if _, err := us.Change("a", []string{"on", "+get", "(~a)", "+nope"}, 0); err == nil || us.Find("a") != nil {
		t.Errorf("a user was made from refused rules: %v", err)
	}
	u, err := us.Change("a", []string{"on", "(~a)", "+select|0"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	before := u.Rules().String()
	if _, err := us.Change("a", []string{"+select|1", "~b", "clearselectors", "(~c)", "off", "what"}, 0); err == nil {
		t.Fatal("no error")
	}
	if got := u.Rules().String(); got != before {
		t.Errorf("a refused change left %s, want %s", got, before)
	}
}

// TestUsersAreBounded: what all users take has a limit, whether they are made, changed or loaded,
// and what goes makes room.
func TestUsersAreBounded(t *testing.T) {
	const most = 100 << 10
	us := NewUsers(testCatalog())
	change := func(name string, rules ...string) error {
		_, err := us.Change(name, rules, most)
		return err
	}
	n := 0
	for change(fmt.Sprint("user", n)) == nil && n < 1000 {
		n++
	}
	if n < 50 || n > 100 {
		t.Errorf("there is room for %d users", n)
	}
	if us.Delete("user0") == nil || us.Delete("user1") == nil || us.Delete("user1") != nil {
		t.Error("a user is not there, or still there")
	}
	long := strings.Repeat("x", 200)
	if err := change("user2", "~"+long); err != nil {
		t.Error(err)
	}
	if err := change("user2", "~"+strings.Repeat("y", 1000)); err != errFull {
		t.Errorf("user2 may have more: %v", err)
	}
	if err := change("user2", "resetkeys"); err != nil {
		t.Error("less is refused:", err)
	}
	if err := change("new"); err != nil {
		t.Error(err)
	}
	if _, err := us.Load("user a on nopass ~"+long, "file"); err != nil {
		t.Fatal(err)
	}
	us.SetPassword(long)
	us.SetPassword("")
	want := size("a", us.Find("a").Rules()) + size(Default, us.Default().Rules())
	if us.bytes != want {
		t.Errorf("after loading %d bytes, want %d", us.bytes, want)
	}
	if _, err := us.Change("b", []string{"~" + strings.Repeat("y", most)}, 0); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}

// TestCheck has users, commands and what redis-server decides.
func TestCheck(t *testing.T) {
	r, w := Key{1, Read}, Key{1, Write}
	for i, c := range []struct {
		rules   string
		command int
		args    string
		keys    []Key
		want    Denial
		at      int
	}{
		{"", cmdGet, "get a", []Key{r}, DeniedCommand, 0},
		{"", cmdAuth, "auth a", nil, Allowed, 0},
		{"+get", cmdGet, "get a", []Key{r}, DeniedKey, 1},
		{"+get ~*", cmdGet, "get a", []Key{r}, Allowed, 0},
		{"+get ~a*", cmdGet, "get a", []Key{r}, Allowed, 0},
		{"+get ~a*", cmdGet, "get b", []Key{r}, DeniedKey, 1},
		{"+get %R~a", cmdGet, "get a", []Key{r}, Allowed, 0},
		{"+get %W~a", cmdGet, "get a", []Key{r}, DeniedKey, 1},
		{"+set %W~a", cmdSet, "set a b", []Key{w}, Allowed, 0},
		{"+set %R~a", cmdSet, "set a b", []Key{w}, DeniedKey, 1},
		{"+set %R~a %W~a", cmdSet, "set a b get", []Key{{1, Read | Write}}, Allowed, 0},
		{"+set %R~a* %W~*a", cmdSet, "set a b get", []Key{{1, Read | Write}}, DeniedKey, 1},
		{"+exists %W~a", cmdExists, "exists a", []Key{{1, 0}}, Allowed, 0},
		{"+exists %W~a", cmdExists, "exists b", []Key{{1, 0}}, DeniedKey, 1},
		{"+del ~a", cmdDel, "del a b", []Key{w, {2, Write}}, DeniedKey, 2},
		{"+select|0", cmdSelect, "select 0", nil, Allowed, 0},
		{"+select|0", cmdSelect, "select 1", nil, DeniedCommand, 0},
		{"+select|Zero", cmdSelect, "select zERO", nil, Allowed, 0},
		{"+select|0", cmdSelect, "select", nil, DeniedCommand, 0},
		{"+config -config|set", cmdConfigSet, "config set a b", nil, DeniedCommand, 0},
		{"+config -config|set", cmdConfigGet, "config get a", nil, Allowed, 0},
		{"+@slow", cmdConfigGet, "config get a", nil, Allowed, 0},
		{"+@all -@slow", cmdConfigGet, "config get a", nil, DeniedCommand, 0},
		{"(+get ~a) (+set ~b)", cmdSet, "set b", []Key{w}, Allowed, 0},
		{"(+get ~a) (+set ~b)", cmdSet, "set a", []Key{w}, DeniedKey, 1},
		{"(+get ~a) (+set ~b)", cmdDel, "del a", []Key{w}, DeniedCommand, 0},
		{"+del ~a ~b (+del ~b)", cmdDel, "del a c", []Key{w, {2, Write}}, DeniedKey, 2},
		{"+get ~a (~b)", cmdGet, "get b", []Key{r}, DeniedKey, 1},
	} {
		rules := mustRules(t, strings.Fields(c.rules)...)
		var args [][]byte
		for _, a := range strings.Fields(c.args) {
			args = append(args, []byte(a))
		}
		if got, at := rules.Check(c.command, args, c.keys); got != c.want || at != c.at {
			t.Errorf("%d: %q, %q: got %v at %d, want %v at %d", i, c.rules, c.args, got, at, c.want, c.at)
		}
		if len(c.keys) == 1 && c.want != Allowed && rules.FirstAllows(c.command, args[c.keys[0].At], c.keys[0].Access) {
			t.Errorf("%d: %q, %q: the first selector allows it", i, c.rules, c.args)
		}
		if rules.Outright(c.command) && c.want != Allowed {
			t.Errorf("%d: %q, %q: is allowed outright", i, c.rules, c.args)
		}
	}
}

func TestOutright(t *testing.T) {
	for rules, want := range map[string]string{
		"":                         "auth",
		"+@all":                    "select auth config config|get config|set flushall",
		"+@read ~*":                "get exists auth",
		"+get ~a* (+get +set ~*)":  "get set auth",
		"+select|0 ~*":             "auth",
		"+@all ~* -select":         "get set del exists auth config config|get config|set flushall",
		"+get allkeys (+@all)":     "get select auth config config|get config|set flushall",
		"(+@all %R~* %W~*)":        "*",
		"+@all ~* -get +get":       "*",
		"+@read ~* (+@all -@read)": "get exists select auth config config|get config|set flushall",
	} {
		r := mustRules(t, strings.Fields(rules)...)
		var names []string
		for id, c := range r.catalog.commands {
			if r.Outright(id) {
				names = append(names, c.Name)
			}
		}
		got := strings.Join(names, " ")
		if r.Unrestricted() {
			got = "*"
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", rules, got, want)
		}
	}
}

// TestAbsentCommands: rules about what cannot be called are kept and shown like others, and allow nothing.
func TestAbsentCommands(t *testing.T) {
	const get, cluster, list, push = 0, 1, 2, 3
	catalog := NewCatalog([]string{"read", "write"}, []Command{
		get: {Name: "get", Categories: catRead, HasKeys: true}, cluster: {Name: "cluster"},
		list: {Name: "lrange", Categories: catRead, Absent: true}, push: {Name: "lpush", Categories: catWrite, Absent: true},
		{Name: "cluster|info", Absent: true}, {Name: "cluster|nodes", Absent: true}, {Name: "object", Absent: true}, {Name: "object|freq", Absent: true},
	})
	for _, test := range []struct {
		rules, want  string
		unrestricted bool
		allowed      string // of the ways to call CLUSTER
	}{
		{"+lpush -get", "off sanitize-payload resetchannels -@all +lpush -get", false, ""},
		{"+lrange", "off sanitize-payload resetchannels -@all +lrange", false, ""},
		{"+@all ~* -lrange", "off sanitize-payload ~* resetchannels +@all -lrange", true, "cluster,cluster info,cluster nodes,cluster x"},
		{"+@all ~* -@write -object|freq", "off sanitize-payload ~* resetchannels +@all -@write -object|freq", true, "cluster,cluster info,cluster nodes,cluster x"},
		{"+@all ~* -get", "off sanitize-payload ~* resetchannels +@all -get", false, "cluster,cluster info,cluster nodes,cluster x"},
		{"+lrange|a", "off sanitize-payload resetchannels -@all +lrange|a", false, ""},
		{"+CLUSTER|Info", "off sanitize-payload resetchannels -@all +cluster|info", false, "cluster info"},
		{"+cluster -cluster|nodes", "off sanitize-payload resetchannels -@all +cluster -cluster|nodes", false, "cluster,cluster info,cluster nodes,cluster x"},
	} {
		r, err := newRules(catalog).apply(strings.Fields(test.rules))
		if err != nil {
			t.Errorf("%q: %v", test.rules, err)
			continue
		}
		var allowed []string
		for _, call := range []string{"cluster", "cluster info", "cluster nodes", "cluster x"} {
			var args [][]byte
			for _, word := range strings.Fields(strings.ToUpper(call)) {
				args = append(args, []byte(word))
			}
			if why, _ := r.Check(cluster, args, nil); why == Allowed {
				allowed = append(allowed, call)
			}
		}
		if got := strings.Join(allowed, ","); r.String() != test.want || r.Unrestricted() != test.unrestricted || got != test.allowed {
			t.Errorf("%q: %s, unrestricted %v, allowed %q; want %+v", test.rules, r, r.Unrestricted(), got, test)
		}
	}
	for _, rule := range []string{"+cluster|none", "-cluster|none", "+lpop", "-lrange|a"} {
		var e *RuleError
		if _, err := newRules(catalog).apply([]string{rule}); !errors.As(err, &e) || e.Reason != errUnknown {
			t.Errorf("%q: got %v", rule, err)
		}
	}
}

func TestUsers(t *testing.T) {
	us := NewUsers(testCatalog())
	if !us.Open() || !us.Default().Rules().Unrestricted() {
		t.Error("the default user may not do everything at the start")
	}
	us.SetPassword("x")
	if us.Open() || us.Authenticate("default", []byte("y")) != nil || us.Authenticate("default", []byte("x")) != us.Default() {
		t.Error("the password of the default user does not hold")
	}
	us.SetPassword("")
	if !us.Open() || us.Authenticate("default", []byte("y")) != us.Default() {
		t.Error("the default user still needs a password")
	}
	a, err := us.Change("a", []string{"on", ">x", ">y"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]*User{"x": a, "y": a, "": nil, "z": nil, "x\x00": nil, digestOfX: nil} {
		if got := us.Authenticate("a", []byte(password)); got != want {
			t.Errorf("password %q: got %v", password, got)
		}
	}
	if us.Authenticate("nobody", []byte("x")) != nil || us.Authenticate("A", []byte("x")) != nil {
		t.Error("an unknown user logged in")
	}
	if again, err := us.Change("a", []string{"off"}, 0); again != a || err != nil || us.Authenticate("a", []byte("x")) != nil {
		t.Errorf("a disabled user logged in: %v", err)
	}
	for _, name := range []string{"a b", "a\x00", "\n"} {
		if _, err := us.Change(name, nil, 0); err == nil {
			t.Errorf("no error for the name %q", name)
		}
	}
	if us.Delete("default") != nil || us.Delete("b") != nil || us.Delete("a") != a || us.Find("a") != nil || len(us.List()) != 1 {
		t.Error("deleting the wrong users")
	}
}

func TestLoad(t *testing.T) {
	us := NewUsers(testCatalog())
	a, _ := us.Change("a", []string{"on"}, 0)
	gone, err := us.Load("\nuser b on (+get ~x) >x\r\n  user c  off \n", "f")
	if err != nil || !slices.Equal(gone, []*User{a}) {
		t.Fatalf("got %v gone, error %v", gone, err)
	}
	const want = "user b on sanitize-payload #" + digestOfX + " resetchannels -@all (~x resetchannels -@all +get)\n" +
		"user c off sanitize-payload resetchannels -@all\nuser default on nopass sanitize-payload ~* &* +@all\n"
	if got := string(us.Text()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := us.Disabled(); !slices.Equal(got, []string{"c"}) {
		t.Errorf("disabled: %v", got)
	}
	def := us.Default()
	if _, err := us.Load("user default on >y +get ~a", "f"); err != nil || us.Default() != def || us.Find("default") != def || us.Open() || us.Find("b") != nil {
		t.Errorf("loading the default user: %v", err)
	}
	us.SetPassword("x")
	if _, err := us.Load("user b on", "f"); err != nil || us.Open() || us.Authenticate("default", []byte("x")) == nil {
		t.Errorf("a file without the default user drops its password: %v", err)
	}
}

func TestLoadIsAllOrNothing(t *testing.T) {
	us := NewUsers(testCatalog())
	before := string(us.Text())
	const text = "user a on\nnot a user\n\nuser a off\nuser\nuser b +nope -nope secret secret2\nuser c\x00 on\nuser d (+get"
	const want = "f:2 should start with user keyword followed by the username. WARNING: Duplicate user 'a' found on line 4. " +
		"f:5 should start with user keyword followed by the username. " +
		"f:6: Error in applying operation '+nope': Unknown command or category name in ACL. " +
		"f:6: Error in applying operation '-nope': Unknown command or category name in ACL. f:6: Syntax error. " +
		"'f:7: username 'c\x00' contains invalid characters. f:8: Unmatched parenthesis in selector definition. " +
		"WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
	if _, err := us.Load(text, "f"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if got := string(us.Text()); got != before {
		t.Errorf("a refused file left %s", got)
	}
}

func TestLog(t *testing.T) {
	var l Log
	add := func(object string, time int64) { l.Add(Event{Why: DeniedKey, Object: object, Time: time}, 20) }
	shown := func() string {
		text := ""
		for _, e := range l.Events(100) {
			text += fmt.Sprintf("%.8s:%d@%d-%d#%d ", e.Object, e.Count, e.Created, e.Time, e.ID)
		}
		return text
	}
	add("a", 1)
	add("b", 2)
	add("a", 60_001)
	if got, want := shown(), "a:2@1-60001#0 b:1@2-2#1 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	add("a", 120_002) // more than a minute later
	if got, want := shown(), "a:1@120002-120002#2 a:2@1-60001#0 b:1@2-2#1 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for i := range 25 {
		add(strings.Repeat("x", 2000)+fmt.Sprint(i), 120_002) // alike in what is kept
		add(fmt.Sprint("n", i), 120_002)
	}
	events := l.Events(100)
	if len(events) != 20 || len(events[1].Object) != textKept || events[1].Count != 25 || len(l.Events(3)) != 3 {
		t.Errorf("%d entries: %s", len(events), shown())
	}
	l.Add(Event{Client: strings.Repeat("x", 2000)}, 20) // with a name that the client chose
	if n := len(l.Events(1)[0].Client); n != textKept {
		t.Errorf("%d bytes are kept of a client's line", n)
	}
	l.Reset()
	if len(l.Events(1)) != 0 {
		t.Error("reset leaves entries")
	}
	add("a", 3)
	if e := l.Events(1)[0]; e.ID != 3+26+1 {
		t.Errorf("the entry made after a reset has ID %d", e.ID)
	}
}
