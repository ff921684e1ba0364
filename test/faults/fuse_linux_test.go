package faults

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// calls is a filesystem over a directory, of which calls of some kinds can be made to fail or to hang. Tests look at the directory itself, for
// a process must not wait for a filesystem that it serves.
type calls struct {
	dir, below string

	mu     sync.Mutex
	fail   []string // kinds of calls
	errno  syscall.Errno
	after  int           // so many calls succeed first
	failed int           // calls that did not
	hang   chan struct{} // calls wait until it is closed, and then succeed; nil if they fail
}

// newCalls mounts the filesystem for as long as the test runs.
func newCalls(t *testing.T) *calls {
	t.Helper()
	mayMount(t)
	c := &calls{below: t.TempDir(), dir: t.TempDir()}
	root, err := fs.NewLoopbackRoot(c.below)
	if err != nil {
		t.Fatal(err)
	}
	server, err := fs.Mount(c.dir, &node{root.(*fs.LoopbackNode), c}, &fs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true}})
	if err != nil {
		skip(t, "FUSE", err)
	}
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// set has calls of some kinds fail with an error, or hang and then succeed, after so many that do not. No kinds end that.
func (c *calls) set(errno syscall.Errno, hang chan struct{}, after int, kinds ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail, c.errno, c.hang, c.after, c.failed = kinds, errno, hang, after, 0
}

// newHang returns what calls wait for that hang, and what ends that: a test has to call it in any case, or the server could not even be killed.
func newHang() (hang chan struct{}, release func()) {
	hang = make(chan struct{})
	return hang, sync.OnceFunc(func() { close(hang) })
}

// hung returns how many calls failed, or hang or did.
func (c *calls) hung() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// check returns how a call goes.
func (c *calls) check(kind string) syscall.Errno {
	c.mu.Lock()
	if !slices.Contains(c.fail, kind) {
		c.mu.Unlock()
		return 0
	}
	if c.after--; c.after >= 0 {
		c.mu.Unlock()
		return 0
	}
	c.failed++
	hang, errno := c.hang, c.errno
	c.mu.Unlock()
	if hang != nil {
		<-hang
		return 0
	}
	return errno
}

// failingCall has a call of a kind fail after some that succeed, and likewise calls of more kinds.
func failingCall(kind string, after int, errno syscall.Errno, more ...string) func(t *testing.T) fault {
	return func(t *testing.T) fault {
		c := newCalls(t)
		return fault{
			dir: c.dir, look: c.below, says: errno.Error(), new: kind == "fsyncdir", behind: slices.Contains(more, "unlink"),
			begin: func(saver) { c.set(errno, nil, after, append(more, kind)...) },
			end: func() {
				if c.hung() == 0 {
					t.Errorf("no call of %s failed", kind)
				}
				c.set(0, nil, 0)
			},
		}
	}
}

// node is a file or a directory.
type node struct {
	*fs.LoopbackNode
	*calls
}

// WrapChild makes nodes of the files and directories in a directory.
func (n *node) WrapChild(_ context.Context, child fs.InodeEmbedder) fs.InodeEmbedder {
	return &node{child.(*fs.LoopbackNode), n.calls}
}

// Create makes a file.
func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if errno := n.check("open"); errno != 0 {
		return nil, nil, 0, errno
	}
	inode, f, flags, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	return inode, n.opened(f, errno), flags, errno
}

// Open opens a file.
func (n *node) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if errno := n.check("open"); errno != 0 {
		return nil, 0, errno
	}
	f, flags, errno := n.LoopbackNode.Open(ctx, flags)
	return n.opened(f, errno), flags, errno
}

// opened returns the open file that the kernel gets.
func (n *node) opened(f fs.FileHandle, errno syscall.Errno) fs.FileHandle {
	if errno != 0 {
		return nil
	}
	return &openFile{f.(*fs.LoopbackFile), n.calls}
}

// Rename renames a file.
func (n *node) Rename(ctx context.Context, name string, dir fs.InodeEmbedder, to string, flags uint32) syscall.Errno {
	if errno := n.check("rename"); errno != 0 {
		return errno
	}
	return n.LoopbackNode.Rename(ctx, name, dir.(*node).LoopbackNode, to, flags)
}

// Unlink removes a file.
func (n *node) Unlink(ctx context.Context, name string) syscall.Errno {
	if errno := n.check("unlink"); errno != 0 {
		return errno
	}
	return n.LoopbackNode.Unlink(ctx, name)
}

// OpendirHandle opens a directory.
func (n *node) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	d, flags, errno := n.LoopbackNode.OpendirHandle(ctx, flags)
	if errno != 0 {
		return nil, 0, errno
	}
	return &openDir{d.(fs.FileReaddirenter), d.(fs.FileReleasedirer), n.calls}, flags, 0
}

// openDir is an open directory, which can be read and synchronised.
type openDir struct {
	fs.FileReaddirenter
	fs.FileReleasedirer
	*calls
}

// Fsyncdir does nothing, for the directory below is no other after a crash of this process.
func (d *openDir) Fsyncdir(context.Context, uint32) syscall.Errno { return d.check("fsyncdir") }

// openFile is an open file. It has only the methods that files have which are written and read; the kernel would read and write a
// fs.LoopbackFile by itself.
type openFile struct {
	file *fs.LoopbackFile
	*calls
}

// Read reads some bytes.
func (f *openFile) Read(ctx context.Context, to []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	if errno := f.check("read"); errno != 0 {
		return nil, errno
	}
	return f.file.Read(ctx, to, at)
}

// Write writes some bytes.
func (f *openFile) Write(ctx context.Context, data []byte, at int64) (uint32, syscall.Errno) {
	if errno := f.check("write"); errno != 0 {
		return 0, errno
	}
	return f.file.Write(ctx, data, at)
}

// Fsync synchronises the file.
func (f *openFile) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if errno := f.check("fsync"); errno != 0 {
		return errno
	}
	return f.file.Fsync(ctx, flags)
}

// Release closes the file.
func (f *openFile) Release(ctx context.Context) syscall.Errno { return f.file.Release(ctx) }
