package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
)

// mutant is one small change of a function: the bytes of the file from start up to end are replaced.
type mutant struct {
	file       string
	line, col  int
	start, end int
	old, text  string // what is replaced, and by what
	function   function
}

// function is where the body of a function is, without its braces.
type function struct {
	start, end int
	naked      bool // it may return without naming results
}

// swapped has what an operator is replaced by.
var swapped = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR, token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.LAND: token.LOR, token.LOR: token.LAND,
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.MUL,
	token.SHL: token.SHR, token.SHR: token.SHL, token.AND: token.OR, token.OR: token.AND,
	token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN, token.INC: token.DEC, token.DEC: token.INC,
}

// mutator collects the mutants of a file.
type mutator struct {
	fset  *token.FileSet
	name  string
	src   []byte
	in    function
	found []mutant
}

// mutants returns every mutant of the functions of a file.
func mutants(name string, src []byte) ([]mutant, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	m := &mutator{fset: fset, name: name, src: src}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil && f.Name.Name != "String" { // which is for people
			m.function(f)
		}
	}
	return m.found, nil
}

// function adds the mutants of a function. One returns before it does anything, where no result has to be made up for that.
func (m *mutator) function(f *ast.FuncDecl) {
	r := f.Type.Results
	m.in = function{m.fset.Position(f.Body.Lbrace).Offset + 1, m.fset.Position(f.Body.Rbrace).Offset, r == nil || len(r.List[0].Names) > 0}
	if m.in.naked {
		m.replace(f.Body.Lbrace+1, f.Body.Lbrace+1, " return; ")
	}
	ast.Inspect(f.Body, m.visit)
}

// visit adds the mutants of a node and reports whether what is in it has some too.
func (m *mutator) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IfStmt:
		if isAssertion(n.Cond) {
			return false
		}
		m.negate(n.Cond)
	case *ast.BlockStmt:
		m.remove(n.List)
	case *ast.CaseClause:
		m.remove(n.Body)
	case *ast.CommClause:
		m.remove(n.Body)
	case *ast.ExprStmt:
		return !isLogging(n.X)
	case *ast.BinaryExpr:
		m.swap(n.OpPos, n.Op)
	case *ast.AssignStmt:
		m.swap(n.TokPos, n.Tok)
	case *ast.IncDecStmt:
		m.swap(n.TokPos, n.Tok)
	case *ast.BasicLit:
		m.count(n)
	case *ast.ReturnStmt:
		m.forgetResult(n)
	}
	return true
}

// replace adds the mutant that has text in the place of what is from one position to another.
func (m *mutator) replace(from, to token.Pos, text string) {
	p, q := m.fset.Position(from), m.fset.Position(to)
	m.found = append(m.found, mutant{m.name, p.Line, p.Column, p.Offset, q.Offset, string(m.src[p.Offset:q.Offset]), text, m.in})
}

// swap replaces an operator, where there is one to replace it by.
func (m *mutator) swap(at token.Pos, op token.Token) {
	if other, ok := swapped[op]; ok {
		m.replace(at, at+token.Pos(len(op.String())), other.String())
	}
}

// negate negates a condition, but for one that swap negates.
func (m *mutator) negate(cond ast.Expr) {
	if b, ok := cond.(*ast.BinaryExpr); ok && (b.Op == token.EQL || b.Op == token.NEQ) {
		return
	}
	m.replace(cond.Pos(), cond.End(), "!("+m.text(cond)+")")
}

// count adds one to an integer.
func (m *mutator) count(lit *ast.BasicLit) {
	if n, err := strconv.ParseInt(lit.Value, 0, 64); lit.Kind == token.INT && err == nil {
		m.replace(lit.Pos(), lit.End(), strconv.FormatInt(n+1, 10))
	}
}

// remove removes calls and assignments of a block. What declares a variable stays, because nothing else compiles without it.
func (m *mutator) remove(block []ast.Stmt) {
	for _, s := range block {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); !ok || isLogging(call) {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.IncDecStmt, *ast.DeferStmt:
		default:
			continue
		}
		m.replace(s.Pos(), s.End(), "")
	}
}

// forgetResult returns the other truth value, and nil in the place of an error.
func (m *mutator) forgetResult(r *ast.ReturnStmt) {
	for _, x := range r.Results {
		if id, ok := x.(*ast.Ident); ok {
			if other := map[string]string{"true": "false", "false": "true", "err": "nil"}[id.Name]; other != "" {
				m.replace(x.Pos(), x.End(), other)
			}
		}
	}
}

func (m *mutator) text(n ast.Node) string {
	return string(m.src[m.fset.Position(n.Pos()).Offset:m.fset.Position(n.End()).Offset])
}

// isAssertion reports whether what depends on a condition is compiled into tests alone.
func isAssertion(cond ast.Expr) bool {
	found := false
	ast.Inspect(cond, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == "invariants"
		return !found
	})
	return found
}

// isLogging reports whether an expression is a call of a method of a Logger, which is named Log where it is a field.
func isLogging(x ast.Expr) bool {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	logger, ok := method.X.(*ast.SelectorExpr)
	return ok && logger.Sel.Name == "Log"
}

func (m mutant) String() string {
	return fmt.Sprintf("%s:%d:%d: %q -> %q", m.file, m.line, m.col, m.old, m.text)
}
