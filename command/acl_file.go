package command

import (
	"errors"
	"io/fs"
	"os"

	"github.com/redistill/redistill/internal/acl"
	"github.com/redistill/redistill/internal/atomicfile"
)

const (
	errNoACLFile = Error("ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER " +
		"command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis " +
		"configuration.")
	errACLSave = Error("ERR There was an error trying to save the ACLs. Please check the server logs for more information")
)

// LoadUsers reads the file of users, if there is one. It is called before clients come.
func (srv *Server) LoadUsers() error {
	path := srv.Config.Values().ACLFile
	if path == "" {
		return nil
	}
	text, err := readUsers(path)
	if err != nil {
		return err
	}
	if _, err := srv.users.Load(text, path); err != nil {
		return err
	}
	if names := srv.users.Disabled(); len(names) > 0 {
		srv.Log.Warn("some users cannot log in: there is no 'on' among their rules", "file", path, "users", names)
	}
	return nil
}

// CheckUsers reads a file of users and says what is wrong with it, in LoadUsers' words. An empty
// path is no file.
func CheckUsers(path string) error {
	if path == "" {
		return nil
	}
	text, err := readUsers(path)
	if err != nil {
		return err
	}
	_, err = acl.NewUsers(newTable(Commands()).catalog()).Load(text, path)
	return err
}

func readUsers(path string) (text string, err error) {
	b, err := os.ReadFile(path)
	var cause *fs.PathError
	if errors.As(err, &cause) {
		return "", Error("Error loading ACLs, opening file '" + path + "': " + cause.Err.Error())
	}
	return string(b), err
}

// ACL LOAD. It runs again when the file was read.
func aclLoad(c *Call) error {
	path := c.Srv.Config.Values().ACLFile
	if path == "" {
		return errNoACLFile
	}
	text, err := c.aside(func() (string, error) { return readUsers(path) })
	if err == errWait {
		return err
	}
	var gone []*acl.User
	if err == nil {
		gone, err = c.Srv.users.Load(text, path)
	}
	if err != nil {
		return Error("ERR " + err.Error())
	}
	c.S.rulesChanged(c.Srv.users.Default())
	c.S.killUsers(gone)
	c.Out.OK()
	return nil
}

// ACL SAVE. It runs again when the file was written.
func aclSave(c *Call) error {
	path := c.Srv.Config.Values().ACLFile
	if path == "" {
		return errNoACLFile
	}
	users := c.Srv.users
	_, err := c.aside(func() (string, error) { return "", replaceFile(path, users.Text()) })
	if err != nil && err != errWait {
		c.Srv.Log.Error("the users were not saved", "file", path, "error", err)
		err = errACLSave
	}
	return c.ok(err)
}

// replaceFile writes a file. One that was there keeps its permissions; a new one is for the owner alone.
func replaceFile(path string, text []byte) error {
	mode := os.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	return atomicfile.Write(path, text, mode)
}
