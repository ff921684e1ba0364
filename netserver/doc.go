// Package netserver is the network side of the server: listeners, connections, their buffers, pipelining, backpressure and orderly
// shutdown. It knows no command by name; everything that a client says goes through a command.Session.
//
// # From bytes to replies
//
//	socket -> queryBuffer -> conn.execute: BeginBatch, (Parser.Next, Session.Exec)*, EndBatch -> Session.Out.B -> socket
//
// What one read brought is a batch: all complete commands in it are executed before anything is written, so that a pipeline costs one
// read and one write. A batch ends early when 64 KiB of replies have gathered. Replies are written before the next command is looked
// at; as long as a client does not read, its connection neither reads nor executes. Thus what waits for a client is at most what one
// batch and one command replied, however fast it asks.
//
// # One connection code, several I/O paths
//
// conn is what every path has in common: it executes the commands at the start of a byte slice, wherever that slice lies, and says how
// to go on (a verdict). It does no I/O. A path reads, calls conn.execute, writes Session.Out.B, and obeys the verdict.
//
// This package has one path so far, the portable one (netConn): a goroutine for each connection, blocking reads and writes on a
// net.Conn. It works on every system, and for TLS.
//
// # Who touches what
//
// Only a connection's own goroutine uses its buffers, its session and its socket for reading and writing; so replies and pushed
// messages never interleave. All that other goroutines may do is to interrupt its blocking read (netConn.wake) by a deadline in the
// past. The goroutine then looks for the reason, and there are several: messages in the session's inbox, the end of CLIENT PAUSE, CLIENT
// KILL, the idle timeout, memory to be given back, shutdown. A connection that waits for CLIENT PAUSE goes on reading, which is how it
// notices that the client went away.
//
// Nobody sets a deadline for each read: once a second the server looks at all connections (Server.sweep) and interrupts those that have
// to do something about their idleness.
//
// # Memory of a connection
//
// A connection starts with a query buffer of 512 bytes inside its own structure. When a read fills that, it takes 16 KiB from a pool;
// when a command does not fit, it allocates what the parser asks for, in steps, so that an announced length costs nothing until the
// bytes arrive. After one to two idle seconds all of that is given back, and the reply buffer too.
//
// # Why not redcon.ListenAndServe
//
// The stock redcon server is the baseline of a benchmark, not this path. Its handler gets one command at a time and never learns where
// a batch begins and ends, which is when the clock is read; it has no place for a command that must wait and be tried again (CLIENT
// PAUSE), no limits on query and output buffers, no way to interrupt a connection that waits in a read or write other than to close
// it, and its errors for malformed input are its own. Each of these would be a detour around it.
package netserver
