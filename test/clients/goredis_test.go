package clients_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redistill/redistill/test/await"
)

// TestGoRedis makes every check with RESP3, go-redis's default, and with RESP2.
func TestGoRedis(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			for name, check := range goRedisChecks {
				t.Run(name, func(t *testing.T) {
					emptyDB(t, target, otherDB)
					emptyDB(t, target, dbGoRedis)
					check(t, goRedisClient(t, target, protocol))
				})
			}
			t.Run("password", func(t *testing.T) {
				e := passwordServer(t)
				checkConnection(t, goRedisClient(t, e, protocol))
				e.password = "wrong"
				err := goRedisClient(t, e, protocol).Ping(t.Context()).Err()
				requireError(t, err, "WRONGPASS")
			})
		})
	}
}

var goRedisChecks = map[string]func(*testing.T, *redis.Client){
	"connection":  checkConnection,
	"strings":     checkStrings,
	"expiry":      checkExpiry,
	"hashes":      checkHashes,
	"sets":        checkSets,
	"pipeline":    checkPipeline,
	"transaction": checkTransaction,
	"watch":       checkWatch,
	"scan":        checkScan,
	"databases":   checkDatabases,
	"bytes":       checkBytes,
	"errors":      checkErrors,
}

func goRedisClient(t *testing.T, e endpoint, protocol int) *redis.Client {
	client := redis.NewClient(&redis.Options{
		Addr: e.addr(), Username: e.user, Password: e.password, DB: dbGoRedis, Protocol: protocol, ClientName: "driver",
		DialTimeout: await.Limit, ReadTimeout: await.Limit,
	})
	t.Cleanup(func() { client.Close() })
	return client
}

// must returns the value of a command that is to succeed.
func must[T any](t *testing.T, cmd interface{ Result() (T, error) }) T {
	t.Helper()
	value, err := cmd.Result()
	if err != nil {
		t.Fatalf("%.100q: %v", fmt.Sprint(cmd), err)
	}
	return value
}

// requireReply checks the value of a command that is to succeed.
func requireReply[T any](t *testing.T, cmd interface{ Result() (T, error) }, want T) {
	t.Helper()
	if got := must(t, cmd); !reflect.DeepEqual(got, want) {
		t.Errorf("%.100q = %.200v, want %.200v", fmt.Sprint(cmd), got, want)
	}
}

func requireError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error is %v, want %q in it", err, text)
	}
}

func checkConnection(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	requireReply(t, c.Ping(ctx), "PONG")
	requireReply(t, c.Echo(ctx, "hello"), "hello")
	requireReply(t, c.ClientGetName(ctx), "driver")
	info := must(t, c.Do(ctx, "CLIENT", "INFO")).(string)
	if want := fmt.Sprintf(" resp=%d", c.Options().Protocol); !strings.Contains(info, want) {
		t.Errorf("CLIENT INFO is %q, want %q in it", info, want)
	}
	if info := must(t, c.Info(ctx, "server")); !strings.Contains(info, "redis_version:7.") {
		t.Errorf("INFO server is %q", info)
	}
	requireReply(t, c.ConfigGet(ctx, "databases"), map[string]string{"databases": "16"})
}

func checkStrings(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	requireReply(t, c.Set(ctx, "k", "v", 0), "OK")
	requireReply(t, c.Get(ctx, "k"), "v")
	if err := c.Get(ctx, "missing").Err(); err != redis.Nil {
		t.Errorf("GET of a missing key: %v, want redis.Nil", err)
	}
	requireReply(t, c.SetNX(ctx, "k", "w", 0), false)
	requireReply(t, c.SetArgs(ctx, "k", "w", redis.SetArgs{Mode: "XX", Get: true}), "v")
	requireReply(t, c.MSet(ctx, "a", 1, "b", "zwei"), "OK")
	requireReply(t, c.MGet(ctx, "a", "missing", "b"), []any{"1", nil, "zwei"})
	requireReply(t, c.Append(ctx, "k", "xyz"), 4)
	requireReply(t, c.GetRange(ctx, "k", 1, -2), "xy")
	requireReply(t, c.Incr(ctx, "n"), 1)
	requireReply(t, c.IncrBy(ctx, "n", 41), 42)
	requireReply(t, c.IncrByFloat(ctx, "f", 1.25), 1.25)
	requireReply(t, c.GetDel(ctx, "a"), "1")
	requireReply(t, c.Exists(ctx, "a", "b", "b"), 2)
	requireReply(t, c.Del(ctx, "a", "b", "k"), 2)
}

func checkExpiry(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	requireReply(t, c.TTL(ctx, "k"), -2)
	requireReply(t, c.Set(ctx, "k", "v", 0), "OK")
	requireReply(t, c.TTL(ctx, "k"), -1)
	requireReply(t, c.Expire(ctx, "k", 10*time.Minute), true)
	requireTTL(t, c, "k", 10*time.Minute)
	requireReply(t, c.ExpireNX(ctx, "k", time.Hour), false)
	requireReply(t, c.Persist(ctx, "k"), true)
	requireReply(t, c.TTL(ctx, "k"), -1)
	requireReply(t, c.Set(ctx, "k", "v", 2500*time.Millisecond+time.Hour), "OK")
	requireTTL(t, c, "k", time.Hour+3*time.Second)
	requireReply(t, c.ExpireAt(ctx, "k", time.Unix(1, 0)), true)
	requireReply(t, c.Exists(ctx, "k"), 0)
}

func checkHashes(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	requireReply(t, c.HSet(ctx, "h", "a", 1, "b", "zwei"), 2)
	requireReply(t, c.HSet(ctx, "h", "a", 2), 0)
	requireReply(t, c.HMGet(ctx, "h", "b", "missing", "a"), []any{"zwei", nil, "2"})
	requireReply(t, c.HGetAll(ctx, "h"), map[string]string{"a": "2", "b": "zwei"})
	requireReply(t, c.HGetAll(ctx, "missing"), map[string]string{})
	requireReply(t, c.HIncrBy(ctx, "h", "a", 40), 42)
	requireReply(t, c.HIncrByFloat(ctx, "h", "f", 1.5), 1.5)
	requireReply(t, c.HExists(ctx, "h", "f"), true)
	requireReply(t, c.HDel(ctx, "h", "f", "missing"), 1)
	requireReply(t, c.HLen(ctx, "h"), 2)

	want := make(map[string]string)
	for i := range 2000 {
		want[fmt.Sprint("field:", i)] = fmt.Sprint(i)
	}
	requireReply(t, c.HSet(ctx, "big", want), 2000)
	got := make(map[string]string)
	for it := c.HScan(ctx, "big", 0, "", 100).Iterator(); it.Next(ctx); {
		field := it.Val()
		it.Next(ctx)
		got[field] = it.Val()
	}
	if !maps.Equal(got, want) {
		t.Errorf("HSCAN found %d fields, want %d, or other values", len(got), len(want))
	}
}

func checkPipeline(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	pipe := c.Pipeline()
	gets := make([]*redis.StringCmd, 1000)
	for i := range gets {
		pipe.Set(ctx, fmt.Sprint("k:", i), i, 0)
		gets[i] = pipe.Get(ctx, fmt.Sprint("k:", i))
	}
	wrong := pipe.HGet(ctx, "k:0", "f")
	last := pipe.StrLen(ctx, "k:999")
	_, err := pipe.Exec(ctx)
	requireError(t, err, "WRONGTYPE")
	requireError(t, wrong.Err(), "WRONGTYPE")
	for i, get := range gets {
		requireReply(t, get, fmt.Sprint(i))
	}
	requireReply(t, last, 3)
}

func checkTransaction(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	pipe := c.TxPipeline()
	incr := pipe.Incr(ctx, "n")
	pipe.Expire(ctx, "n", time.Hour)
	pipe.HSet(ctx, "h", "f", "v")
	all := pipe.HGetAll(ctx, "h")
	missing := pipe.Get(ctx, "missing")
	if _, err := pipe.Exec(ctx); err != nil && err != redis.Nil {
		t.Fatal(err)
	}
	requireReply(t, incr, 1)
	requireReply(t, all, map[string]string{"f": "v"})
	if missing.Err() != redis.Nil {
		t.Errorf("GET in a transaction: %v, want redis.Nil", missing.Err())
	}
	requireTTL(t, c, "n", time.Hour)

	_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Incr(ctx, "h")
		p.Incr(ctx, "n")
		return nil
	})
	requireError(t, err, "WRONGTYPE")
	requireReply(t, c.Get(ctx, "n"), "2")
	_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Incr(ctx, "n")
		p.Do(ctx, "NOSUCH")
		return nil
	})
	requireError(t, err, "EXECABORT")
	requireReply(t, c.Get(ctx, "n"), "2")
}

// checkWatch increments a counter from many clients at once by WATCH, GET and
// MULTI: an update that WATCH fails to notice is one that gets lost.
func checkWatch(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	const workers, each = 8, 25
	add := func(tx *redis.Tx) error {
		n, err := tx.Get(ctx, "n").Int()
		if err != nil && err != redis.Nil {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			return p.Set(ctx, "n", n+1, 0).Err()
		})
		return err
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for done := 0; done < each; {
				switch err := c.Watch(ctx, add, "n"); {
				case err == nil:
					done++
				case !errors.Is(err, redis.TxFailedErr):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	requireReply(t, c.Get(ctx, "n"), fmt.Sprint(workers*each))

	err := c.Watch(ctx, func(tx *redis.Tx) error {
		requireReply(t, c.Set(ctx, "n", "changed", 0), "OK") // by another connection
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "n", "lost", 0).Err() })
		return err
	}, "n")
	if !errors.Is(err, redis.TxFailedErr) {
		t.Errorf("EXEC after a watched key changed: %v, want %v", err, redis.TxFailedErr)
	}
	requireReply(t, c.Get(ctx, "n"), "changed")
}

func checkScan(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	pipe := c.Pipeline()
	var want []string
	for i := range 3000 {
		want = append(want, fmt.Sprintf("scan:%04d", i))
		pipe.Set(ctx, want[i], i, 0)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	requireReply(t, c.HSet(ctx, "hash", "f", "v"), 1)
	var got []string
	it := c.Scan(ctx, 0, "scan:*", 100).Iterator()
	for it.Next(ctx) {
		got = append(got, it.Val())
	}
	if it.Err() != nil {
		t.Fatal(it.Err())
	}
	slices.Sort(got) // SCAN may return a key more than once
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("SCAN found %d keys, want %d", len(got), len(want))
	}
	requireReply(t, c.DBSize(ctx), 3001)
}

func checkDatabases(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	other := dial(t, target, otherDB)
	requireReply(t, c.Set(ctx, "k", "here", 0), "OK")
	requireReply(t, other.Exists(ctx, "k"), 0)
	requireReply(t, c.Move(ctx, "k", otherDB), true)
	requireReply(t, other.Get(ctx, "k"), "here")
	requireReply(t, c.Exists(ctx, "k"), 0)
	requireReply(t, other.FlushDB(ctx), "OK")
	requireError(t, dial(t, target, 16).Ping(ctx).Err(), "DB index is out of range")
}

func checkBytes(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	megabyte := make([]byte, 1<<20)
	rand.Read(megabyte)
	for i, value := range [][]byte{{}, []byte("\r\n$-1\r\n\x00\xff"), megabyte} {
		key := fmt.Sprintf("\x00\r\n\xff%d", i)
		requireReply(t, c.Set(ctx, key, value, 0), "OK")
		got, err := c.Get(ctx, key).Bytes()
		if err != nil || !bytes.Equal(got, value) {
			t.Errorf("GET of %d bytes returned %d bytes, other ones or an error: %v", len(value), len(got), err)
		}
		requireReply(t, c.HSet(ctx, "h", key, value), 1)
		requireReply(t, c.HGet(ctx, "h", key), string(value))
	}
	requireReply(t, c.Set(ctx, "", "the empty key", 0), "OK")
	requireReply(t, c.Get(ctx, ""), "the empty key")
}

func checkErrors(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	requireReply(t, c.HSet(ctx, "h", "f", "text"), 1)
	requireReply(t, c.Set(ctx, "s", "text", 0), "OK")
	requireError(t, c.Get(ctx, "h").Err(), "WRONGTYPE Operation against a key holding the wrong kind of value")
	requireError(t, c.HGetAll(ctx, "s").Err(), "WRONGTYPE")
	requireError(t, c.Incr(ctx, "s").Err(), "value is not an integer or out of range")
	requireError(t, c.HIncrBy(ctx, "h", "f", 1).Err(), "hash value is not an integer")
	requireError(t, c.Do(ctx, "SET", "k", "v", "EX", 0).Err(), "invalid expire time in 'set' command")
	requireError(t, c.Do(ctx, "GET").Err(), "wrong number of arguments for 'get' command")
	requireError(t, c.Do(ctx, "NOSUCH", "x").Err(), "unknown command 'NOSUCH'")
	requireReply(t, c.Get(ctx, "s"), "text")
}
