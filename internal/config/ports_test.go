package config

import (
	"fmt"
	"testing"
)

// TestPorts: what the system chose is shown under Redis's names, and in no other place.
func TestPorts(t *testing.T) {
	for _, test := range []struct {
		port, tlsPort, tls string
		before, after      string // Ports
		chosen             string // returned by Listening
		get                string // of port, tls-port, server.port and server.tls_port
	}{
		{"6379", "0", "false", "6379 0", "6379 0", "0 0", "6379 0 6379 0"},
		{"0", "0", "false", "0 0", "0 0", "0 0", "0 0 0 0"},
		{"auto", "0", "false", "-1 0", "7001 0", "7001 0", "7001 0 auto 0"},
		{"AUTO", "auto", "false", "-1 -1", "7001 7002", "7001 7002", "7001 7002 auto auto"},
		{"0", "auto", "true", "0 -1", "0 7002", "0 7002", "0 7002 0 auto"},
		{"6379", "0", "true", "0 6379", "0 6379", "0 0", "6379 0 6379 0"},
		{"auto", "0", "true", "0 -1", "0 7002", "7002 0", "7002 0 auto 0"},
	} {
		flag := Source{Origin: FromFlag, Name: "x"}
		assignments := []Assignment{
			{"server.port", test.port, flag}, {"server.tls_port", test.tlsPort, flag}, {"security.tls_enabled", test.tls, flag},
		}
		c := mustLoad(t, assignments...)
		if got := fmt.Sprintln(c.Values().Ports()); got != test.before+"\n" {
			t.Errorf("%+v: before it listens the ports are %s", test, got)
		}
		if got := fmt.Sprintln(c.Listening(7001, 7002)); got != test.chosen+"\n" {
			t.Errorf("%+v: it chose %s", test, got)
		}
		if got := fmt.Sprintln(c.Values().Ports()); got != test.after+"\n" {
			t.Errorf("%+v: the ports are %s", test, got)
		}
		got := ""
		for _, p := range c.Get("port", "tls-port", "server.port", "server.tls_port") {
			got += " " + p.Value
		}
		if got != " "+test.get {
			t.Errorf("%+v: CONFIG GET:%s", test, got)
		}
		if changes := c.Reload(mustLoad(t, assignments...)); len(changes) > 0 {
			t.Errorf("%+v: read again, the settings differ: %+v", test, changes)
		}
	}
}
