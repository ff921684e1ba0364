package clients_test

import (
	"os"
	"path/filepath"
	"testing"
)

// userServer returns a server that lets nobody in but the user of a file, who
// may do all but administer it, and may read settings.
func userServer(t *testing.T) endpoint {
	t.Helper()
	if builtServer == "" {
		t.Skip("skipped, because REDISTILL_TEST_ADDR names a server, and this needs one of its own")
	}
	path := filepath.Join(t.TempDir(), "users.acl")
	const users = "user default off\nuser shop on >s3cret resetchannels ~* +@all -@admin +config|get\n"
	if err := os.WriteFile(path, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := startServer("", "--acl-file", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stopServer(s); err != nil {
			t.Error(err)
		}
	})
	e := s.endpoint
	e.user, e.password = "shop", "s3cret"
	return e
}

func TestUser(t *testing.T) {
	e := userServer(t)
	for name, requirements := range redisPy {
		t.Run(name, func(t *testing.T) {
			runDriver(t, e, dbRedisPy, tool(t, python(t, requirements), "python/driver.py", "connection", "set_and_get", "transaction"))
		})
	}
	for _, client := range nodeClients {
		t.Run(client.name, func(t *testing.T) {
			program, nodePath := node(t, "node")
			runDriver(t, e, client.db, tool(t, program, client.script, "connection", "set_and_get", "transaction"), nodePath)
		})
	}
	t.Run("go-redis", func(t *testing.T) {
		checkConnection(t, goRedisClient(t, e, 3))
		wrong := e
		wrong.password = "guess"
		requireError(t, goRedisClient(t, wrong, 3).Ping(t.Context()).Err(), "WRONGPASS")
		requireError(t, goRedisClient(t, e, 2).ConfigSet(t.Context(), "maxclients", "5").Err(), "NOPERM")
	})
	t.Run("redis-cli", func(t *testing.T) {
		requireOutput(t, redisCLI(t, e, "ACL WHOAMI\nSET k v\nGET k\n", "--user", e.user), "shop\nOK\nv\n")
		requireOutput(t, redisCLI(t, e, "CONFIG SET maxclients 5\n", "--user", e.user),
			"NOPERM User "+e.user+" has no permissions to run the 'config|set' command\n\n")
		requireOutput(t, redisCLI(t, e, "PING\n", "-3", "--user", e.user), "PONG\n")
	})
}
