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
// The portable path (netConn) is a goroutine for each connection, with blocking reads and writes on a net.Conn. It works on every
// system, and for TLS. On Linux there are event loops (loop, loopConn), which know their sockets through a poller: on an io_uring
// (uringPoller) where the system allows that, as many container runtimes do not, else on epoll (epollPoller). link is what a connection
// has on all of them.
//
// # Pipelines
//
// The commands of a pipeline are parsed ahead, up to 32 of them (batch), and the session is told of all before the first is executed, so
// that it can load what they need from memory together. An inline command ends the look ahead, because it can be parsed only once, and so
// does everything after which the next command may be read in another way. When a batch ends in the middle, the parser forgets what it saw
// ahead.
//
// # Event loops
//
// A goroutine for each connection costs two reads for a request, of which one finds nothing, and two trips through the scheduler. A
// loop takes the events of many connections with one call, reads each connection once and writes its replies at once. There is a loop
// for each core, on a thread of its own. They watch the listening sockets (loopListener); whichever has time accepts and gives
// each connection to the loop that has the fewest, itself if it can, where it stays. Loops share nothing else but the engine. A connection
// inherits the options of its socket from the listener, so that it costs no calls to set them. (A listening socket for each loop, with
// SO_REUSEPORT, leaves the dealing out to a hash, which spreads a few connections unevenly. A goroutine that accepts for all of them costs
// a trip through the scheduler for each connection, a third of what opening and closing one takes.)
//
// The Go scheduler costs more than the rest of the loop if it takes part in the waiting: around each blocking system call it hands the
// processor to another thread and back, and its monitor wakes up every 20 microseconds to do so. So the loop's calls are raw ones, which
// the scheduler does not see. For reading and writing that is harmless, because they never wait. For the wait itself it takes three rules
// (poller.wait):
//
//   - The scheduler interrupts a thread by a signal when it wants the world to stop, for the garbage collector say. The wait then ends with
//     EINTR, and the loop calls runtime.Gosched before it waits again.
//   - A waiting loop keeps its processor. GOMAXPROCS is raised above the number of loops, so that other goroutines run meanwhile.
//   - A loop without events for 10 ms waits with the ordinary call. An idle server thus gives its processors back and does not wake up.
//
// A loop blocks in nothing but this wait. A full socket makes its connection stuck: nothing more is executed for it until its replies are
// written. Other goroutines reach a connection through loop.post and an eventfd. A connection that may have more to do has to wait for its
// next turn behind the others.
//
// With epoll, events are edge-triggered, for reading and writing at once, so that a connection is registered once and never changed; in
// return loopConn remembers whether there may be more to read. Connections of a loop read into one buffer that they share, and commands
// are executed from there. Only what is left of an incomplete command is copied to the connection's own queryBuffer, which an idle
// connection does not have. The rest of a large value is read into that.
//
// With io_uring one system call hands over the replies of all connections and brings their next
// input, which the kernel puts into buffers that the loop lent it. A connection whose replies are
// on their way counts as stuck; in nearly all cases they are gone when that call returns. A
// connection with a large value under way, or whose input comes faster than it reads its replies,
// is switched over to a poll and read as with epoll, so that nothing piles up; so is one with a
// flood of commands, which would fill many buffers for one turn. One for whose input no buffer was
// left twice is read from once, so that those with much to say do not take all buffers again and
// again before it has its turn. Replies of more than 16 KB are written at once, as with epoll, and
// only their rest by the ring.
//
// The server's CPU time for a request beside redis-server's on each path, which is what all this is for, is in docs/performance.md.
//
// # TLS
//
// A connection over TLS is on the portable path, whatever path the others are on (tlsStream). Its session exists from the start, so that
// clients that do not come to the end of the handshake count as others do, can be killed, and are closed after handshakeTimeout. What a
// read returns is one record, which most clients fill with one pipeline. Replies go into records as large as can be, and those of up to
// 64 KB to the system with one call; Go's crypto/tls would make one for each. Its reads may be interrupted and go on, which waking needs; a
// write that was interrupted is the end of the connection, as everywhere.
//
// # Large values
//
// Strings that the engine keeps in parts, those of 16 KB and more, are not copied into a reply: it
// refers to the parts where they lie (resp.Out.Pieces), whose blocks stay as they are until the
// reply is written (engine.Pins, Session.Sent), and sendmsg takes head, parts and the rest of the
// pipeline together. Where the value is gone meanwhile, what is pinned counts for the budget of all
// clients. On their way in, values are copied once, out of the buffer that they were read into. To
// receive them where they will stay costs more (docs/performance.md): that memory is in no cache,
// so the kernel's copy takes as long as two with a buffer that is, and the key has to be read
// first, by a call of its own.
//
// # Who touches what
//
// Only a connection's own goroutine, or its loop, uses its buffers, its session and its socket for reading and writing; so replies and
// pushed messages never interleave. All that other goroutines may do is to wake it (served.wake): on the portable path by a deadline in
// the past, which interrupts its blocking read, on the others by loop.post. The connection then looks for the reason, and there are
// several: messages in the session's inbox, the end of CLIENT PAUSE or of a SAVE, CLIENT KILL, the idle timeout, memory to be given back,
// shutdown. A connection whose command waits goes on reading, which is how it notices that the client went away.
//
// Nobody sets a timer for each read: once a second the server looks at all connections (Server.sweep) and wakes those that have to do
// something about their idleness, or about a client that does not read. It passes them over where none can have (Server.lookout),
// so that ten thousand idle connections cost nothing.
//
// # Memory of a connection
//
// A connection's query buffer starts with 512 bytes of the Go heap. What is longer lies in
// engine.Buffers: 16 KiB when a read fills the first, and then as much as the parser says that the
// command needs. That may be half a gigabyte of addresses, which takes memory only as far as bytes
// have arrived. Replies lie there too. link.settle tells the session how much input there is, and
// where it is the beginning of a value, which the session counts as data to come; the session may
// say that the connection has to wait with reading (link.parked). The same way it ends replies that
// grow above their limit.
//
// Where clients that were closed still hold what others are to have, or values in replies are in
// the way, connections wait a moment before they read or execute (command.Server.Clogged). On the
// portable path, where each connection has room for input before there is any, it is 16 KiB for all
// but values.
//
// The system holds replies too, in the socket: little until a client has taken some
// (link.delivered), and more for one that goes on writing without reading, or both sides would wait
// for ever (link.lend). What it holds of one that takes nothing counts for the budget (link.weigh).
//
// After one to two idle seconds all of that is given back. A buffer above 128 KiB stays only until
// its command is executed, or its replies are written; where clients hold more than a quarter of
// their budget together, none stays, and less is read at once.
//
// # Why not redcon.ListenAndServe
//
// The stock redcon server is the baseline of a benchmark, not this path. Its handler gets one command at a time and never learns where
// a batch begins and ends, which is when the clock is read; it has no place for a command that must wait and be tried again (CLIENT
// PAUSE), no limits on query and output buffers, no way to interrupt a connection that waits in a read or write other than to close
// it, and its errors for malformed input are its own. Each of these would be a detour around it.
package netserver
