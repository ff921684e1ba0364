//go:build unix

package command

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redistill/redistill/test/await"
)

// replaceByPipe puts a pipe in the place of a file.
func replaceByPipe(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A file of users that takes its time keeps nobody waiting but the client that asked for it, and
// those that want the same file.
func TestSlowUsers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	var log bytes.Buffer
	srv := newLoggingServer(t, &log, "security.acl_file "+path)
	loader, saver, other := connect(t, srv), connect(t, srv), connect(t, srv)
	loader.expect("ACL SETUSER ann on nopass ~* +@all", "+OK", "ACL SAVE", "+OK")
	replaceByPipe(t, path)
	for range 2 {
		if _, ran := loader.try("ACL LOAD"); ran {
			t.Fatal("ACL LOAD did not wait")
		}
	}
	other.expect("SET k v", "+OK", "ACL USERS", "*2 $3 ann $7 default", "MULTI", "+OK",
		"ACL LOAD", "-ERR Command not allowed inside a transaction", "ACL SAVE", "-ERR Command not allowed inside a transaction", "DISCARD", "+OK")
	await.True(t, "the pipe is opened for reading", func() bool { // and not by ACL SAVE before
		f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return false
		}
		if _, ran := saver.try("ACL SAVE"); ran {
			t.Error("ACL SAVE did not wait")
		}
		_, err = f.WriteString("user bob on nopass ~* +@all\n")
		return errors.Join(err, f.Close()) == nil
	})
	loader.expect("ACL LOAD", "+OK", "ACL USERS", "*2 $3 bob $7 default")
	saver.expect("ACL SAVE", "-"+string(errACLSave))
	if !strings.Contains(log.String(), path+" is not a regular file") {
		t.Errorf("logged %s", &log)
	}
}

// A client that is forbidden what it waits for is told so, and does not get the answer later.
func TestForbiddenWhileWaiting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	srv := newTestServer(t, "security.acl_file "+path)
	c, admin := connect(t, srv), connect(t, srv)
	admin.expect("ACL SETUSER ann on nopass ~* +@all", "+OK")
	c.expect("AUTH ann x", "+OK")
	replaceByPipe(t, path)
	if _, ran := c.try("ACL LOAD"); ran {
		t.Fatal("ACL LOAD did not wait")
	}
	admin.expect("ACL SETUSER ann -acl|load", "+OK")
	if err := os.WriteFile(path, nil, 0); err != nil { // the pipe's other end
		t.Fatal(err)
	}
	c.expect("ACL LOAD", "-NOPERM User ann has no permissions to run the 'acl|load' command",
		"ACL SAVE", "-"+string(errACLSave))
}
