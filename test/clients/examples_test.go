package clients_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/tools/spawn"
)

// The examples use database 0, as their readers do.
const dbExamples = 0

func exampleDir(name string) string { return filepath.Join(repoRoot, "examples", name) }

// app is a running example and the browser that visits it.
type app struct {
	*process
	url     string
	browser *http.Client
}

// startFlask runs an example's app.py against e.
func startFlask(t *testing.T, name string, e endpoint) *app {
	t.Helper()
	dir := exampleDir(name)
	cmd := exec.Command(python(t, filepath.Join(dir, "requirements.txt")), "app.py")
	cmd.Dir = dir
	return startApp(t, cmd, e)
}

// startApp runs cmd with a free port in PORT, and stops it with the test.
func startApp(t *testing.T, cmd *exec.Cmd, e endpoint, env ...string) *app {
	t.Helper()
	port, err := spawn.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = environ(append(append(e.env(), "PORT="+port, "PYTHONDONTWRITEBYTECODE=1"), env...)...)
	p, err := startProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%v printed\n%s", cmd.Args, p.output())
		}
	})
	addr := "127.0.0.1:" + port
	if err := p.waitForPort(addr); err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &app{p, "http://" + addr, &http.Client{Jar: jar, Timeout: await.Limit}}
}

// page is an application's answer.
type page struct {
	status int
	cache  string // X-Cache
	body   string
}

// request sends a request with headers given as name, value, name, value.
func (a *app) request(t *testing.T, method, path string, headers ...string) page {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := a.browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page{res.StatusCode, res.Header.Get("X-Cache"), string(body)}
}

// requireCached visits a page that is not in the cache yet, and checks that
// its answers come from key of the server while that is there, and only then.
func requireCached(t *testing.T, a *app, client *redis.Client, path, key string, ttl time.Duration, old, changed string) {
	t.Helper()
	visit := func(cache, want string) {
		t.Helper()
		got := a.request(t, "GET", path)
		if got.status != http.StatusOK || got.cache != cache || !strings.Contains(got.body, want) {
			t.Errorf("GET %s = %d, %s, %s\nwant 200, %s, with %q in it", path, got.status, got.cache, got.body, cache, want)
		}
	}
	ctx := t.Context()
	visit("MISS", old)
	visit("HIT", old)
	requireTTL(t, client, key, ttl)
	value := must(t, client.Get(ctx, key))
	requireReply(t, client.Set(ctx, key, strings.ReplaceAll(value, old, changed), redis.KeepTTL), "OK")
	visit("HIT", changed)
	requireTTL(t, client, key, ttl)
	requireReply(t, client.PExpireAt(ctx, key, time.UnixMilli(1)), true)
	visit("MISS", old)
	visit("HIT", old)
}

func TestFlaskResponseCache(t *testing.T) {
	client := emptyDB(t, target, dbExamples)
	a := startFlask(t, "flask-response-cache", target)
	requireCached(t, a, client, "/api/users/7", "api:get_user:7", 300*time.Second, "User 7", "Somebody")
	requireCached(t, a, client, "/api/users/8", "api:get_user:8", 300*time.Second, "User 8", "Somebody")
}

func TestExpressCache(t *testing.T) {
	client := emptyDB(t, target, dbExamples)
	program, nodePath := node(t, exampleDir("express-cache"))
	cmd := exec.Command(program, "server.js")
	cmd.Dir = exampleDir("express-cache")
	a := startApp(t, cmd, target, nodePath)
	requireCached(t, a, client, "/api/products", "api:/api/products", 600*time.Second, "Product 100", "Product Zero")
	requireCached(t, a, client, "/api/products?page=2", "api:/api/products?page=2", 600*time.Second, "Product 100", "Product Zero")
}

// TestFlaskSession uses a password, as the example's document does.
func TestFlaskSession(t *testing.T) {
	e := passwordServer(t)
	client := emptyDB(t, e, dbExamples)
	a := startFlask(t, "flask-session", e)
	visit := func(method, path string, status int, want string) {
		t.Helper()
		got := a.request(t, method, path)
		if got.status != status || !strings.Contains(got.body, want) {
			t.Errorf("%s %s = %d, %s, want %d with %q in it", method, path, got.status, got.body, status, want)
		}
	}
	visit("GET", "/profile", http.StatusUnauthorized, "not logged in")
	visit("POST", "/login", http.StatusOK, "logged_in")
	visit("GET", "/profile", http.StatusOK, "john_doe")
	keys := must(t, client.Keys(t.Context(), "session:*"))
	if len(keys) != 1 {
		t.Fatalf("the server has the sessions %q, want one", keys)
	}
	requireTTL(t, client, keys[0], 24*time.Hour)

	if err := a.kill(); err != nil {
		t.Fatal(err)
	}
	restarted := startFlask(t, "flask-session", e)
	restarted.browser = a.browser // the cookie stays, whatever the port
	a = restarted
	visit("GET", "/profile", http.StatusOK, "john_doe")
	visit("POST", "/logout", http.StatusOK, "logged_out")
	visit("GET", "/profile", http.StatusUnauthorized, "not logged in")
	requireReply(t, client.Exists(t.Context(), keys[0]), 0)
}

func TestRateLimiter(t *testing.T) {
	client := emptyDB(t, target, dbExamples)
	a := startFlask(t, "rate-limiter", target)
	// The limit is per hour of the clock, so a run that begins in one hour and
	// ends in the next says nothing; the run after it cannot do the same.
	key, ok := exhaustLimit(t, a, client, "ann")
	if !ok {
		key, ok = exhaustLimit(t, a, client, "bob")
	}
	if !ok {
		t.Fatal("two runs in a row crossed the hour")
	}
	requireReply(t, client.Get(t.Context(), key), "100")
	requireTTL(t, client, key, time.Hour)
	if got := a.request(t, "GET", "/api/expensive-operation", "X-User-Id", "eve"); got.status != http.StatusOK {
		t.Errorf("another user's first request is answered %d, want 200", got.status)
	}
}

// exhaustLimit sends 101 requests, of which the last is to be refused. It
// returns the user's counter, or false when the hour changed meanwhile.
func exhaustLimit(t *testing.T, a *app, client *redis.Client, user string) (key string, ok bool) {
	t.Helper()
	var refused []string
	for n := 1; n <= 101; n++ {
		got := a.request(t, "GET", "/api/expensive-operation", "X-User-Id", user)
		if (got.status == http.StatusTooManyRequests) != (n == 101) {
			refused = append(refused, fmt.Sprintf("request %d is answered %d, %s", n, got.status, got.body))
		}
	}
	keys := must(t, client.Keys(t.Context(), "ratelimit:"+user+":*"))
	if len(keys) > 1 {
		return "", false
	}
	if len(refused) > 0 || len(keys) == 0 {
		t.Fatalf("the counters are %q; %s", keys, strings.Join(refused, "; "))
	}
	return keys[0], true
}

func TestTimedCache(t *testing.T) {
	client := emptyDB(t, target, dbExamples)
	a := startFlask(t, "timed-cache", target)
	var seen string
	visit := func(want, printed string) {
		t.Helper()
		got := a.request(t, "GET", "/products/42")
		if got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("GET /products/42 = %d, %s, want %q in it", got.status, got.body, want)
		}
		if seen += printed; cacheLines(a.output()) != seen {
			t.Errorf("the application printed %q, want %q", cacheLines(a.output()), seen)
		}
	}
	ctx := t.Context()
	visit("Widget", "MISS ")
	visit("Widget", "HIT ")
	requireTTL(t, client, "product:42", 600*time.Second)
	requireReply(t, client.Set(ctx, "product:42", `{"name": "Gadget"}`, redis.KeepTTL), "OK")
	visit("Gadget", "HIT ")
	requireReply(t, client.Del(ctx, "product:42"), 1)
	visit("Widget", "MISS ")
}

// cacheLines reduces the lines "Cache MISS: 1.23ms" of an output to "MISS ".
func cacheLines(output string) string {
	var b strings.Builder
	for line := range strings.Lines(output) {
		if rest, ok := strings.CutPrefix(line, "Cache "); ok {
			verdict, _, _ := strings.Cut(rest, ":")
			b.WriteString(verdict + " ")
		}
	}
	return b.String()
}
