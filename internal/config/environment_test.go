package config

import (
	"strings"
	"testing"
)

func TestEnvironmentOfContainers(t *testing.T) {
	vars := ParseEnvironment([]string{
		"REDIS_PORT=tcp://10.0.0.7:6379", "REDISTILL_SERVER_PORT=tcp://10.0.0.8:80", "REDIS_PASSWORD=", "REDIS_BIND=::1",
		"REDISTILL_SERVICE_HOST=10.0.0.7", "REDISTILL_PORT_6379_TCP_PORT=6379", "REDISTILL_CONFIG=x", "REDISTILL_SERVER_PROT=1", "HOME=/",
		"REDISTILL_LOGGING_LEVEL=debug",
	})
	got := vars.Assignments()
	if len(got) != 2 || got[0].Key != "server.bind" || got[0].Text != "::1" || got[1].Key != "logging.level" {
		t.Errorf("assignments: %+v", got)
	}
	if w := vars.Warnings(); len(w) != 1 || !strings.Contains(w[0], "REDISTILL_SERVER_PROT ") {
		t.Errorf("warnings: %q", w)
	}
}
