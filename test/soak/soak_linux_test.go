package soak

import (
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redistill/redistill/test/servertest"
)

const visitors = 40

// TestSoak does to a server all that may happen to it in production, at once: random clients of all kinds who go away in the middle of
// whatever, changes of users, settings and certificates, reloads, snapshots, scarce memory. Each reply is checked by one who knows what it
// has to be. In the end nothing may be left of the connections: no descriptor, no goroutine, no memory. In a long run memory may not grow.
func TestSoak(t *testing.T) {
	t.Logf("seed %d", *seed)
	for _, path := range paths() {
		t.Run(path, func(t *testing.T) { soak(t, newScene(t, path)) })
	}
}

func soak(t *testing.T, sc *scene) {
	sc.expected = []string{
		"the TLS certificate cannot be used", // certificate and key change one after the other
		`error="the snapshot was given up: `, // databases were flushed, or keys changed too fast, or memory was full
	}
	c := sc.console()
	before, err := sc.held(c)
	if err != nil {
		t.Fatal(err)
	}
	c.close()
	var running sync.WaitGroup
	last := sc.begin(&running)
	samples := sc.watch()
	close(sc.stop)
	running.Wait()
	if t.Failed() {
		t.Logf("what happened before:%v", &sc.tally)
		return
	}
	all := last()
	c = sc.console()
	if err := c.expect("+OK", "DEBUG", "CHECK"); err != nil {
		t.Error(err)
	}
	c.close()
	t.Logf("CPU time %v%v", sc.Usage().CPU, &sc.tally)
	sc.expectNothingLeft(before, all)
	checkFlat(t, samples)
	if strings.Contains(sc.Log(), "s3cret") {
		t.Error("the log has a password")
	}
	if !t.Failed() && *length >= longRun {
		sc.empties(all)
	}
	if !t.Failed() {
		sc.restart(all)
	}
}

// restart ends the server while clients of all kinds are there, and tests that what it wrote at the end has all keys.
func (sc *scene) restart(all *contents) {
	var clients []net.Conn
	for _, dial := range []func() (net.Conn, error){
		func() (net.Conn, error) { return net.Dial("tcp", sc.Addr) },
		func() (net.Conn, error) { return net.Dial("unix", sc.Socket) },
		func() (net.Conn, error) {
			return tls.Dial("tcp", sc.tlsAddr, sc.certs.client(true, sc.certs.ofClients))
		},
	} {
		conn, err := dial()
		if err == nil {
			err = pinged(conn, make([]byte, len(pong)))
			clients = append(clients, conn)
		}
		if err != nil {
			sc.t.Fatal(err)
		}
	}
	if err := sc.Stop(); err != nil {
		sc.t.Error(err)
	}
	for _, conn := range clients {
		if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
			sc.t.Errorf("at the end a client gets %d bytes, %v", n, err)
		}
		_ = conn.Close()
	}
	s := &saver{scene: sc}
	dir, err := s.link()
	if err != nil {
		sc.t.Fatal(err)
	}
	loaded, err := s.loadHere(dir)
	if err == nil {
		err = all.same(loaded)
	}
	if err != nil {
		sc.t.Error("after a restart: ", err)
	}
}

// begin starts everything that happens to the server. When it is over, last has to be called, which compares what a snapshot has with what
// the server has, and returns that.
func (sc *scene) begin(running *sync.WaitGroup) (last func() *contents) {
	must := func(err error) {
		if err != nil {
			sc.t.Error(err)
			sc.t.FailNow()
		}
	}
	d, err := newDirector(sc)
	must(err)
	f, err := newFlusher(sc)
	must(err)
	s := &saver{scene: sc, console: sc.console()}
	for i := range ledgers {
		l, err := newLedger(sc, i)
		must(err)
		s.ledgers = append(s.ledgers, l)
		running.Go(func() { sc.repeat("ledger", 0, l.round); l.console.close() })
	}
	for i := range visitors {
		v := newVisitor(sc, i)
		running.Go(v.run)
	}
	pause := *length / 50
	running.Go(func() { sc.repeat("director", 0, d.act) })
	running.Go(func() { sc.repeat("flusher", min(pause, time.Second), f.round); f.console.close() })
	running.Go(func() { sc.repeat("scraper", min(pause, time.Second), sc.scrape) })
	running.Go(func() { sc.repeat("monitor", min(pause, 5*time.Second), sc.monitor) })
	running.Go(func() { sc.repeat("snapshots", pause, s.round) })
	return func() *contents {
		must(d.calm())
		all, err := s.last()
		must(err)
		d.console.close()
		s.console.close()
		return all
	}
}

// sample is what the process takes at a moment, and how much of its memory is there for keys.
type sample struct {
	servertest.Usage
	keys int64
}

// watch takes samples until the time is over and everything has happened once, or the test has failed.
func (sc *scene) watch() []sample {
	var samples []sample
	c := sc.console()
	defer c.close()
	every := time.NewTicker(max(*length/400, 20*time.Millisecond))
	defer every.Stop()
	for end := time.Now().Add(*length); !sc.t.Failed() && (time.Now().Before(end) || sc.tally.rounds.Load() == 0); {
		<-every.C
		u := sc.Usage()
		memory, err := c.info("memory")
		if err != nil {
			sc.t.Error(err)
			break
		}
		keys, err := strconv.ParseInt(memory["allocator_resident"], 10, 64)
		if err != nil {
			sc.t.Error(err)
		}
		samples = append(samples, sample{u, keys})
	}
	return samples
}

// longRun is from when on memory is expected to have come to rest in the first quarter: keys go after keyLife.
const longRun = 5 * time.Minute

// checkFlat compares the quarters of the time. The first is for warming up. Keys go after keyLife; how many there are follows how fast the
// clients are, so that it is the other memory that may not grow. Medians are compared, for the most is what clients took that were slow at one
// moment, and differs by a third from quarter to quarter.
func checkFlat(t *testing.T, samples []sample) {
	t.Helper()
	if len(samples) < 8 {
		return
	}
	var most [4]sample
	var others [4][]float64
	for i, u := range samples {
		n := i * 4 / len(samples)
		q := &most[n]
		q.Resident, q.Descriptors, q.Threads = max(q.Resident, u.Resident), max(q.Descriptors, u.Descriptors), max(q.Threads, u.Threads)
		q.keys, others[n] = max(q.keys, u.keys), append(others[n], float64(u.Resident-u.keys))
	}
	var usual [4]float64
	for i, q := range most {
		usual[i] = median(others[i])
		t.Logf("quarter %d: at most %d MB resident, %d MB for keys, %.0f MB for the rest (median %.0f), %d descriptors, %d threads", i+1,
			q.Resident>>20, q.keys>>20, slices.Max(others[i])/(1<<20), usual[i]/(1<<20), q.Descriptors, q.Threads)
	}
	if *length >= longRun && (usual[3] > usual[1]*1.1+16<<20 || most[3].Threads > most[1].Threads+4) {
		t.Error("memory or threads grow")
	}
}

// empties waits until the keys that visitors left have gone, and the memory of them with them.
func (sc *scene) empties(all *contents) {
	stay := 0
	for name, expires := range all.expires {
		stay += oneIf(name[:1] == "0" && expires < 0)
	}
	if stay > visitors*untidy*4 {
		sc.t.Errorf("%d keys have no time to live", stay)
	}
	c := sc.console()
	defer c.close()
	sc.Eventually("the keys of the visitors go by themselves", func() bool { return c.expect(fmt.Sprint(":", stay), "DBSIZE") == nil })
	sc.Eventually("the memory of keys that have gone is given back", func() bool {
		memory, err := c.info("memory")
		n, wrong := strconv.ParseInt(memory["used_memory_dataset"], 10, 64)
		return err == nil && wrong == nil && n < 32<<20 // what the ledgers have, and a few large values
	})
	sc.t.Logf("when the keys have gone: %d MB resident", sc.Usage().Resident>>20)
}

// TestStopped: a server that is stopped for a while (SIGSTOP) loses nothing of what clients send meanwhile, new ones among them.
func TestStopped(t *testing.T) {
	for _, path := range paths() {
		t.Run(path, func(t *testing.T) { stopped(t, startServer(t, redistill(t, path)...)) })
	}
}

func stopped(t *testing.T, s *server) {
	var clients []*talker
	open := func(n int) {
		t.Helper()
		for range n {
			i := len(clients)
			// Small values, so that the sockets take a pipeline which nobody reads.
			k := &talker{r: rand.New(rand.NewPCG(7, uint64(i))), most: 1000}
			conn, err := net.Dial("tcp", s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			k.start(conn, fmt.Sprint("stopped", i, ":"))
			t.Cleanup(func() { _ = k.conn.Close() })
			clients = append(clients, k)
		}
	}
	open(10)
	for range 3 {
		for i, k := range clients {
			k.make(50)
			if err := k.do(); err != nil {
				t.Fatalf("client %d: %v", i, err)
			}
		}
		s.Signal(syscall.SIGSTOP)
		s.Eventually("it is stopped", func() bool { return s.Usage().State == "T" })
		open(10)
		for i, k := range clients {
			k.make(20)
			if err := k.send(len(k.commands.B)); err != nil {
				t.Fatalf("client %d: %v", i, err)
			}
		}
		s.Signal(syscall.SIGCONT)
		for i, k := range clients {
			if err := k.check(len(k.steps)); err != nil {
				t.Fatalf("client %d: %v", i, err)
			}
		}
	}
}
