package cmd

import (
	"context"
	"os"
	"strings"

	"github.com/redistill/redistill/tools/spawn"
)

// startOwnServer starts this program as a server that a tool measures, with more arguments of
// 'serve'. It has the defaults: it reads no file and no environment, so it neither meets the
// configuration of a server on this machine nor its snapshot, and it keeps nothing.
func startOwnServer(ctx context.Context, args ...string) (*spawn.Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	env := []string{}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "REDIS") {
			env = append(env, v)
		}
	}
	command := []string{self, "serve", "--config", os.DevNull, "--bind", "127.0.0.1", "--port", "auto"}
	return spawn.Start(ctx, env, append(command, args...)...)
}
