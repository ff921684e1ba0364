package cmd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/internal/certs"
	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/netserver"
)

// checkSettings refuses settings that serve cannot start with, as far as that shows without reading
// the files that they name. 'redistill config' calls it too, so that both refuse the same settings
// in the same words.
func checkSettings(cfg *config.Config) error {
	v := cfg.Values()
	if _, _, err := netserver.ChoosePath(v.IO); err != nil {
		return err
	}
	if err := checkEndpoints(cfg); err != nil {
		return err
	}
	if err := command.CheckMaxMemory(v.MaxMemory); err != nil {
		return refused(cfg, "memory.max_memory", err)
	}
	if v.Persistence {
		if err := checkFile(v.SnapshotPath, 0); err != nil {
			return refused(cfg, "persistence.snapshot_path", err)
		}
	}
	return nil
}

// checkFiles refuses what the settings name if serve, which reads it before it binds a port, would.
// Serve does not call it, because a file may be a pipe, which can be read only once.
func checkFiles(v *config.Values) error {
	if v.TLS() {
		if err := certs.Check(certOptions(v)); err != nil {
			return noTLS(err)
		}
	}
	return command.CheckUsers(v.ACLFile)
}

// noTLS is the error of a certificate that cannot be used.
func noTLS(reason error) error { return fmt.Errorf("cannot serve TLS: %w", reason) }

// refused says that the value of the setting with this key is impossible, and where it is from.
func refused(cfg *config.Config, key string, reason error) error {
	for _, e := range cfg.Effective() {
		if e.Setting.Key == key {
			return &config.Error{
				Source: e.Source, Key: key, Value: strconv.Quote(e.Value), Reason: reason.Error(),
			}
		}
	}
	panic("cmd: no setting " + key)
}

// errNowhere is why a server does not start that nobody could reach.
var errNowhere = errors.New(
	"nothing to listen on: server.port and server.tls_port are 0, and server.unix_socket is empty")

// checkEndpoints refuses to listen nowhere, twice on one port, or where no Unix socket can be.
func checkEndpoints(cfg *config.Config) error {
	v := cfg.Values()
	plain, secure := v.Ports()
	switch {
	case plain == 0 && secure == 0 && v.UnixSocket == "":
		return errNowhere
	case plain > 0 && plain == secure:
		return refused(cfg, "server.tls_port", errors.New("must differ from server.port"))
	case v.UnixSocket == "" || strings.HasPrefix(v.UnixSocket, "@"): // a name without a file
		return nil
	}
	err := checkFile(v.UnixSocket, os.ModeSocket)
	if most := len(syscall.RawSockaddrUnix{}.Path) - 1; len(v.UnixSocket) > most {
		err = fmt.Errorf("must be a path of at most %d bytes", most)
	}
	if err != nil {
		return refused(cfg, "server.unix_socket", err)
	}
	return nil
}

// checkFile refuses a path whose directory is missing, or where something lies that is no file of
// the given type.
func checkFile(path string, mode os.FileMode) error {
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no directory %s", dir)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Type() != mode {
		return errors.New("something else lies there, and is left as it is")
	}
	return nil
}
