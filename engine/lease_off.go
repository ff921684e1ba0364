//go:build !invariants

package engine

// Views are checked, and what callbacks are lent is copied, in builds with the tag invariants
// alone, see lease_on.go: here all of it is nothing.
type (
	views struct{}
	lease struct{}
	lent  struct{}
)

func (sh *shard) endViews() { _ = sh.views }
func (*shard) lease() lease { return lease{} }
func (lease) check()        {}

func (t *Tx) lendKeys(fn func(key []byte, typ Type) bool) func(key []byte, typ Type) bool {
	_ = t.lent
	return fn
}

func (*Tx) lendFields(fn func(field []byte, val Value) bool) func(field []byte, val Value) bool {
	return fn
}

func (*Tx) lendEach(fn func(field []byte, val Value)) func(field []byte, val Value) { return fn }

func lendMembers(fn func(member []byte) bool) func(member []byte) bool { return fn }

func lendMember(fn func(member []byte)) func(member []byte) { return fn }
