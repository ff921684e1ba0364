package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/redistill/redistill/test/servertest"
)

// ext4 is such a filesystem on a loop device, the file of which is on a filesystem in memory.
type ext4 struct {
	t       *testing.T
	below   string // the filesystem in memory
	dir     string // where it is mounted
	device  string
	options string
}

// newExt4 makes a filesystem of 64 MB for as long as the test runs, on one in memory of a size.
func newExt4(t *testing.T, size, options string) *ext4 {
	t.Helper()
	mkfs, losetup := servertest.Tool(t, "mkfs.ext4"), servertest.Tool(t, "losetup")
	e := &ext4{t: t, below: filepath.Join(t.TempDir(), "below"), options: options}
	e.dir = filepath.Join(filepath.Dir(e.below), "data")
	mount(t, "tmpfs", e.below, "tmpfs", 0, "size="+size)
	image := filepath.Join(e.below, "image")
	// All of the filesystem's own blocks are written at once, so that there is room for them at any time.
	e.run(mkfs, "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", image, "64M")
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		skip(t, "a loop device", err)
	}
	out, err := exec.Command(losetup, "--find", "--show", image).Output()
	if err != nil {
		skip(t, "a loop device", err)
	}
	e.device = string(out[:len(out)-1])
	held, err := os.Open(e.device)
	e.run(losetup, "--detach", e.device) // once it is neither held nor mounted any more, however this process ends
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	mount(t, e.device, e.dir, "ext4", 0, options)
	return e
}

func (e *ext4) run(words ...string) {
	e.t.Helper()
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		e.t.Fatalf("%q: %v\n%s", words, err, out)
	}
}

// again unmounts the filesystem and mounts it, as after a start of the machine. No file of it may be open.
func (e *ext4) again() {
	e.t.Helper()
	if err := unix.Unmount(e.dir, 0); err != nil {
		e.t.Fatal(err)
	}
	if err := unix.Mount(e.device, e.dir, "ext4", 0, e.options); err != nil {
		e.t.Fatal(err)
	}
}

// sync ends what the filesystem has begun. That it tells of errors that were there before is of no interest.
func (e *ext4) sync() {
	e.t.Helper()
	dir, err := os.Open(e.dir)
	if err != nil {
		e.t.Fatal(err)
	}
	_ = unix.Syncfs(int(dir.Fd()))
	_ = dir.Close()
}

// cut makes the filesystem fail from now on. What was not synchronised with the disk is lost.
func (e *ext4) cut() {
	e.t.Helper()
	const shutDown, withoutLog = 0x8004587d, 2 // EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH
	dir, err := os.Open(e.dir)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	if err := unix.IoctlSetPointerInt(int(dir.Fd()), shutDown, withoutLog); err != nil {
		e.t.Fatal(err)
	}
}

// fullExt4 fills the filesystem.
func fullExt4(t *testing.T) fault {
	e := newExt4(t, "80m", "")
	return full(t, e.dir, e.dir)
}

// fullDisk fills the disk that is below the filesystem, which itself has room: the error comes when the file is synchronised.
func fullDisk(t *testing.T) fault {
	e, fstrim := newExt4(t, "30m", ""), servertest.Tool(t, "fstrim")
	f := full(t, e.below, e.dir)
	fill := f.begin
	f.begin = func(s saver) {
		e.sync()
		e.run(fstrim, e.dir) // what files that are gone had is given back to the disk, or the next one would find room there
		fill(s)
	}
	return f
}

// readOnlyExt4 has the kernel find an error in the filesystem, and mount it read-only for that.
func readOnlyExt4(t *testing.T) fault {
	e := newExt4(t, "80m", "errors=remount-ro")
	return fault{
		dir: e.dir, middle: true, behind: true, says: "read-only file system",
		begin: func(saver) {
			trigger := fmt.Sprintf("/sys/fs/ext4/%s/trigger_fs_error", filepath.Base(e.device))
			if err := os.WriteFile(trigger, []byte("1"), 0); err != nil {
				t.Fatal(err)
			}
		},
		end: e.again,
	}
}

// shutDownExt4 has every call fail, and what was not synchronised is lost.
func shutDownExt4(t *testing.T) fault {
	e := newExt4(t, "80m", "")
	return fault{
		dir: e.dir, middle: true, wiped: true, says: "input/output error",
		begin: func(saver) { e.cut() },
		end:   e.again,
	}
}
