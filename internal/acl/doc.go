// Package acl knows users: how they prove who they are, what they may do, and how both are written down. The rules, their texts and
// their errors are Redis's. The package knows no client and opens no file.
//
// # Terms
//
//	rule       a word that changes a user: "on", ">secret", "+get", "~session:*", "(%R~audit:* +get)"
//	selector   what some rules allow together: commands, key patterns, channel patterns. A user has a first one, and may have more,
//	           each written in parentheses. A command is allowed if one selector allows all of it.
//	catalog    the commands that there are, with their categories, as the table of commands has them, and those that only rules know
//	Rules      all about one user but the name. It is a value: a change makes another one
//	User       a name, with the Rules that hold now
//
// # What a check costs
//
// Rules are compiled when they are made. Most commands need no look at their arguments: they name no keys, or the selector allows every
// key. Which they are is one set of bits (Rules.Outright). A user for whom all commands are in it is unrestricted, and the caller need
// not ask at all.
//
// For the others the patterns matter (keys.go). Patterns begin with other bytes than most keys do, so they are found by the first byte
// of the key, and compared up to their first wildcard before any matching begins. Twenty patterns thus cost about as much as one.
//
// # Changes
//
// A check loads the user's Rules by one atomic pointer and takes no lock. Users is a map under a mutex, which logging in and changes
// take. Whoever has logged in keeps the User: rules that change hold for the next command. A user that was deleted stays with those who
// are logged in, and it is for the caller to close their connections.
//
// # What was not done
//
// A cache of decisions for each client would save matching the same keys again, and have to be emptied at every change. Redis lets quotes
// stand for something within a selector, and silently drops what stands before a second opening parenthesis; here a quote is a byte like
// others, and the second is an error. That and the refusal of a few words that Redis could not read back (a pattern in a selector that
// ends with a parenthesis, "%~x") is what makes the text of every user one that can be read again.
package acl
