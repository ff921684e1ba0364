package soak

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/tools/client"
)

// visitor is a talker that comes again and again: in plain text or over TLS, in one protocol or the other, as the default user or as one of
// its own, whose rules nobody else changes.
type visitor struct {
	talker
	*scene
	number  int
	console *console
	visits  int

	// Of this visit:
	own      bool   // it has a user of its own
	password string // of that
	loads    int64  // ACL LOADs before it
	secure   bool   // it came over TLS
	known    bool   // with a certificate of its user
	id       string // of the client
	left     bool   // it has gone away, or was made to
}

// errAgain ends a visit that met something which was done to the server meanwhile, and could not begin.
var errAgain = errors.New("again")

func newVisitor(sc *scene, number int) *visitor {
	return &visitor{
		talker: talker{r: rand.New(rand.NewPCG(*seed, uint64(number))), most: 1 << 20}, scene: sc, number: number, console: sc.console(),
	}
}

// run visits until the time is over.
func (v *visitor) run() {
	defer v.console.close()
	for !v.over() {
		v.visits++
		err := v.inRegime(v.visit)
		v.tally.connections.Add(1)
		v.tally.missed.Add(v.missed)
		v.tally.refusals.Add(v.refusals)
		v.missed, v.refusals = 0, 0
		if err != nil && !v.excused(err) {
			v.t.Errorf("client %d on its visit %d, own user %v, TLS %v, memory short %v, RESP%d, rules %+v: %v", v.number, v.visits, v.own, v.secure,
				v.loose, v.proto, v.rules, err)
		}
	}
}

// excused reports whether an error has to do with what was done to the server.
func (v *visitor) excused(err error) bool {
	switch ended := errors.As(err, &lost{}); {
	case timedOut(err):
		return false
	case err == errAgain, v.own && v.loads != v.loadsBegun.Load():
		return true
	default:
		if ended && v.loose {
			v.tally.lost.Add(1)
		}
		return ended && v.loose
	}
}

// tidy deletes keys of an earlier visit that have no time to live, because the connection ended before they were given one.
func (v *visitor) tidy() error {
	earlier := fmt.Sprint("soak", v.number, "-", v.visits-untidy, ":")
	_, err := v.console.do("DEL", earlier+"n0", earlier+"n1", earlier+"h0", earlier+"h1")
	return err
}

// untidy is how many visits back tidy looks: what was sent by one that has gone away has been executed then.
const untidy = 3

// visit is one connection. What was written goes by itself.
func (v *visitor) visit(tight bool) error {
	v.loose, v.left, v.rules, v.user = tight, false, nil, "default"
	v.loads = v.loadsDone.Load()
	if err := v.tidy(); err != nil {
		return err
	}
	if v.own = v.r.IntN(5) < 2; v.own {
		if err := v.enroll(); err != nil {
			return err
		}
	}
	narrowed := v.narrowed.Load()
	err := v.arrive()
	if err == nil {
		defer func() { _ = v.conn.Close() }()
		err = v.login()
	}
	if err != nil {
		if v.secure && !timedOut(err) && (narrowed%2 == 1 || narrowed != v.narrowed.Load()) {
			return errAgain // this version of TLS, or the lack of a certificate, was refused
		}
		return err
	}
	if v.own && v.loads != v.loadsBegun.Load() {
		return errAgain // nobody knows whether the user is there
	}
	for time.Since(v.began) < min(maxStay, *length/20) && !v.left && !v.changing.Load() && !v.over() {
		if err := v.turn(); err != nil {
			return err
		}
	}
	return nil
}

// keyPrefix is that of the keys of this visit.
func (v *visitor) keyPrefix() string { return fmt.Sprint("soak", v.number, "-", v.visits, ":") }

// enroll makes the user of its own.
func (v *visitor) enroll() error {
	v.password = fmt.Sprint("s3cret-", v.number, "-", v.visits)
	if _, err := v.console.do("ACL", "DELUSER", v.name()); err != nil {
		return err
	}
	return v.obey(&profiles[v.r.IntN(len(profiles))])
}

func (v *visitor) name() string { return userName(v.number) }

// userName is the user of a visitor.
func userName(number int) string { return fmt.Sprint("visitor", number) }

// obey gives the user other rules.
func (v *visitor) obey(p *profile) error {
	words := append([]string{"ACL", "SETUSER", v.name(), "reset", "on", ">" + v.password}, p.words(v.keyPrefix())...)
	if err := v.console.expect("+OK", words...); err != nil {
		return err
	}
	v.rules = p
	v.tally.rules.Add(1)
	return nil
}

// arrive connects.
func (v *visitor) arrive() (err error) {
	var conn net.Conn
	v.secure, v.known = false, false
	switch v.r.IntN(6) {
	case 0, 1:
		conn, err = net.Dial("tcp", v.Addr)
	case 2, 3:
		conn, err = net.Dial("unix", v.Socket)
	default:
		v.secure = true
		conn, err = v.arriveSecurely()
	}
	if err != nil {
		return err
	}
	v.start(conn, v.keyPrefix())
	if v.r.IntN(20) == 0 {
		v.in = client.NewReader(slowly{conn, rand.New(rand.NewPCG(v.r.Uint64(), 0))}, largestReply)
	}
	return nil
}

// arriveSecurely connects over TLS, without a certificate, with one of nobody, or with that of the user, who is known by it.
func (v *visitor) arriveSecurely() (net.Conn, error) {
	var own []tls.Certificate
	switch n := v.r.IntN(3); {
	case n == 1:
		own = append(own, v.certs.ofClients)
	case n == 2 && v.own:
		own, v.known = append(own, v.certs.ofUsers[v.number]), true
	}
	return tls.DialWithDialer(&net.Dialer{Timeout: await.Limit}, "tcp", v.tlsAddr, v.certs.client(v.r.IntN(2) == 0, own...))
}

// slowly is a connection of which little is read at a time.
type slowly struct {
	net.Conn
	r *rand.Rand // of its own, as the visitor sends meanwhile
}

// Read waits first, as slow clients do.
func (s slowly) Read(b []byte) (int, error) {
	time.Sleep(time.Duration(s.r.IntN(500)) * time.Microsecond)
	return s.Conn.Read(b[:min(len(b), 4096)])
}

// login says who it is and how it wants to be spoken to.
func (v *visitor) login() error {
	v.clear()
	proto := 2 + v.r.IntN(2)
	hello := []string{"HELLO", strconv.Itoa(proto)}
	if v.own && !v.known {
		hello = append(hello, "AUTH", v.name(), v.password)
	}
	v.say(func(got []byte) bool {
		v.proto, v.want.Proto = proto, proto
		_, rest, ok := strings.Cut(string(got), "\r\nid\r\n:")
		v.id, _, _ = strings.Cut(rest, "\r\n")
		return ok && (got[0] == '%') == (proto == 3) && bytes.Contains(got, fmt.Appendf(nil, "\r\nproto\r\n:%d\r\n", proto))
	}, hello...)
	if v.own && !v.known && v.r.IntN(2) == 0 {
		v.say(func(got []byte) bool { return string(got) == "+OK\r\n" }, "AUTH", v.name(), v.password)
	}
	if err := v.do(); err != nil {
		return err
	}
	if v.own {
		v.user = v.name()
	}
	return nil
}

// turn says a pipeline, or does something else once in a while.
func (v *visitor) turn() error {
	if v.own && v.loadsDone.Load() > v.loads {
		v.tally.loads.Add(1)
		return v.gone()
	}
	switch n := v.r.IntN(600); {
	case n < 2:
		v.left = true
		v.make(1 + v.r.IntN(200))
		return v.abandon()
	case n < 6:
		return v.killed()
	case n < 7 && !v.own:
		return v.scan()
	case n < 30 && v.own:
		return v.obey(&profiles[v.r.IntN(len(profiles))])
	case n < 40 && v.own:
		return v.changeInTransaction()
	}
	v.make(1 + v.r.IntN([]int{1, 1, 16, 200}[v.r.IntN(4)]))
	err := v.do()
	v.tally.commands.Add(int64(len(v.steps)))
	return err
}

// gone tests that the server has ended the connection, and that it answers nothing that is said now.
func (v *visitor) gone() error {
	v.left = true
	_ = v.conn.SetDeadline(await.Deadline())
	_, _ = v.conn.Write([]byte("PING\r\n"))
	if got, err := readReply(v.in); !errors.As(err, &lost{}) || timedOut(err) {
		return fmt.Errorf("the server goes on with a client that it has killed: %.100q, %v", got, err)
	}
	return nil
}

// killed has the connection closed by the server, or its user deleted, in the middle of a pipeline.
func (v *visitor) killed() error {
	orders := [][]string{{"CLIENT", "KILL", "ID", v.id}, {"CLIENT", "KILL", "ID", v.id, "SKIPME", "no", "TYPE", "normal"}}
	if _, tcp := v.conn.LocalAddr().(*net.TCPAddr); tcp {
		// Another client may have the same address, if it connected to another port.
		orders = append(orders, []string{"CLIENT", "KILL", "ADDR", v.conn.LocalAddr().String(), "LADDR", v.conn.RemoteAddr().String()})
	}
	if v.own {
		deletion := []string{"ACL", "DELUSER", v.name()}
		orders = append(orders, []string{"CLIENT", "KILL", "USER", v.name()}, deletion, deletion, deletion)
	}
	words := orders[v.r.IntN(len(orders))]
	v.make(1 + v.r.IntN(200))
	talked := make(chan error, 1)
	go func() { talked <- v.do() }()
	got, err := v.console.do(words...)
	if e := <-talked; e != nil && (!errors.As(e, &lost{}) || timedOut(e)) {
		return e
	}
	if err != nil || got[0] != ':' || string(got) == ":0\r\n" && !v.loose {
		return fmt.Errorf("%q: got %.100q, %w", words, got, err)
	}
	v.tally.killed.Add(1)
	return v.gone()
}

// scan looks for the keys of its own among all.
func (v *visitor) scan() error {
	found := map[string]bool{}
	v.tally.scans.Add(1)
	for cursor := "0"; ; {
		v.clear()
		v.say(func(got []byte) bool {
			words, _, ok := parseScan(got)
			if !ok {
				return false
			}
			cursor = words[0]
			for _, key := range words[1:] {
				found[key] = true
			}
			return true
		}, "SCAN", cursor, "MATCH", v.prefix+"*", "COUNT", "1000")
		if err := v.do(); err != nil {
			return err
		}
		if cursor == "0" {
			break
		}
	}
	keys := v.keys()
	for _, key := range keys {
		if !found[key] && !v.mayMiss() {
			return fmt.Errorf("SCAN does not find %q", key)
		}
	}
	for key := range found {
		if !slices.Contains(keys, key) {
			return fmt.Errorf("SCAN finds %q, which is not there", key)
		}
	}
	return nil
}

// parseScan returns the cursor and the keys in a reply to SCAN.
func parseScan(got []byte) (words []string, n int, ok bool) {
	head, ok := bytes.CutPrefix(got, []byte("*2\r\n"))
	at := bytes.IndexByte(head, '*') // behind the cursor, which is a number
	if !ok || at < 0 {
		return nil, 0, false
	}
	end := at + bytes.IndexByte(head[at:], '\n') + 1
	return parseStrings(slices.Concat([]byte("*\r\n"), head[:at], head[end:]))
}

// changeInTransaction changes the rules between a command's queueing and EXEC.
func (v *visitor) changeInTransaction() error {
	key := v.prefix + "s0"
	value := v.value(key)
	set := []string{"SET", key, value, "EX", "20"}
	if v.denial([]string{"MULTI"}) != "" || v.denial(set) != "" {
		return nil
	}
	v.clear()
	v.say(func(got []byte) bool { return string(got) == "+OK\r\n" || v.refused(got) }, "MULTI")
	v.say(func(got []byte) bool { return string(got) == "+QUEUED\r\n" || v.refused(got) }, set...)
	if err := v.do(); err != nil {
		return err
	}
	if err := v.obey(&profiles[v.r.IntN(len(profiles)-1)]); err != nil { // the last one does not allow EXEC
		return err
	}
	want := "+OK\r\n"
	if denial := v.denial(set); denial != "" {
		want = "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. " +
			"This command is no longer allowed for the following reason: "
		if denial == deniedKey {
			want += "no permission to touch the specified keys\r\n"
		} else {
			want += "no permission to execute the command or subcommand\r\n"
		}
	}
	v.clear()
	v.say(func(got []byte) bool {
		if string(got) != "*1\r\n"+want {
			return v.loose && bytes.HasPrefix(got, []byte("-EXECABORT "))
		}
		if want == "+OK\r\n" {
			v.strings[key] = value
		}
		return true
	}, "EXEC")
	return v.do()
}
