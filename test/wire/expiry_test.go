package wire

import (
	"strings"
	"testing"

	"github.com/redistill/redistill/test/await"
)

// TestWatchSeesExpiry: a transaction is given up when a watched key has expired. A data file cannot say that, because on a busy machine a key
// with a short time to live may be gone before it is watched.
func TestWatchSeesExpiry(t *testing.T) {
	parallel(t)
	for name, srv := range map[string]server{"redistill": startSubject(t, ""), "redis-server": startRedis(t, "")} {
		t.Run(name, func(t *testing.T) {
			c, err := dial(srv.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			do := func(want string, args ...string) {
				t.Helper()
				if err := c.mustReply(want, args...); err != nil {
					t.Fatal(err)
				}
			}
			await.True(t, "a key is watched before it expires", func() bool {
				do("+OK", "UNWATCH")
				do("+OK", "SET", "k", "v", "PX", "100")
				do("+OK", "WATCH", "k")
				there, err := c.do("EXISTS", "k")
				return err == nil && string(there.head) == ":1"
			})
			do("+OK", "DEBUG", "SLEEP", "0.11")
			do("+OK", "MULTI")
			do("+QUEUED", "PING")
			do("*-1", "EXEC")
		})
	}
}

// TestPauseKeepsExpired: a key that expires while writes are paused is not seen, but it is removed
// and counted only afterwards.
func TestPauseKeepsExpired(t *testing.T) {
	parallel(t)
	for name, srv := range map[string]server{"redistill": startSubject(t, ""), "redis-server": startRedis(t, "")} {
		t.Run(name, func(t *testing.T) {
			c, err := dial(srv.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			reply := func(args ...string) string {
				t.Helper()
				r, err := c.do(args...)
				if err != nil {
					t.Fatal(err)
				}
				return string(r.wire())
			}
			await.True(t, "writes are paused before the key expires", func() bool {
				reply("CLIENT", "UNPAUSE")
				reply("CONFIG", "RESETSTAT")
				reply("SET", "k", "v", "PX", "200")
				reply("CLIENT", "PAUSE", "1000000000", "WRITE")
				return reply("DBSIZE") == ":1\r\n" && strings.Contains(reply("INFO", "stats"), "expired_keys:0\r\n")
			})
			reply("DEBUG", "SLEEP", "0.21")
			if got := reply("GET", "k"); got != "$-1\r\n" {
				t.Errorf("GET of the expired key: %q", got)
			}
			if got := reply("DBSIZE"); got != ":1\r\n" {
				t.Errorf("DBSIZE during the pause: %q", got)
			}
			if got := reply("INFO", "stats"); !strings.Contains(got, "expired_keys:0\r\n") {
				t.Errorf("the key is counted during the pause: %q", got)
			}
			reply("CLIENT", "UNPAUSE")
			await.True(t, "the key is removed after the pause", func() bool {
				return reply("DBSIZE") == ":0\r\n" && strings.Contains(reply("INFO", "stats"), "expired_keys:1\r\n")
			})
		})
	}
}
