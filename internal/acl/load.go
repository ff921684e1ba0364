package acl

import (
	"errors"
	"maps"
	"strconv"
	"strings"
)

// Text returns all users, one a line, as Load reads them.
func (us *Users) Text() []byte {
	var text []byte
	for _, u := range us.List() {
		text = append(text, u.Line()...)
		text = append(text, '\n')
	}
	return text
}

// Line returns the user as a line of ACL LIST and of the file of users.
func (u *User) Line() string { return "user " + u.name + " " + u.Rules().String() }

// Load puts the users that text describes in the place of all there are, or none if anything in it is wrong. The default user keeps its
// identity; if the text does not have it, it may do everything and has the password that SetPassword was told last. All others of before
// are gone, also where there is one of the same name now; they are returned. file is the name that the error gives, which lists all
// that is wrong with the numbers of the lines, in Redis's words.
func (us *Users) Load(text, file string) (gone []*User, err error) {
	loaded, err := us.parse(text, file)
	if err != nil {
		return nil, err
	}
	us.mu.Lock()
	defer us.mu.Unlock()
	for u := range maps.Values(us.byName) {
		if u != us.def {
			gone = append(gone, u)
		}
	}
	def, ok := loaded[Default]
	if !ok {
		def = newUser(Default, newDefaultRules(us.catalog).withPassword(us.password))
	}
	us.def.rules.Store(def.Rules())
	loaded[Default] = us.def
	us.byName, us.bytes = loaded, 0
	for name, u := range loaded {
		us.bytes += size(name, u.Rules())
	}
	return gone, nil
}

// parse reads the lines of a file of users. Empty lines are nothing; there are no comments.
func (us *Users) parse(text, file string) (map[string]*User, error) {
	users := map[string]*User{}
	problems := ""
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.Trim(line, " \t\r")
		if line == "" {
			continue
		}
		problems += us.parseLine(users, strings.Split(line, " "), file, number)
	}
	if problems != "" {
		return nil, reason(problems + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
	}
	return users, nil
}

// parseLine adds the user of a line to users and returns what is wrong with it, or "".
func (us *Users) parseLine(users map[string]*User, words []string, file string, number int) (problems string) {
	at := file + ":" + strconv.Itoa(number)
	switch {
	case words[0] != "user" || len(words) < 2:
		return at + " should start with user keyword followed by the username. "
	case hasSpaces(words[1]):
		return "'" + at + ": username '" + words[1] + "' contains invalid characters. "
	case users[words[1]] != nil:
		return "WARNING: Duplicate user '" + words[1] + "' found on line " + strconv.Itoa(number) + ". "
	}
	u := newUser(words[1], newRules(us.catalog))
	users[u.name] = u
	rules, err := joinSelectors(words[2:])
	if err != nil {
		return at + ": Unmatched parenthesis in selector definition. "
	}
	next, told := u.Rules().clone(), false
	for _, rule := range rules {
		rule = strings.Trim(rule, "\t\r")
		switch err := next.applyOne(rule); {
		case err == nil:
		case errors.Is(err, errUnknown):
			problems += at + ": Error in applying operation '" + rule + "': " + err.Error() + ". "
		case !told: // the first one, without the rule, which may be a password
			problems += at + ": " + err.Error() + ". "
			told = true
		}
	}
	next.compile()
	u.rules.Store(next)
	return problems
}

// Disabled returns the names of the users who cannot log in, which in a file may be a mistake.
func (us *Users) Disabled() (names []string) {
	for _, u := range us.List() {
		if !u.Rules().enabled {
			names = append(names, u.name)
		}
	}
	return names
}
