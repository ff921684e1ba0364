package command

var shutdownCommand = Command{
	Name: "shutdown", Arity: -1, Flags: Admin | NoScript | Loading | Stale | NoMulti | AllowBusy, Group: Admins, Since: "1.0.0",
	Summary:    "Synchronously save the dataset to disk and then shut down the server",
	Complexity: "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
	Syntax:     "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]", Run: shutdown,
	Differs: "The data is saved when all clients are gone. SHUTDOWN is refused if no file can be made where the snapshot is to be, " +
		"unless FORCE is given; if it cannot be written in full, the process ends all the same, and with an error",
}

// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]. There is no reply: the connection closes with the server. NOW changes nothing, for there
// are no replicas to wait for.
func shutdown(c *Call) error {
	var save, noSave, force, abort bool
	for _, a := range c.Args[1:] {
		switch {
		case is(a, "save"):
			save = true
		case is(a, "nosave"):
			noSave = true
		case is(a, "force"):
			force = true
		case is(a, "abort"):
			abort = true
		case !is(a, "now"):
			return errSyntax
		}
	}
	switch {
	case save && noSave, abort && len(c.Args) > 2:
		return errSyntax
	case abort:
		return Error("ERR No shutdown in progress.")
	}
	v := c.Srv.Config.Snapshot()
	save = (save || !noSave && v.Persistence && v.SaveOnShutdown) && !c.Srv.Loading()
	if save && !force {
		if err := canSave(v.SnapshotPath); err != nil {
			c.Srv.Log.Error("shutdown refused: the snapshot cannot be written", "error", err)
			return Error("ERR Errors trying to SHUTDOWN. Check logs.")
		}
	}
	if !save && !noSave && !c.Srv.Loading() {
		c.Srv.Log.Warn("shutdown without persistence: the data is not saved")
	}
	c.S.Closing = true
	c.Srv.Shutdown(save)
	return nil
}
