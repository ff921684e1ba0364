// Package faults does to a server what production does: it ends its process, takes its memory, fills its disk, moves its clock. What was
// promised may not be lost. docs/reliability.md lists the faults and what came of them.
package faults

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/redistill/redistill/netserver"
	"github.com/redistill/redistill/test/servertest"
)

var length = flag.Duration("faults", time.Second, "how long the load of a test lasts")

func TestMain(m *testing.M) {
	flag.Parse()
	ownMounts()
	os.Exit(servertest.Main(m))
}

// mountsAreOurs is a variable of the environment: tests may mount filesystems.
const mountsAreOurs = "FAULTS_OWN_MOUNTS"

// ownMounts starts this program again with a view of the filesystems of its own, where that is allowed. What it and its servers mount there
// nobody else sees, and it is gone with them, however they end.
func ownMounts() {
	if os.Getenv(mountsAreOurs) != "" {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return
	}
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = unix.Exec("/proc/self/exe", os.Args, append(os.Environ(), mountsAreOurs+"=yes"))
	}
	panic(err) // this thread sees other mounts than the others do
}

// skip skips the test for what this machine does not allow or have. CI runs as root, and there only what the kernel has not is a reason.
func skip(t *testing.T, what string, err error) {
	t.Helper()
	lacks := errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOSYS) || errors.Is(err, fs.ErrNotExist)
	if os.Getenv("CI") == "true" && os.Getuid() == 0 && !lacks {
		t.Fatalf("CI needs %s: %v", what, err)
	}
	t.Skipf("skipped, because it takes %s: %v", what, err)
}

// mayMount skips the test where filesystems cannot be mounted.
func mayMount(t *testing.T) {
	t.Helper()
	if os.Getenv(mountsAreOurs) == "" {
		skip(t, "the right to mount filesystems", unix.EPERM)
	}
}

// mount mounts a filesystem for as long as the test runs. The directory is made.
func mount(t *testing.T, source, dir, kind string, flags uintptr, options string) {
	t.Helper()
	mayMount(t)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(source, dir, kind, flags, options); err != nil {
		skip(t, "a filesystem of the kind "+kind, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// onEachPath runs a test on the I/O paths that this machine allows.
func onEachPath(t *testing.T, test func(t *testing.T, path string)) {
	for _, path := range []string{netserver.Portable, netserver.Epoll, netserver.IOUring} {
		t.Run(path, func(t *testing.T) {
			if _, _, err := netserver.ChoosePath(path); err != nil {
				t.Skip("skipped: ", err)
			}
			test(t, path)
		})
	}
}

// redistill returns the arguments that start our server.
func redistill(tb testing.TB, path string, more ...string) []string {
	return append([]string{servertest.Program(tb), "serve", "--port", servertest.Port, "--io", path}, more...)
}
