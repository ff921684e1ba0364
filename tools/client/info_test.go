package client

import (
	"maps"
	"net"
	"testing"

	"github.com/redistill/redistill/test/await"
)

func TestInfo(t *testing.T) {
	const text = "# Memory\r\nused_memory:123\r\nratio:1.5\r\nname:a:b\r\n\r\nlimit:0\r\n"
	ours, theirs := net.Pipe()
	go answer(t, theirs, "$59\r\n"+text+"\r\n", "-ERR no\r\n")
	c := New(ours, Options{Timeout: await.Limit})
	defer c.Close()
	got, err := c.Info("memory")
	if want := map[string]int64{"used_memory": 123, "limit": 0}; err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := c.Info("memory"); err == nil {
		t.Error("an error of the server: got none")
	}
}
