package main

import (
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// Each operator makes the mutants of a function's body that are expected, and no other.
func TestMutants(t *testing.T) {
	for _, test := range []struct {
		body string
		want []string // the bodies with each mutant
	}{
		{"return a < b", []string{"return a <= b"}},
		{"return a >= b", []string{"return a > b"}},
		{"return a == b && c", []string{"return a == b || c", "return a != b && c"}},
		{"return a + b*2", []string{"return a - b*2", "return a + b/2", "return a + b*3"}},
		{"return 0x10 | c", []string{"return 0x10 & c", "return 17 | c"}},
		{"x := f(); x++", []string{"x := f(); ", "x := f(); x--"}},
		{"x += 'a'", []string{"", "x -= 'a'"}},
		{"defer mu.Unlock()", []string{""}},
		{"if !a { f() }", []string{"if !(!a) { f() }", "if !a {  }"}},
		{"if a != b { return }", []string{"if a == b { return }"}},
		{"switch a { case 1: x = b }", []string{"switch a { case 1:  }", "switch a { case 2: x = b }"}},
		{"return nil, err", []string{"return nil, nil"}},
		{"return true, x", []string{"return false, x"}},
		{`if invariants.Enabled && a < 1 { f(1) }`, nil},
		{`s.Log.Warn("far", "from", 1)`, nil},
		{`return "a", 1.5`, nil},
	} {
		got := changed(t, "package p\nfunc g() any {", test.body, "}")
		if !slices.Equal(got, test.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", test.body, got, test.want)
		}
	}
}

func TestFunctionsThatReturnAtOnce(t *testing.T) {
	for head, want := range map[string][]string{
		"func g() {":                 {" return; "},
		"func g(x int) (n int) {":    {" return; "},
		"func g() int {":             nil,
		"func (t T) String() bool {": nil,
	} {
		if got := changed(t, "package p\n"+head, "", "}"); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", head, got, want)
		}
	}
}

// changed returns what each mutant makes of the text between head and tail.
func changed(t *testing.T, head, body, tail string) (bodies []string) {
	t.Helper()
	src := head + body + tail
	found, err := mutants("p.go", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range found {
		bodies = append(bodies, src[len(head):m.start]+m.text+src[m.end:len(src)-len(tail)])
	}
	return bodies
}

// Copies of functions go before what they are copies of, and errors in them are the mutant's.
func TestWeave(t *testing.T) {
	src := []byte("package p\n\nfunc a() { f(1) }\n\nfunc b(x int) int {\n\treturn x + 1 // one\n}\n")
	found, err := mutants("p/p.go", src)
	if err != nil {
		t.Fatal(err)
	}
	chosen := map[int]mutant{}
	for i, m := range found {
		chosen[i+1] = m
	}
	delete(chosen, 1)
	w := weave(src, chosen)
	const want = `package p

func a() {
if mutantAlive == 2 {  
return
}

if mutantAlive == 3 { f(2) 
return
}
 f(1) }

func b(x int) int {
if mutantAlive == 4 {
	return x - 1 // one

panic("unreachable")
}

if mutantAlive == 5 {
	return x + 2 // one

panic("unreachable")
}

	return x + 1 // one
}
`
	if string(w.text) != want {
		t.Errorf("got %s", w.text)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "p.go", w.text, 0); err != nil {
		t.Error(err)
	}
	out := "# p\np/p.go:9:2: undefined: f\n../elsewhere/p/p.go:22:1: too many\nq/p.go:14:1: not ours\np/p.go:27:1: not a mutant's\n"
	if got := blamed([]byte(out), map[string][]span{"p/p.go": w.lines}); len(got) != 2 || !got[3] || !got[5] {
		t.Errorf("blamed: %v", got)
	}
}

// The same seed gives the same mutants, another one others, and each is there once.
func TestSample(t *testing.T) {
	t.Chdir("../..")
	first := sampled(t, 1)
	if !slices.Equal(first, sampled(t, 1)) || slices.Equal(first, sampled(t, 2)) {
		t.Error("the seed does not say which mutants come")
	}
	seen := map[string]bool{}
	for _, m := range first {
		if seen[m.String()] || excluded[m.file] != "" || strings.HasSuffix(m.file, "_test.go") {
			t.Errorf("%s is among them, or again", m)
		}
		seen[m.String()] = true
	}
}

func sampled(t *testing.T, seed uint64) []mutant {
	t.Helper()
	all, err := sample(seed)
	if err != nil || len(all) < 1000 {
		t.Fatalf("%d mutants, %v", len(all), err)
	}
	return all
}
