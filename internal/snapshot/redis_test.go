package snapshot_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/snapshot"
	"github.com/redistill/redistill/test/servertest"
)

// randomText returns a string of one of the forms that are encoded in their own way, or look as if.
func randomText(r *rand.Rand) string {
	switch r.IntN(10) {
	case 0:
		return strconv.FormatInt(int64(1)<<r.IntN(63)*int64(r.IntN(3)-1)+int64(r.IntN(3)-1), 10)
	case 1:
		return strconv.Itoa(r.IntN(300) - 150)
	case 2:
		return []string{"", "007", "-0", "+1", " 1", "1.5", "-", "9223372036854775808", "-9223372036854775809"}[r.IntN(9)]
	case 3:
		return strings.Repeat(string(rune('a'+r.IntN(26))), r.IntN(5000))
	}
	b := make([]byte, r.IntN(100))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

// fillRandomly stores keys of all kinds in three databases.
func fillRandomly(t *testing.T, r *rand.Rand, s *engine.Store, tx *engine.Tx) {
	t.Helper()
	tx.LockAll()
	defer tx.Unlock()
	for i := range 300 {
		tx.DB = []int{0, 1, 15}[r.IntN(3)]
		k := s.Key([]byte(randomText(r)))
		if i%50 == 0 {
			k = s.Key(fmt.Appendf(nil, "large%d", i))
		}
		deadline := engine.NoDeadline
		if r.IntN(3) == 0 {
			deadline = tx.Now + 3600_000<<r.IntN(20)
		}
		text := randomText(r)
		if i == 50 || i == 100 {
			text = strings.Repeat(text+"!", 512<<10/(len(text)+1))
		}
		typ := tx.Type(k)
		if typ == engine.None {
			typ = engine.String + engine.Type(r.IntN(3))
		}
		elements := 1 + r.IntN(20)
		if i%100 == 0 {
			elements = 600
		}
		var err error
		for e := 0; e < elements && err == nil && typ != engine.String; e++ {
			if typ == engine.Hash {
				_, err = tx.HSet(k, []byte(randomText(r)), []byte(text))
				text = randomText(r)
				continue
			}
			member := randomText(r)
			if i%2 == 0 {
				member = strconv.Itoa(r.IntN(1000))
			}
			_, err = tx.SAdd(k, []byte(member))
		}
		if typ == engine.String {
			err = tx.Set(k, []byte(text), deadline)
		} else {
			tx.SetDeadline(k, deadline)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tx.DB = 0
}

// encodings are flags that make redis-server encode the same values in another way.
var encodings = []string{
	"--rdbcompression yes",
	"--rdbcompression no --rdbchecksum no --hash-max-listpack-entries 0 --set-max-intset-entries 0",
	"--rdbcompression yes --hash-max-listpack-entries 100000 --hash-max-listpack-value 1000000 --maxmemory-policy allkeys-lru --set-max-intset-entries 100000",
	"--rdbcompression no --hash-max-listpack-entries 5 --hash-max-listpack-value 1000000 --maxmemory-policy volatile-lfu",
}

// What one of the two saves the other loads, whatever it holds and however redis-server is told to encode it.
func TestRandomKeyspaces(t *testing.T) {
	for i, flags := range encodings {
		t.Run(flags, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "dump.rdb")
			s, tx := openStore(t, engine.Options{Policy: engine.Policy(i)})
			fillRandomly(t, rand.New(rand.NewPCG(uint64(i), 1)), s, tx)
			save(t, tx, path)
			want := contents(s, tx)
			args := append([]string{servertest.Redis(t), "--port", servertest.Port, "--save", ""}, strings.Fields(flags)...)
			redis := servertest.StartIn(t, dir, args...).Dial()
			same(t, served(redis), want)
			redis.Do("SAVE")
			again, tx2 := openStore(t, engine.Options{Policy: engine.Policy(i)})
			l, err := load(again, path)
			if err != nil {
				t.Fatal(err)
			}
			same(t, contents(again, tx2), want)
			if n := l.Keys.Load(); n != int64(len(want)) {
				t.Errorf("%d keys were counted, want %d", n, len(want))
			}
		})
	}
}

// What DUMP says of a key in one of the two RESTORE makes of it in the other one, there and back again.
func TestRandomPayloads(t *testing.T) {
	dir := t.TempDir()
	s, tx := openStore(t, engine.Options{})
	fillRandomly(t, rand.New(rand.NewPCG(1, 2)), s, tx)
	save(t, tx, filepath.Join(dir, "dump.rdb"))
	want := contents(s, tx)
	ours := servertest.StartIn(t, dir, servertest.Program(t), "serve", "--port", servertest.Port, "--persistence", "--snapshot-interval", "0").Dial()
	for _, flags := range encodings {
		t.Run(flags, func(t *testing.T) {
			args := append([]string{servertest.Redis(t), "--port", servertest.Port, "--save", ""}, strings.Fields(flags)...)
			redis := servertest.Start(t, args...).Dial()
			carry(ours, redis)
			same(t, served(redis), want)
			ours.Do("FLUSHALL")
			carry(redis, ours)
			same(t, served(ours), want)
		})
	}
}

// carry makes another server have each key of a server with its deadline.
func carry(from, to *servertest.Client) {
	for db := range engine.Databases {
		from.Do("SELECT", strconv.Itoa(db))
		to.Do("SELECT", strconv.Itoa(db))
		for _, name := range from.Do("KEYS", "*").([]any) {
			key := name.(string)
			at := max(from.Do("PEXPIRETIME", key).(int64), 0)
			to.Do("RESTORE", key, strconv.FormatInt(at, 10), from.Do("DUMP", key).(string), "ABSTTL")
		}
	}
	from.Do("SELECT", "0")
	to.Do("SELECT", "0")
}

// served is contents of a server.
func served(c *servertest.Client) map[string]string {
	all := map[string]string{}
	for db := range engine.Databases {
		c.Do("SELECT", strconv.Itoa(db))
		for _, name := range c.Do("KEYS", "*").([]any) {
			key := name.(string)
			at := max(c.Do("PEXPIRETIME", key).(int64), 0)
			text, fields := "", map[string]string{}
			switch c.Do("TYPE", key) {
			case "hash":
				fields = c.Hash(key)
			case "set":
				for _, m := range c.Do("SMEMBERS", key).([]any) {
					fields[m.(string)] = isMember
				}
			default:
				text = c.Do("GET", key).(string)
			}
			all[fmt.Sprint(db, " ", key)] = fmt.Sprint(at, " ") + text + fmt.Sprint(fields)
		}
	}
	c.Do("SELECT", "0")
	return all
}

// A key whose time has come, but which redis-server still has, is left out.
func TestExpiredKeysOfRedis(t *testing.T) {
	dir := t.TempDir()
	redis := servertest.StartIn(t, dir, servertest.Redis(t), "--port", servertest.Port, "--save", "", "--enable-debug-command", "yes").Dial()
	redis.Do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
	redis.Do("SET", "stays", "v")
	redis.Do("SET", "gone", "v", "PX", "1")
	redis.Do("HSET", "h", "f", "v")
	redis.Do("PEXPIRE", "h", "1")
	for set := time.Now().UnixMilli(); time.Now().UnixMilli() <= set+1; { // the last millisecond in which they are there
	}
	redis.Do("SAVE")
	s, tx := openStore(t, engine.Options{})
	l := &snapshot.Loader{Store: s, Path: filepath.Join(dir, "dump.rdb"), MaxString: 1 << 20}
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	same(t, contents(s, tx), map[string]string{"0 stays": "0 vmap[]"})
	if l.Expired.Load() != 2 {
		t.Errorf("%d keys had expired", l.Expired.Load())
	}
}
