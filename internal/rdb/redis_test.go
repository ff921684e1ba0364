package rdb_test

import (
	"testing"

	"github.com/redistill/redistill/test/servertest"
)

// redis is a connection to a redis-server of its own.
type redis struct {
	*servertest.Client
	dir string // where its dump.rdb is
}

// startRedis runs redis-server with more flags until the end of the test. Its directory may hold a dump.rdb to load.
func startRedis(t testing.TB, dir string, flags ...string) *redis {
	t.Helper()
	args := append([]string{servertest.Redis(t), "--port", servertest.Port, "--save", ""}, flags...)
	return &redis{servertest.StartIn(t, dir, args...).Dial(), dir}
}
