package cmd

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/tools/spawn"
)

// output is what a program has written so far.
type output struct {
	mu   sync.Mutex
	text []byte
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, b...)
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// ports waits until the server has said which ports the system chose for it.
func (o *output) ports(t *testing.T) (port, tlsPort string) {
	t.Helper()
	await.True(t, "the server has chosen a port", func() bool {
		port, tlsPort = spawn.ChosenPorts([]byte(o.String()))
		return port != ""
	})
	return port, tlsPort
}

// startOurs runs 'redistill serve' in this process until the test ends, on ports that it chooses.
func startOurs(t *testing.T, args ...string) *output {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int)
	log := new(output)
	go func() {
		args := append([]string{"serve", "--port", "auto", "--max-memory", "256mb"}, args...)
		ended <- run(ctx, args, strings.NewReader(""), log, log)
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("the server ended with %d: %s", code, log)
		}
	})
	return log
}

// startOnPort is startOurs that returns the port.
func startOnPort(t *testing.T, args ...string) (port string) {
	t.Helper()
	port, _ = startOurs(t, args...).ports(t)
	return port
}

// startRedis runs a real redis-server until the test ends, and returns its port.
func startRedis(t *testing.T, args ...string) (port string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no redis-server, which CI must have")
		}
		t.Skip("skipped, because redis-server is not installed")
	}
	if port, err = spawn.FreePort(); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir(),
		"--maxmemory", "512mb", "--maxmemory-policy", "noeviction"}, args...)...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return port
}

// serverProcess runs 'redistill serve' as a process, until stop or the end of the test, on a port
// that it chooses unless args name one.
func serverProcess(t *testing.T, args ...string) (pid int, log *output, stop func()) {
	t.Helper()
	c := exec.Command("redistill", append([]string{"serve", "--port", "auto", "--max-memory", "128mb"}, args...)...)
	log = new(output)
	c.Stderr = log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = c.Process.Kill()
		_ = c.Wait() // says that it was killed
	})
	t.Cleanup(stop)
	return c.Process.Pid, log, stop
}
