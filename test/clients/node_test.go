package clients_test

import "testing"

var nodeClients = []struct {
	name, script string
	db           int
}{
	{"ioredis", "node/ioredis.js", dbIORedis},
	{"node-redis", "node/node_redis.js", dbNodeRedis},
}

func TestNode(t *testing.T) {
	program, nodePath := node(t, "node")
	for _, client := range nodeClients {
		t.Run(client.name, func(t *testing.T) {
			runDriver(t, target, client.db, tool(t, program, client.script), nodePath)
		})
	}
}

func TestNodeWithPassword(t *testing.T) {
	program, nodePath := node(t, "node")
	e := passwordServer(t)
	for _, client := range nodeClients {
		t.Run(client.name, func(t *testing.T) {
			runDriver(t, e, client.db, tool(t, program, client.script, "connection", "set_and_get"), nodePath)
		})
	}
}
