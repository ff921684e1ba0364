package acl

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"sync"
	"sync/atomic"
)

// Default is the name of the user that a client is before it logs in.
const Default = "default"

// User is a name under which clients log in, with the rules that hold for it. Any goroutine may call its methods.
type User struct {
	name  string // constant
	rules atomic.Pointer[Rules]
}

func newUser(name string, r *Rules) *User {
	u := &User{name: name}
	u.rules.Store(r)
	return u
}

// Name returns the user's name.
func (u *User) Name() string { return u.name }

// Rules returns the rules that hold now. It costs one atomic load.
func (u *User) Rules() *Rules { return u.rules.Load() }

// Users are the users of a server. Any goroutine may call its methods.
type Users struct {
	catalog *Catalog
	def     *User // constant: it is never deleted, and another one's rules become its own

	mu       sync.RWMutex // guards the fields below, and is held while rules change
	byName   map[string]*User
	bytes    int64  // about what the users with their rules take
	password string // what SetPassword was told last
}

// NewUsers returns the default user alone, who may do everything and needs no password.
func NewUsers(c *Catalog) *Users {
	def := newUser(Default, newDefaultRules(c))
	return &Users{catalog: c, def: def, byName: map[string]*User{Default: def}, bytes: size(Default, def.Rules())}
}

// Default returns the user that a client is before it logs in.
func (us *Users) Default() *User { return us.def }

// Open reports whether clients need not log in.
func (us *Users) Open() bool {
	r := us.def.Rules()
	return r.enabled && r.noPass
}

// Find returns the user of that name, or nil.
func (us *Users) Find(name string) *User {
	us.mu.RLock()
	defer us.mu.RUnlock()
	return us.byName[name]
}

// List returns all users in the order of their names.
func (us *Users) List() []*User {
	us.mu.RLock()
	defer us.mu.RUnlock()
	list := make([]*User, 0, len(us.byName))
	for _, u := range us.byName {
		list = append(list, u)
	}
	slices.SortFunc(list, func(a, b *User) int { return cmp.Compare(a.name, b.name) })
	return list
}

// Authenticate returns the user if the password is right and the user may log in, or nil. It hashes and compares in any case, so that the
// time does not tell whether there is such a user.
func (us *Users) Authenticate(name string, password []byte) *User {
	d := digest(sha256.Sum256(password))
	u := us.Find(name)
	rules := us.def.Rules()
	if u != nil {
		rules = u.Rules()
	}
	if !rules.accepts(d) {
		return nil
	}
	return u
}

// What a user takes: so many bytes, and for each one of his name and rules, as ACL LIST shows them,
// so many in the forms that they are kept in.
const (
	userBytes  = 1 << 10
	textCopies = 4
)

// size returns about what a user with the rules takes.
func size(name string, r *Rules) int64 {
	return userBytes + textCopies*int64(len(name)+len(r.String()))
}

const errFull = reason("All users together would have more rules than the limit of memory allows")

// Change applies rules to a user, who is made if there is none of that name: all of them, or none
// if there is an error. The text of the error is Redis's, but for the one that says that all users
// would take more than most bytes, if there is such a limit.
func (us *Users) Change(name string, rules []string, most int64) (*User, error) {
	if hasSpaces(name) {
		return nil, reason("Usernames can't contain spaces or null characters")
	}
	us.mu.Lock()
	defer us.mu.Unlock()
	u := us.byName[name]
	old, had := newRules(us.catalog), int64(0)
	if u != nil {
		old = u.Rules()
		had = size(name, old)
	}
	next, err := old.apply(rules)
	if err != nil {
		return nil, err
	}
	more := size(name, next) - had
	if most > 0 && more > 0 && us.bytes+more > most {
		return nil, errFull
	}
	us.bytes += more
	if u == nil {
		u = newUser(name, next)
		us.byName[name] = u
	} else {
		u.rules.Store(next)
	}
	return u, nil
}

// Delete removes a user, who stays with the clients that are logged in, and returns it, or nil if there is none of that name. The default
// user cannot be deleted.
func (us *Users) Delete(name string) *User {
	us.mu.Lock()
	defer us.mu.Unlock()
	u := us.byName[name]
	if u == us.def || u == nil {
		return nil
	}
	delete(us.byName, name)
	us.bytes -= size(name, u.Rules())
	return u
}

// SetPassword makes password the only one of the default user. If it is empty, none is needed.
func (us *Users) SetPassword(password string) {
	us.mu.Lock()
	defer us.mu.Unlock()
	us.password = password
	old := us.def.Rules()
	next := old.withPassword(password)
	us.bytes += size(Default, next) - size(Default, old)
	us.def.rules.Store(next)
}

// withPassword returns the rules with password in the place of all others.
func (r *Rules) withPassword(password string) *Rules {
	next := r.clone()
	next.noPass, next.passwords = password == "", nil
	if password != "" {
		next.passwords = []digest{sha256.Sum256([]byte(password))}
	}
	next.compile()
	return next
}
