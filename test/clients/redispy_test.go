package clients_test

import "testing"

// redisPy names the versions of redis-py that applications run: 5 speaks
// RESP2, 8 speaks RESP3 and cannot connect without HELLO.
var redisPy = map[string]string{
	"redis-py-5": "python/requirements-redis5.txt",
	"redis-py-8": "python/requirements-redis8.txt",
}

func TestRedisPy(t *testing.T) {
	for name, requirements := range redisPy {
		t.Run(name, func(t *testing.T) {
			python := python(t, requirements)
			runDriver(t, target, dbRedisPy, tool(t, python, "python/driver.py"))
		})
	}
}

func TestRedisPyWithPassword(t *testing.T) {
	for name, requirements := range redisPy {
		t.Run(name, func(t *testing.T) {
			python := python(t, requirements)
			runDriver(t, passwordServer(t), dbRedisPy, tool(t, python, "python/driver.py", "connection", "set_and_get"))
		})
	}
}
