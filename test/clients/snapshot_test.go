package clients_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
)

// TestSnapshotExchange: redis-server loads what Redistill has saved, and
// Redistill what redis-server has, with every key, value and deadline, and
// redis-check-rdb finds nothing wrong with the file.
func TestSnapshotExchange(t *testing.T) {
	if builtServer == "" {
		t.Skip("skipped, because REDISTILL_TEST_ADDR names a server, and this needs one of its own")
	}
	ours := []string{builtServer, "serve", "--port", servertest.Port, "--persistence", "--snapshot-interval", "0"}
	theirs := []string{servertest.Redis(t), "--port", servertest.Port, "--save", ""}
	for name, test := range map[string]struct{ from, to []string }{"to redis-server": {ours, theirs}, "from redis-server": {theirs, ours}} {
		t.Run(name, func(t *testing.T) {
			from := servertest.Start(t, append([]string(nil), test.from...)...)
			fill(t, from.Addr)
			want := contents(t, from.Addr)
			if err := redis.NewClient(&redis.Options{Addr: from.Addr, DialTimeout: await.Limit, ReadTimeout: await.Limit}).Save(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(from.Dir, "dump.rdb")
			out, err := exec.Command(servertest.Tool(t, "redis-check-rdb"), file).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "RDB looks OK") || !strings.Contains(string(out), fmt.Sprint(len(want), " keys read")) {
				t.Errorf("redis-check-rdb: %v\n%s", err, out)
			}
			if err := from.Stop(); err != nil {
				t.Fatal(err)
			}
			to := servertest.StartIn(t, from.Dir, append([]string(nil), test.to...)...)
			to.Eventually("it has loaded the file", func() bool { return len(contents(t, to.Addr)) > 0 })
			got := contents(t, to.Addr)
			for key, value := range want {
				if !reflect.DeepEqual(got[key], value) {
					t.Errorf("%.60q: got %.300v, want %.300v", key, got[key], value)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d keys were loaded, want %d", len(got), len(want))
			}
		})
	}
}

// fill sets keys of every kind and size, in two databases.
func fill(t *testing.T, addr string) {
	t.Helper()
	ctx := t.Context()
	for _, db := range []int{0, 9} {
		client := redis.NewClient(&redis.Options{Addr: addr, DB: db, DialTimeout: await.Limit, ReadTimeout: await.Limit})
		defer client.Close()
		p := client.Pipeline()
		for i, text := range []string{"", "0", "-7", "123456", "-2147483649", "9223372036854775807", "text", "\x00\xff\r\n", strings.Repeat("ab", 50_000)} {
			p.Set(ctx, fmt.Sprint("string", i), text, 0)
			p.Set(ctx, "key "+text[:min(len(text), 20_000)], "v", time.Duration(i)*time.Hour) // what Redistill takes
		}
		for _, n := range []int{1, 100, 5000} {
			for i := range n {
				p.HSet(ctx, fmt.Sprint("hash", n), fmt.Sprint("field", i), strings.Repeat(strconv.Itoa(i), i%30))
			}
		}
		p.PExpire(ctx, "hash100", 1234567*time.Millisecond)
		p.Set(ctx, "n", db, 0)
		if _, err := p.Exec(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// contents returns a server's keys, each with its value and its deadline in
// milliseconds. It is empty while the server loads.
func contents(t *testing.T, addr string) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, db := range []int{0, 9} {
		client := redis.NewClient(&redis.Options{Addr: addr, DB: db, MaxRetries: -1, DialTimeout: await.Limit, ReadTimeout: await.Limit})
		defer client.Close()
		keys, err := client.Keys(t.Context(), "*").Result()
		if err != nil && strings.HasPrefix(err.Error(), "LOADING ") {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			all[fmt.Sprint(db, " ", key)] = valueOf(t.Context(), client, key)
		}
	}
	return all
}

// valueOf returns a key's type, value and deadline.
func valueOf(ctx context.Context, client *redis.Client, key string) [3]any {
	kind := client.Type(ctx, key).Val()
	deadline := client.PExpireTime(ctx, key).Val()
	if kind == "hash" {
		return [3]any{kind, client.HGetAll(ctx, key).Val(), deadline}
	}
	return [3]any{kind, client.Get(ctx, key).Val(), deadline}
}
