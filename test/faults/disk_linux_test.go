package faults

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/redistill/redistill/netserver"
	"github.com/redistill/redistill/test/servertest"
)

// fault keeps snapshots from being written.
type fault struct {
	dir    string      // where the server's snapshot is
	look   string      // where the tests find it, if that is elsewhere
	before []string    // words that start the server, or none
	begin  func(saver) // of the fault
	middle bool        // it begins in the middle of a snapshot, and not before one
	end    func()      // of the fault
	says   string      // what the log says of it
	wiped  bool        // the directory cannot be seen meanwhile
	new    bool        // the new snapshot is in place all the same
	behind bool        // what was written of it stays until the next one
}

// faults make them, for as long as a test runs.
var faults = []struct {
	name string
	make func(t *testing.T) fault
}{
	{"size of files is limited", limitedSize},
	{"full tmpfs", fullTmpfs},
	{"full ext4", fullExt4},
	{"full disk below ext4", fullDisk},
	{"read-only directory", readOnlyDirectory},
	{"missing directory", missingDirectory},
	{"read-only remount", readOnlyRemount},
	{"ext4 turns read-only", readOnlyExt4},
	{"ext4 shuts down", shutDownExt4},
	{"EIO at open", failingCall("open", 0, syscall.EIO)},
	{"EIO at the first write", failingCall("write", 0, syscall.EIO)},
	{"EIO at a later write", failingCall("write", 20, syscall.EIO)},
	{"EIO at a later write and at unlink", failingCall("write", 20, syscall.EIO, "unlink")},
	{"EIO at fsync", failingCall("fsync", 0, syscall.EIO)},
	{"EDQUOT at fsync", failingCall("fsync", 0, syscall.EDQUOT)},
	{"EIO at rename", failingCall("rename", 0, syscall.EIO)},
	{"EIO at fsync of the directory", failingCall("fsyncdir", 0, syscall.EIO)},
}

// TestFailingDisk has snapshots fail in all ways that disks have. The old one stays, the error is in the log, in INFO and in the metrics,
// clients are served, and when the fault is over the next snapshot is written.
func TestFailingDisk(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			f := f.make(t)
			if f.look == "" {
				f.look = f.dir
			}
			s := startSaver(t, f.dir, f.before...)
			for i := range 32 { // 8 MB
				s.Set(t.Context(), "large"+string(rune('a'+i)), strings.Repeat("x", 256<<10), 0)
			}
			rounds, end := 0, time.Now().Add(*length/time.Duration(len(faults)))
			for ; rounds == 0 || time.Now().Before(end) && !t.Failed(); rounds++ {
				f.survive(t, s)
			}
			t.Logf("injected %d times", rounds)
			s.Kill()
			again := startSaver(t, f.dir)
			if got, err := again.Get(t.Context(), "k").Result(); got != "after" {
				t.Errorf("k is %q, %v", got, err)
			}
		})
	}
}

// survive lets the fault happen once.
func (f *fault) survive(t *testing.T, s saver) {
	t.Helper()
	ctx, path := t.Context(), filepath.Join(f.look, "dump.rdb")
	s.Set(ctx, "k", "old", 0)
	if err := s.Save(ctx).Err(); err != nil {
		t.Fatal(err, s.Log())
	}
	s.last(t, "ok", 0)
	s.Set(ctx, "k", "new", 0)
	told, last := strings.Count(s.Log(), f.says), s.LastSave(ctx).Val()
	var old []byte
	begin := func() {
		var err error
		if old, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		f.begin(s)
	}
	if f.middle {
		last = s.inMiddle(t, path, begin)
		s.saved(t)
	} else {
		begin()
		if err := s.Save(ctx).Err(); err == nil {
			t.Error("SAVE succeeded")
		}
	}
	s.last(t, "err", 1)
	s.serves(t)
	if strings.Count(s.Log(), f.says) == told {
		t.Errorf("the log does not say %q once more", f.says)
	}
	if now := s.LastSave(ctx).Val(); now != last {
		t.Errorf("LASTSAVE went from %d to %d", last, now)
	}
	if !f.wiped {
		f.left(t, path, old)
		if left := unfinished(path); (len(left) > 0) != f.behind {
			t.Errorf("unfinished files: %v", left)
		}
	}
	f.end()
	f.left(t, path, old)

	s.Set(ctx, "k", "after", 0)
	if err := s.Save(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	s.last(t, "ok", 0)
	if got := read(t, path); got[name{0, "k"}].text != "after" {
		t.Errorf("k is saved as %q", got[name{0, "k"}].text)
	}
	if left := unfinished(path); len(left) > 0 {
		t.Errorf("unfinished files stay: %v", left)
	}
}

// unfinished returns the files that were begun to replace the file of a path and are there still.
func unfinished(path string) []string {
	names, _ := filepath.Glob(path + ".*.tmp")
	return names
}

// left checks the snapshot that there is after one that failed.
func (f *fault) left(t *testing.T, path string, old []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	switch {
	case f.new && read(t, path)[name{0, "k"}].text != "new":
		t.Error("the new snapshot is not in place")
	case !f.new && (err != nil || !bytes.Equal(got, old)):
		t.Errorf("the old snapshot changed, %v", err)
	}
}

// TestHangingDisk: while the disk takes nothing, neither a write nor what makes it last, clients are served and no second snapshot
// begins. The one that hung is written in the end.
func TestHangingDisk(t *testing.T) {
	for _, kind := range []string{"open", "write", "fsync", "rename"} {
		t.Run(kind, func(t *testing.T) {
			c := newCalls(t)
			s := startSaver(t, c.dir)
			s.Set(t.Context(), "k", strings.Repeat("x", 4<<20), 0)
			hang, release := newHang()
			defer release()
			c.set(0, hang, 1, kind) // of rename and fsync there is one in each snapshot, so let the second one hang
			for range 2 {
				s.BgSave(t.Context())
				s.Eventually("the snapshot is written, or hangs", func() bool {
					return c.hung() > 0 || s.info(t, "rdb_bgsave_in_progress") == "0"
				})
			}
			if got := s.info(t, "rdb_bgsave_in_progress"); got != "1" {
				t.Errorf("rdb_bgsave_in_progress is %q", got)
			}
			s.serves(t)
			if err := s.Save(t.Context()).Err(); err == nil || !strings.Contains(err.Error(), "already in progress") {
				t.Errorf("a second SAVE: %v", err)
			}
			release()
			s.saved(t)
			s.last(t, "ok", 0)
			if got := read(t, filepath.Join(c.below, "dump.rdb")); len(got[name{0, "k"}].text) != 4<<20 {
				t.Errorf("k is saved with %d bytes", len(got[name{0, "k"}].text))
			}
		})
	}
}

// TestUnreadableSnapshot: a snapshot that the disk does not give back is not loaded in part and never changed, whatever is to be done with
// corrupt ones. The process ends with an error that says why.
func TestUnreadableSnapshot(t *testing.T) {
	for _, kind := range []string{"open", "read"} {
		for _, corrupt := range []string{"refuse", "rename"} {
			t.Run(kind+", "+corrupt, func(t *testing.T) {
				c := newCalls(t)
				s := startSaver(t, c.dir)
				s.Set(t.Context(), "k", strings.Repeat("x", 4<<20), 0)
				if err := s.Save(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
				s.Kill()
				old, err := os.ReadFile(filepath.Join(c.below, "dump.rdb"))
				if err != nil {
					t.Fatal(err)
				}
				c.set(syscall.EIO, nil, map[string]int{"read": 3}[kind], kind)
				path := filepath.Join(c.dir, "dump.rdb")
				bad := servertest.Launch(t, t.TempDir(), redistill(t, netserver.Portable, "--persistence", "--snapshot-path", path,
					"--snapshot-corrupt", corrupt)...)
				if err := bad.Wait(); err == nil || !strings.Contains(bad.Log(), "dump.rdb: input/output error") {
					t.Errorf("it ended with %v\n%s", err, bad.Log())
				}
				if c.hung() == 0 {
					t.Error("nothing failed")
				}
				files, _ := os.ReadDir(c.below)
				if now, err := os.ReadFile(filepath.Join(c.below, "dump.rdb")); err != nil || !bytes.Equal(now, old) || len(files) != 1 {
					t.Errorf("the snapshot changed, or there are more files: %v, %v", files, err)
				}
				c.set(0, nil, 0)
				if n := startSaver(t, c.dir).DBSize(t.Context()).Val(); n != 1 {
					t.Errorf("%d keys are loaded in the end", n)
				}
			})
		}
	}
}

// inMiddle does something while a snapshot was written in part and the server stands still. Snapshots that were written before anybody
// looked do not count. It returns when the one before was written, as LASTSAVE says it.
func (s saver) inMiddle(t *testing.T, path string, do func()) (last int64) {
	t.Helper()
	half := func() bool {
		for _, name := range unfinished(path) {
			if info, err := os.Stat(name); err == nil && info.Size() > 1<<20 && info.Size() < 6<<20 {
				return true
			}
		}
		return false
	}
	s.Eventually("a snapshot is half written", func() bool {
		last = s.LastSave(t.Context()).Val()
		old, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.BgSave(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		written := func() bool {
			now, err := os.Stat(path)
			return err == nil && !os.SameFile(old, now)
		}
		for try := 0; !half() && !written() && try < 10_000; try++ {
			time.Sleep(50 * time.Microsecond)
		}
		s.Signal(syscall.SIGSTOP)
		s.Eventually("it stands still", func() bool { return s.Usage().State == "T" })
		caught := half()
		if caught {
			do()
		}
		s.Signal(syscall.SIGCONT)
		if !caught {
			s.saved(t)
		}
		return caught
	})
	return last
}

// limitedSize limits the size of the server's files.
func limitedSize(t *testing.T) fault {
	var pid int
	limit := func(bytes uint64) {
		if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return fault{
		dir: t.TempDir(), says: "file too large",
		begin: func(s saver) {
			pid = s.PID
			limit(1 << 20)
		},
		end: func() { limit(unix.RLIM_INFINITY) },
	}
}

// missingDirectory renames the directory.
func missingDirectory(t *testing.T) fault {
	dir := filepath.Join(t.TempDir(), "data")
	rename := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return fault{
		dir: dir, wiped: true, says: "no such file or directory",
		begin: func(saver) { rename(dir, dir+".away") },
		end:   func() { rename(dir+".away", dir) },
	}
}

// readOnlyDirectory takes the right to write into the directory away, and from a server of root the right to do so all the same.
func readOnlyDirectory(t *testing.T) fault {
	f := fault{dir: t.TempDir(), says: "permission denied"}
	mode := func(m os.FileMode) {
		if err := os.Chmod(f.dir, m); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 {
		f.before = []string{servertest.Tool(t, "setpriv"), "--bounding-set", "-dac_override,-dac_read_search"}
	}
	f.begin, f.end = func(saver) { mode(0o555) }, func() { mode(0o755) }
	return f
}

// readOnlyRemount mounts the filesystem again, read-only.
func readOnlyRemount(t *testing.T) fault {
	dir := filepath.Join(t.TempDir(), "data")
	mount(t, "tmpfs", dir, "tmpfs", 0, "")
	remount := func(flags uintptr) {
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	return fault{
		dir: dir, says: "read-only file system",
		begin: func(saver) { remount(unix.MS_RDONLY) },
		end:   func() { remount(0) },
	}
}

// fullTmpfs fills a filesystem in memory but for a part of the next snapshot.
func fullTmpfs(t *testing.T) fault {
	dir := filepath.Join(t.TempDir(), "data")
	mount(t, "tmpfs", dir, "tmpfs", 0, "size=32m")
	return full(t, dir, dir)
}

// full fills the filesystem at one path for a server whose snapshot is at another.
func full(t *testing.T, fill, dir string) fault {
	ballast := filepath.Join(fill, "ballast")
	return fault{
		dir: dir, says: "no space left on device",
		begin: func(saver) {
			f, err := os.Create(ballast)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			n := int64(0)
			for block := make([]byte, 64<<10); err == nil; n += int64(len(block)) {
				_, err = f.Write(block)
			}
			if err := f.Truncate(n - 2<<20); err != nil {
				t.Fatal(err)
			}
		},
		end: func() {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		},
	}
}
