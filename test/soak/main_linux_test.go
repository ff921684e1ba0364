package soak

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	// The server runs as a process of its own. Importing it makes "go test" run these tests again when it has changed.
	_ "github.com/redistill/redistill/cmd"
	"github.com/redistill/redistill/netserver"
)

var (
	length = flag.Duration("soak", 3*time.Second, "how long TestSoak runs on each I/O path")
	only   = flag.String("io", "", "the I/O path to run on; empty is each one")
	cpus   = flag.String("server-cpus", "", "the processors that servers are pinned to, such as 0 or 0,1; empty is all")
)

// program is the built server.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "test/soak:", err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "redistill-soak-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program = filepath.Join(dir, "redistill")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return m.Run(), nil
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

// redistill returns the arguments of our server, for startServer.
func redistill(path string, more ...string) []string {
	return append([]string{program, "serve", "--io", path, "--port", portMark, "--unix-socket", socketMark}, more...)
}

// contender is a server that a benchmark measures.
type contender struct {
	name string
	args []string // for startServer
}

// contenders are our server on each path, and redis-server if it is there. more and redisMore are further arguments.
func contenders(more, redisMore []string) []contender {
	var list []contender
	for _, path := range paths() {
		list = append(list, contender{path, redistill(path, more...)})
	}
	if redis, err := exec.LookPath("redis-server"); err == nil {
		args := append([]string{redis, "--port", portMark, "--unixsocket", socketMark, "--save", "", "--maxclients", "20000"}, redisMore...)
		list = append(list, contender{"redis", args})
	}
	return list
}
