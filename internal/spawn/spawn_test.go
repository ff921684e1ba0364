package spawn

import (
	"context"
	"strings"
	"testing"
)

func TestStartErrors(t *testing.T) {
	for want, args := range map[string][]string{
		"needs {port}":                      {"redis-server"},
		"starting a server":                 {"no-such-program", PortMark},
		"it ended at once: cannot do 'port": {"sh", "-c", "echo cannot do \"'port\" {port}; exit 1"},
	} {
		_, err := Start(context.Background(), nil, args...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", args, err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Start(ctx, nil, "sleep", "100", "{port}")
	if err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}
