package cmd

import (
	"context"
	"strconv"
	"strings"

	"github.com/redistill/redistill/tools/bench"
	"github.com/redistill/redistill/tools/client"
	"github.com/redistill/redistill/tools/spawn"
)

// isCommand reports whether a target is the command of a server, or, if it is
// empty, this program's.
func isCommand(text string) bool { return text == "" || strings.Contains(text, spawn.PortMark) }

// openTarget finds or starts the server that text means, for so many connections;
// see benchHelp.
func (o *benchOptions) openTarget(ctx context.Context, text string, connections int) (_ bench.Named, stop func(), _ error) {
	if isCommand(text) {
		return spawnTarget(ctx, text, connections)
	}
	t, err := client.ParseTarget(text)
	if err == nil {
		err = completeTarget(&t, &o.tls)
	}
	return bench.Named{Name: t.String(), Target: t}, func() {}, err
}

// spawnTarget starts a server, for so many connections if it is this program's.
func spawnTarget(ctx context.Context, text string, connections int) (_ bench.Named, stop func(), err error) {
	name, s := text, (*spawn.Server)(nil)
	if text == "" {
		name = "redistill"
		// There are more: those that ask for INFO, and that wait for the server.
		s, err = startOwnServer(ctx, "--max-connections", strconv.Itoa(connections+100))
	} else {
		s, err = spawn.StartForeign(ctx, fields(text)...)
	}
	if err != nil {
		return bench.Named{}, nil, err
	}
	t := client.Target{Network: "tcp", Address: s.Address}
	return bench.Named{Name: name, Target: t, Ended: s.Ended}, s.Stop, nil
}

// fields splits a command at spaces. A word of two quotes is an empty argument;
// there is no other quoting.
func fields(text string) []string {
	words := strings.Fields(text)
	for i, w := range words {
		if w == `''` || w == `""` {
			words[i] = ""
		}
	}
	return words
}
