package command

import "net/netip"

// errProtected is Redis's text.
const errProtected = Error("DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the " +
	"default user. In this mode connections are only accepted from the loopback interface. If you want to connect from external " +
	"computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET " +
	"protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE " +
	"Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively " +
	"you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', " +
	"and then restarting the server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' " +
	"option. 4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above things in order for " +
	"the server to start accepting connections from the outside.")

// protectedFrom reports whether protected mode refuses a client with this address: the default user needs no password, and the client is
// on another machine. As in Redis the check is made once, when the client connects.
func (srv *Server) protectedFrom(addr string) bool {
	return srv.Config.Values().ProtectedMode && srv.users.Default().Rules().NoPass() && !isLocal(addr)
}

// isLocal reports whether a client's address is a loopback address or a Unix socket.
func isLocal(addr string) bool {
	a, err := netip.ParseAddrPort(addr)
	return err != nil || a.Addr().Unmap().IsLoopback()
}
