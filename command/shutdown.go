package command

import (
	"errors"
	"time"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/config"
)

var shutdownCommand = Command{
	Name: "shutdown", Arity: -1, Flags: Admin | NoScript | Loading | Stale | NoMulti | AllowBusy, Group: Admins, Since: "1.0.0",
	Summary:    "Synchronously save the dataset to disk and then shut down the server",
	Complexity: "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
	Syntax:     "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]", Run: shutdown,
	Differs: "A snapshot is written while clients are served, which shows that it can be written, " +
		"and another one when they are gone, if there were writes in between. SHUTDOWN is refused if the " +
		"first one fails, as in Redis. FORCE leaves it out. If only the second one fails, the process ends " +
		"all the same, and with an error",
}

const errShutdown = Error("ERR Errors trying to SHUTDOWN. Check logs.")

// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]. There is no reply but to one that is refused: the
// connection closes with the server. It runs again when that is decided.
func shutdown(c *Call) error {
	how, err := c.shutdownFlags()
	if err != nil {
		return err
	}
	srv := c.Srv
	_, err = c.await(func(p *pending) {
		go func() { p.end("", srv.Stop(how)) }()
	})
	switch err {
	case nil:
		if how&config.ShutdownNoSave == 0 && !srv.saves(how) && !srv.Loading() {
			srv.Log.Warn("shutdown without persistence: the data is not saved")
		}
		c.S.Closing = true
		return nil
	case errWait:
		return err
	}
	srv.Log.Error("SHUTDOWN was refused, because the snapshot cannot be written",
		"client", c.S.Addr, "error", err)
	return errShutdown
}

// shutdownFlags reads the arguments of SHUTDOWN. NOW is none of them that counts, for there are no
// replicas to wait for.
func (c *Call) shutdownFlags() (how config.ShutdownFlags, err error) {
	abort := false
	for _, a := range c.Args[1:] {
		switch {
		case is(a, "save"):
			how |= config.ShutdownSave
		case is(a, "nosave"):
			how |= config.ShutdownNoSave
		case is(a, "force"):
			how |= config.ShutdownForce
		case is(a, "abort"):
			abort = true
		case !is(a, "now"):
			return how, errSyntax
		}
	}
	const both = config.ShutdownSave | config.ShutdownNoSave
	switch {
	case how&both == both, abort && len(c.Args) > 2:
		return how, errSyntax
	case abort:
		return how, Error("ERR No shutdown in progress.")
	}
	return how, nil
}

// Stop begins an orderly stop of the process, with a snapshot in the end if how or the settings say
// so. Before that it waits for a snapshot, for as long as that takes, but not for a command that
// has keys locked for the whole grace period: if it cannot be written the server goes on, and the
// error says why. ShutdownForce and ShutdownNow leave that out.
func (srv *Server) Stop(how config.ShutdownFlags) error {
	srv.underWay.Add(1)
	defer srv.underWay.Done()
	save := srv.saves(how)
	if save && !srv.Loading() && how&(config.ShutdownForce|config.ShutdownNow) == 0 {
		patience := max(time.Second, srv.Config.Values().ShutdownGracePeriod)
		switch err := srv.saver.prove(patience); {
		case errors.Is(err, errStopping): // somebody else had the server end
			return nil
		case err != nil && !hindered(err):
			return err
		}
	}
	srv.Shutdown(save)
	return nil
}

// saves reports whether how, or else the settings, want a snapshot in the end.
func (srv *Server) saves(how config.ShutdownFlags) bool {
	v := srv.Config.Values()
	return how&config.ShutdownSave != 0 ||
		how&config.ShutdownNoSave == 0 && v.Persistence && v.SaveOnShutdown
}

// hindered reports whether a snapshot failed because of what clients did meanwhile. That says
// nothing about the disk, and does not happen when the clients are gone.
func hindered(err error) bool {
	return errors.Is(err, engine.ErrSnapshotBehind) || errors.Is(err, engine.ErrSnapshotMemory) ||
		errors.Is(err, engine.ErrFlushed) || err == errLocked
}
