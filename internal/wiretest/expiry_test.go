package wiretest

import (
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
