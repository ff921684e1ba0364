// Package command is the server without its sockets: the table of commands, the gate that every command passes, the state of each
// client, and a thin handler for each command.
//
// # Terms
//
//	row       a Command in the table: name, arity, flags, where its keys are, what it locks, its handler
//	session   one client's state; a connection owns it and is the only goroutine that runs commands of it
//	batch     the commands that a connection read together; they see one time, and their replies are written together
//	gate      what happens to a command before and after its handler (gate.go)
//
// # The way of a command
//
// The connection parses input into words and calls
//
//	s.BeginBatch(now)
//	s.Prepare(requests)                 // optional, for several: loads what they will need
//	for each command: s.Exec(request)   // appends the reply to s.Out, or says Wait or Yield
//	s.EndBatch()
//	write s.Out, call s.Sent, and then write s.TakeInbox
//
// Exec does what Redis's processCommand does, in the same order, because clients can see it: unknown names come before arity, arity
// before the password, the password before the user's rules, these before the memory limit, all of them before MULTI queues the command.
//
//	admit ── error ──> reject ──> reply
//	  │
//	  ├── inside MULTI ──> enqueue ──> +QUEUED
//	  │
//	 run: lock ─> paused? killed? room? ─> handler ─> monitors ─> unlock ─> account
//
// A handler parses its arguments, calls one operation of the engine and appends one reply. An error that it returns takes the place of
// what it had appended. engine.ErrDamaged has a handler that only reads run again, as the engine has
// dropped what was damaged. One that writes might repeat an effect, and runs once, unless its row says
// that it is Repeatable.
//
// # Keys
//
// A row says where its keys are in the way of Redis's key specifications (keyspec.go): at a fixed
// place, behind a word, as many as a number says. Whoever needs the keys asks the row: the gate,
// which locks them, Prepare, users' rules, and COMMAND. Where the number of keys makes no sense a
// command has none, and its handler finds out for itself and says so.
//
// # Turns
//
// KEYS, SCAN, HSCAN and SSCAN may look at millions of names, so they take turns (walk.go): after a turn of
// about a millisecond Exec says Yield, the locks are given back, and the connection runs the next
// turn when it has served others. What was found is kept in the session until the last turn. In
// EXEC, which holds its locks to the end, the turns follow each other.
//
// # Locks
//
// Handlers never lock. The row says what they need (Locks, Keys), and the gate takes it before and gives it back after. So a value can
// be copied from the engine's memory straight into the reply, and EXEC can run many handlers under one set of locks: LockQueued takes
// the shards of the queued commands' and the watched keys in one go, in the engine's order of shards, or all shards if a queued command
// needs the whole keyspace. Nothing waits for a lock while it holds another, except in that order, so there is no deadlock.
//
// Inner locks are those of the registry of clients, the pause, the monitors and a session's inbox. Each may be taken with shards
// locked, and then a session's; no shard is ever locked while one of them is held.
//
// # Between clients
//
// Goroutines of other clients reach a session in five ways only: Kill, the mark that its user's rules have changed, the inbox (post), what
// it publishes for CLIENT LIST, and its name behind its mutex. Where the connection has to do something at once, they end in wake.
//
// CLIENT PAUSE, CLIENT KILL and what changes users lock every shard while they set their mark, and a command looks for marks with its locks
// held. Thus when they have answered, what they forbid has ended everywhere. What a command has to look at is one word, Server.alert, and one of its
// own; both are 0 nearly always.
//
// # What was not done
//
// One goroutine that runs everybody's commands would need no locks, and no other core. Locking inside the engine's operations would
// make GET shorter, but EXEC impossible. A queue of closures for MULTI would allocate; the words are copied into arrays that the next
// transaction uses again.
package command
