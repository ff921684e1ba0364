// Package wire checks the server's replies byte for byte, over a socket.
//
// It holds tests only. The corpus in testdata/*.txt is one data file per
// command family. The same files run twice: against redistill, where every
// reply must be as written, and against a real redis-server, where every reply
// must be as written too unless testdata/differences.txt names the command and
// says why the two differ. Of what a user may not do, redis-server 7.0 is taken
// at its own words (see older). Each file runs once under RESP2 and once under
// RESP3. The second half of the package sends random command streams to both
// servers and compares every reply and the data left at the end (see
// TestRandomStreams and FuzzStreams), also with users whose rules change
// meanwhile (TestACLStreams), and the rules of users (TestACLIsRedis).
//
// # Format of a data file
//
// A file is a list of blocks. A block begins with its name in square brackets;
// it starts with an empty server and with fresh connections. Settings changed
// by CONFIG SET are not put back: a block that changes one restores it.
//
//	# A comment.
//	[SET with an expiry]
//	> SET k v EX 100
//	+OK
//	> TTL k
//	between 98 100
//	> GET k
//	"$1\r\nv\r\n"
//	b> GET missing
//	2 "$-1\r\n"
//	3 _
//
// Lines that act on a connection:
//
//	> ARG ARG ...   send a command and read its reply
//	>> "bytes" ...  write the concatenated arguments as they are, read nothing
//	<               read one (more) reply
//
// A name before the sign ("b>", "b>>", "b<") selects another connection, which
// is opened on first use. An argument is a bare word or a Go string literal; a
// literal followed by *N is repeated N times ("x"*70000).
//
// The lines after ">" and "<" are the expected reply. A "2 " or "3 " in front
// limits it to RESP2 or RESP3, otherwise it holds for both:
//
//	+OK               the reply is this line and CRLF
//	"$1\r\nv\r\n"     the reply is exactly these bytes
//	unordered "..."   the elements of the aggregate come in any order; a map's
//	                  entries stay whole; of a cursor reply (SCAN), this
//	                  concerns the list in second place
//	pairs "..."       the same for a flat list of field, value, field, value
//	between 98 100    an integer in this range; of a TTL, as if no time had passed
//	match REGEXP      the reply's bytes match the whole regular expression,
//	                  in which "." matches any byte
//	none              no reply is read (CLIENT REPLY OFF, a paused client)
//	closed            the server closed the connection
//
// When a block ends every connection still open is sent RESET and must answer
// exactly +RESET, so a reply too many in the block does not go unnoticed.
//
// The line "password WORD" before the first block makes the file run against
// servers that require this password. Its connections start unauthenticated,
// hence in RESP2, and the file runs once.
//
// # Running
//
//	go test ./test/wire                       both servers, short random run
//	go test ./test/wire -run TestRedis -rewrite
//	                                                  regenerate expectations from redis-server
//	go test ./test/wire -run TestRandomStreams -seconds 60 -seed 7
//	go test ./test/wire -run XXX -fuzz FuzzStreams -fuzzminimizetime 1x
//
// (Minimising fuzz inputs only slows the fuzzer down here: the coverage it sees
// is the harness's. FuzzStreams minimises a failing stream by itself.)
//
// WIRETEST_SERVER chooses the server under test: unset builds and starts this
// module's binary (GOFLAGS=-race reaches that build), "redis" starts a
// redis-server in its place, and host:port uses a server that already runs
// and whose data may be deleted. Without redis-server on the machine the tests
// that need it are skipped, or fail when CI=true.
package wire
