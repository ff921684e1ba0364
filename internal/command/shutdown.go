package command

var shutdownCommand = Command{
	Name: "shutdown", Arity: -1, Flags: Admin | NoScript | Loading | Stale | NoMulti | AllowBusy, Group: Admins, Since: "1.0.0",
	Summary:    "Synchronously save the dataset to disk and then shut down the server",
	Complexity: "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
	Syntax:     "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]", Run: shutdown,
	Differs: "There are no snapshots: SHUTDOWN saves nothing and logs that, and SHUTDOWN SAVE is refused unless FORCE is given",
}

// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]. There is no reply: the connection closes with the server. NOW and FORCE change
// nothing, for there are no replicas to wait for; but FORCE lets SAVE pass, which otherwise is refused because nothing can be saved.
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
	case save && !force:
		c.Srv.Log.Error("shutdown refused: SHUTDOWN SAVE was asked for, but there is no snapshot path to save to")
		return Error("ERR Errors trying to SHUTDOWN. Check logs.")
	}
	if !noSave {
		c.Srv.Log.Warn("shutdown without a snapshot path: the data is not saved")
	}
	c.S.Closing = true
	c.Srv.Shutdown(false)
	return nil
}
