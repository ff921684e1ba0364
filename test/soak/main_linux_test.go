package soak

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/netserver"
	"github.com/redistill/redistill/test/servertest"
)

var (
	length = flag.Duration("soak", 10*time.Second, "how long TestSoak runs on each I/O path")
	only   = flag.String("io", "", "the I/O path to run on; empty is each one")
	seed   = flag.Uint64("seed", rand.Uint64(), "what the random choices of TestSoak follow from, as far as they do not depend on when things happen")
	cpus   = flag.String("server-cpus", "", "the processors that servers are pinned to, such as 0 or 0,1; empty is all")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(servertest.Main(m))
}

// paths are the I/O paths to run on: those that this machine allows.
func paths() []string {
	if *only != "" {
		return []string{*only}
	}
	list := []string{netserver.Portable, netserver.Epoll}
	if _, _, err := netserver.ChoosePath(netserver.IOUring); err == nil {
		list = append(list, netserver.IOUring)
	}
	return list
}

// server is a server's process, which may not log an error.
type server struct {
	*servertest.Server
	tb       testing.TB
	expected []string // messages of errors that it may log all the same
}

// startServer starts a server on the processors that it is to run on.
func startServer(tb testing.TB, args ...string) *server {
	tb.Helper()
	return startServerIn(tb, tb.TempDir(), args...)
}

// startServerIn is startServer in a directory that is there.
func startServerIn(tb testing.TB, dir string, args ...string) *server {
	tb.Helper()
	if *cpus != "" {
		args = append([]string{"taskset", "-c", *cpus}, args...)
	}
	s := &server{Server: servertest.StartIn(tb, dir, args...), tb: tb}
	tb.Cleanup(func() {
		if err := s.Stop(); err != nil {
			tb.Error(err)
		}
		s.checkLog()
	})
	return s
}

// checkLog fails the test if the server has logged an error that is not expected, or could not end in its grace period.
func (s *server) checkLog() {
	for line := range strings.Lines(s.Log()) {
		bad := strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") || strings.Contains(line, "grace period is over")
		if bad && !slices.ContainsFunc(s.expected, func(m string) bool { return strings.Contains(line, m) }) {
			s.tb.Errorf("the server logged: %s", line)
		}
	}
}

// redistill returns the arguments of our server, for startServer.
func redistill(tb testing.TB, path string, more ...string) []string {
	args := []string{servertest.Program(tb), "serve", "--io", path, "--port", servertest.Port, "--unix-socket", servertest.Socket}
	return append(args, more...)
}

// contender is a server that a benchmark measures.
type contender struct {
	name string
	args []string // for startServer
}

// contenders are our server on each path, and redis-server if it is there. more and redisMore are further arguments.
func contenders(tb testing.TB, more, redisMore []string) []contender {
	var list []contender
	for _, path := range paths() {
		list = append(list, contender{path, redistill(tb, path, more...)})
	}
	if redis, err := exec.LookPath("redis-server"); err == nil {
		args := append([]string{redis, "--port", servertest.Port, "--unixsocket", servertest.Socket, "--save", "", "--maxclients", "20000"}, redisMore...)
		list = append(list, contender{"redis", args})
	}
	return list
}
