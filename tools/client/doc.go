// Package client speaks to a server as its clients do: it knows how a server is
// named on the command line ([ParseTarget]), connects and logs in ([Dial]), sends
// commands and reads replies ([Conn]). 'redistill bench', 'stats' and 'plan' use
// it, and so do the tests. It treats any server alike, and trusts none.
//
// # Replies
//
// A [Reader] takes bytes from a stream until one reply is there whole. Where it
// ends follows from the grammar in internal/resp, which is that of RESP2 and RESP3.
// Then [redcon.ReadNextRESP] makes a [redcon.RESP] of a reply in RESP2, which is a
// view of the Reader's buffer: nothing is copied, and elements of arrays are read
// when they are asked for. [Reader.Raw] returns the bytes alone, in both versions of
// the protocol.
//
// redcon's function is for replies that are complete and well-meant. It cannot tell
// a reply of which bytes are missing from one that is malformed, begins an array
// anew each time it is called, indexes beyond the buffer where an announced length
// overflows, and calls itself for each level of nesting, which a few megabytes of
// "*1" make deep enough to end the process. So it sees only what a frame has let
// pass: whole replies, of a size and a depth that are bounded, each part of which was
// looked at once however the network split them. A length that is announced reserves
// no memory, and one that is too large is refused as soon as it is read.
//
// The load of bench takes the bytes alone ([Conn.Next]): a first byte says all that it
// wants to know of a reply. With redcon, bench needed 1.12 of the CPU time outside of
// the kernel, and 1.05 of all, for a request in pipelines of 16 (medians of 12 pairs of
// runs of 2,000,000 requests on loopback, bench pinned to a core of its own); with
// single requests there was no difference.
//
// # Errors
//
// An error that the server replied is a [ServerError]. What fails below has one
// wording, whichever tool meets it: [ErrClosed], [ErrNoAnswer], [ErrNotRedis] and
// [ErrPassword]. What a server says is printed without control characters, and no
// error shows a password.
package client
