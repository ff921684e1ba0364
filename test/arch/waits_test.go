package arch

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
)

// shortest is the shortest deadline that a test may set. Less is also reached
// on a machine that is busy, and then the test fails for no fault of the code.
const shortest = time.Minute

// waits are violations of the rule about time in tests that stay, and why.
// There should be few, and an entry that no longer applies is an error.
var waits = map[string]string{
	"netserver/faults_test.go: flood calls time.Now().Add with 200ms":               "on a slow machine the flood is over early, which cannot fail a test",
	"test/await/await.go: TrueEvery calls time.Sleep":                               "the place where tests wait",
	"test/clients/process_test.go: waitFor calls time.After with 20ms":              "the pause between two looks; TestMain has no test to wait in",
	"test/memory/snapshot_test.go: snapshotUnderLoad calls time.Sleep":              "of a benchmark, whose load goes on",
	"test/soak/client_linux_test.go: abandon calls time.Now().Add with 1s":          "of a client that goes away in the middle of what it sends",
	"test/soak/client_linux_test.go: mayMiss compares elapsed time with a constant": "allows keys to have expired where the machine was slow",
}

// soaks are the packages whose purpose is to let time pass while a load runs.
// They may sleep. Their deadlines have to be as long as any.
var soaks = []string{"test/faults", "test/soak"}

// TestWaits finds what makes a test depend on the speed of the machine. A test
// waits for an event with package await, or runs on a clock that it moves
// itself, such as that of testing/synctest. Benchmarks measure time and are
// left out.
func TestWaits(t *testing.T) {
	list := sources(t)
	constants := packageConstants(list)
	var found []string
	for _, s := range list {
		found = append(found, checkWaits(s, constants[s.dir()])...)
	}
	expect(t, found, waits)
}

// checkWaits returns what a file waits for by time. A file that no test uses
// may wait as it likes.
func checkWaits(s *source, constants map[string]ast.Expr) []string {
	if !ofTests(s) || strings.HasSuffix(s.path, "_bench_test.go") {
		return nil
	}
	var out []string
	for _, decl := range s.file.Decls {
		name := declared(decl)
		if strings.HasPrefix(name, "Benchmark") {
			continue
		}
		c := waitCheck{
			sleeps:    slices.Contains(soaks, s.dir()),
			constants: []map[string]ast.Expr{localConstants(decl), constants},
			elapsed:   map[string]bool{},
		}
		ast.Inspect(decl, c.visit)
		for _, v := range c.out {
			out = append(out, fmt.Sprintf("%s: %s %s", s.path, name, v))
		}
	}
	return out
}

// ofTests reports whether a file is part of tests or of what only tests import.
func ofTests(s *source) bool {
	dir := s.dir()
	return s.test || strings.HasPrefix(dir, "test/") || strings.HasSuffix(path.Base(dir), "test")
}

// declared returns the name of what a declaration declares, or of the first.
func declared(decl ast.Decl) string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return d.Name.Name
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok {
				return v.Names[0].Name
			}
		}
	}
	return ""
}

// waitCheck looks at one declaration.
type waitCheck struct {
	sleeps    bool // allowed
	constants []map[string]ast.Expr
	elapsed   map[string]bool // variables that hold the time that something took
	out       []string
}

func (c *waitCheck) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := qualified(n.Fun)
		if name == "synctest.Test" {
			return false // its clock does not depend on the machine
		}
		c.call(n, name)
	case *ast.AssignStmt:
		for i, to := range n.Lhs {
			if v, ok := to.(*ast.Ident); ok && c.tellsElapsed(n.Rhs[min(i, len(n.Rhs)-1)]) {
				c.elapsed[v.Name] = true
			}
		}
	case *ast.BinaryExpr:
		c.comparison(n)
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && strings.HasSuffix(key.Name, "Timeout") {
			c.deadline(n.Value, "sets "+key.Name)
		}
	}
	return true
}

// deadlines are the functions that take one, with the place among their
// arguments. time.Now().Add(d) is one too.
var deadlines = map[string]int{
	"time.After": 0, "time.NewTimer": 0, "time.AfterFunc": 0, "time.Tick": 0,
	"context.WithTimeout": 1, "context.WithTimeoutCause": 1, "net.DialTimeout": 2,
}

func (c *waitCheck) call(call *ast.CallExpr, name string) {
	if name == "time.Sleep" && !c.sleeps {
		c.report("calls " + name)
	}
	if at, ok := deadlines[name]; ok && at < len(call.Args) {
		c.deadline(call.Args[at], "calls "+name)
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "Add" || len(call.Args) != 1 {
		return
	}
	if now, ok := f.X.(*ast.CallExpr); ok && qualified(now.Fun) == "time.Now" {
		c.deadline(call.Args[0], "calls time.Now().Add")
	}
}

// deadline reports a deadline that is short. One that has passed already does
// not depend on the machine.
func (c *waitCheck) deadline(e ast.Expr, what string) {
	if d, ok := c.duration(e, 0); ok && d > 0 && d < shortest {
		c.report(fmt.Sprintf("%s with %s", what, d))
	}
}

// comparison reports one of elapsed time with a constant. Zero asks whether
// the clock went back, which is no matter of speed.
func (c *waitCheck) comparison(e *ast.BinaryExpr) {
	switch e.Op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
	default:
		return
	}
	for _, sides := range [][2]ast.Expr{{e.X, e.Y}, {e.Y, e.X}} {
		if d, ok := c.duration(sides[1], 0); ok && d != 0 && c.tellsElapsed(sides[0]) {
			c.report("compares elapsed time with a constant")
		}
	}
}

func (c *waitCheck) report(v string) {
	if !slices.Contains(c.out, v) {
		c.out = append(c.out, v)
	}
}

// tellsElapsed reports whether elapsed time is part of an expression.
func (c *waitCheck) tellsElapsed(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.Ident:
			found = found || c.elapsed[n.Name]
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.SelectorExpr)
			sub := ok && f.Sel.Name == "Sub" && len(n.Args) == 1 && isNow(f.X)
			found = found || sub || qualified(n.Fun) == "time.Since"
		}
		return !found
	})
	return found
}

// isNow reports whether an expression is the present time.
func isNow(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	return ok && qualified(call.Fun) == "time.Now"
}

// duration returns the value of a constant expression, as far as literals,
// units of time and constants of the same package go.
func (c *waitCheck) duration(e ast.Expr, depth int) (d time.Duration, ok bool) {
	v := c.value(e, depth)
	n, exact := constant.Int64Val(constant.ToInt(v))
	return time.Duration(n), v.Kind() != constant.Unknown && exact
}

var units = map[string]time.Duration{
	"time.Nanosecond": time.Nanosecond, "time.Microsecond": time.Microsecond,
	"time.Millisecond": time.Millisecond, "time.Second": time.Second,
	"time.Minute": time.Minute, "time.Hour": time.Hour,
}

func (c *waitCheck) value(e ast.Expr, depth int) constant.Value {
	const deepest = 20 // a constant that is defined by itself does not compile
	if depth > deepest {
		return constant.MakeUnknown()
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0)
	case *ast.ParenExpr:
		return c.value(e.X, depth+1)
	case *ast.UnaryExpr:
		if x := c.value(e.X, depth+1); e.Op == token.SUB && isNumber(x) {
			return constant.UnaryOp(token.SUB, x, 0)
		}
	case *ast.BinaryExpr:
		return arithmetic(e.Op, c.value(e.X, depth+1), c.value(e.Y, depth+1))
	case *ast.CallExpr:
		if qualified(e.Fun) == "time.Duration" && len(e.Args) == 1 {
			return c.value(e.Args[0], depth+1)
		}
	case *ast.SelectorExpr:
		if unit, ok := units[qualified(e)]; ok {
			return constant.MakeInt64(int64(unit))
		}
	case *ast.Ident:
		for _, scope := range c.constants {
			if defined, ok := scope[e.Name]; ok {
				return c.value(defined, depth+1)
			}
		}
	}
	return constant.MakeUnknown()
}

func arithmetic(op token.Token, x, y constant.Value) constant.Value {
	if !isNumber(x) || !isNumber(y) {
		return constant.MakeUnknown()
	}
	switch op {
	case token.QUO:
		if constant.Sign(y) == 0 {
			return constant.MakeUnknown()
		}
		return constant.ToInt(constant.BinaryOp(x, op, y))
	case token.ADD, token.SUB, token.MUL:
		return constant.BinaryOp(x, op, y)
	}
	return constant.MakeUnknown()
}

func isNumber(v constant.Value) bool {
	return v.Kind() == constant.Int || v.Kind() == constant.Float
}

// qualified returns a selector as package.Name, or "".
func qualified(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok {
			return x.Name + "." + s.Sel.Name
		}
	}
	return ""
}

// packageConstants returns, by directory and name, what constants outside
// functions are defined as.
func packageConstants(list []*source) map[string]map[string]ast.Expr {
	out := map[string]map[string]ast.Expr{}
	for _, s := range list {
		if out[s.dir()] == nil {
			out[s.dir()] = map[string]ast.Expr{}
		}
		for _, decl := range s.file.Decls {
			if d, ok := decl.(*ast.GenDecl); ok {
				addConstants(out[s.dir()], d)
			}
		}
	}
	return out
}

func localConstants(decl ast.Decl) map[string]ast.Expr {
	out := map[string]ast.Expr{}
	ast.Inspect(decl, func(n ast.Node) bool {
		if d, ok := n.(*ast.GenDecl); ok {
			addConstants(out, d)
		}
		return true
	})
	return out
}

func addConstants(to map[string]ast.Expr, d *ast.GenDecl) {
	if d.Tok != token.CONST {
		return
	}
	for _, spec := range d.Specs {
		v := spec.(*ast.ValueSpec)
		for i, name := range v.Names {
			if i < len(v.Values) {
				to[name.Name] = v.Values[i]
			}
		}
	}
}

func TestWaitsFindsViolations(t *testing.T) {
	for _, test := range []struct{ path, body, want string }{
		{"a/a_test.go", "time.Sleep(time.Hour)", "calls time.Sleep"},
		{"a/a.go", "time.Sleep(time.Hour)", ""},
		{"a/a_bench_test.go", "time.Sleep(time.Hour)", ""},
		{"test/servertest/a.go", "time.Sleep(x)", "calls time.Sleep"},
		{"test/await/a.go", "time.Sleep(x)", "calls time.Sleep"},
		{"test/soak/a_test.go", "time.Sleep(x)", ""},
		{"test/soak/a_test.go", "<-time.After(time.Second)", "calls time.After with 1s"},
		{"a/a_test.go", "synctest.Test(t, func(t *testing.T) { time.Sleep(1) })", ""},

		{"a/a_test.go", "<-time.After(time.Minute)", ""},
		{"a/a_test.go", "<-time.After(x)", ""},
		{"a/a_test.go", "<-time.After((60 - 1) * time.Second)", "calls time.After with 59s"},
		{"a/a_test.go", "<-time.After(time.Duration(5e8))", "calls time.After with 500ms"},
		{"a/a_test.go", "<-time.After(patience)", "calls time.After with 30s"},
		{"a/a_test.go", "const patience = time.Hour; <-time.After(patience)", ""},
		{"a/a_test.go", "time.NewTimer(time.Second / 2)", "calls time.NewTimer with 500ms"},
		{"a/a_test.go", "time.AfterFunc(1, f)", "calls time.AfterFunc with 1ns"},
		{"a/a_test.go", "context.WithTimeout(ctx, time.Second)", "calls context.WithTimeout with 1s"},
		{"a/a_test.go", "net.DialTimeout(a, b, 9)", "calls net.DialTimeout with 9ns"},
		{"a/a_test.go", "c.SetDeadline(time.Now().Add(patience))", "calls time.Now().Add with 30s"},
		{"a/a_test.go", "c.SetDeadline(time.Now().Add(-patience))", ""},
		{"a/a_test.go", "c.SetDeadline(base.Add(patience))", ""},
		{"a/a_test.go", "f(&options{ReadTimeout: patience})", "sets ReadTimeout with 30s"},

		{"a/a_test.go", "f(time.Since(x) < time.Hour)", "compares elapsed time with a constant"},
		{"a/a_test.go", "f(3 >= time.Since(x).Seconds())", "compares elapsed time with a constant"},
		{"a/a_test.go", "f(time.Now().Sub(x) > patience)", "compares elapsed time with a constant"},
		{"a/a_test.go", "took := time.Since(x); f(took < time.Hour)", "compares elapsed time with a constant"},
		{"a/a_test.go", "f(time.Since(x) < y)", ""},
		{"a/a_test.go", "f(time.Since(x) < 0)", ""},
		{"a/a_test.go", "f(time.Since(x) == time.Hour)", ""},
		{"a/a_test.go", "f(y.Sub(x) < time.Hour)", ""},
	} {
		const head = "package p\nconst patience = 30 * time.Second\nfunc f() {"
		s := parseText(t, test.path, head+test.body+"}")
		got := strings.Join(checkWaits(s, packageConstants([]*source{s})[s.dir()]), "\n")
		if want := test.path + ": f " + test.want; got != want && (got != "" || test.want != "") {
			t.Errorf("%s %q: got %q, want %q", test.path, test.body, got, test.want)
		}
	}
	benchmark := parseText(t, "a/a_test.go", "package p\nfunc BenchmarkF() { time.Sleep(1) }")
	if got := checkWaits(benchmark, nil); got != nil {
		t.Errorf("in a benchmark: got %q", got)
	}
}
