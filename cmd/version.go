package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Set by the linker in release builds
// (-X github.com/redistill/redistill/cmd.version=1.2.3).
var (
	version string
	commit  string
)

// build says which program this is.
type build struct {
	version, commit string
}

// currentBuild takes what the linker was told, and else what the Go tool knows
// about the checkout.
func currentBuild() build {
	b := build{version, commit}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if b.version == "" {
		b.version = info.Main.Version
	}
	if b.version == "" || b.version == "(devel)" {
		b.version = "dev"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && b.commit == "" {
			b.commit = s.Value
		}
	}
	if b.commit == "" {
		b.commit = "unknown"
	}
	return b
}

// String returns version, commit, Go version and platform on one line.
func (b build) String() string {
	return fmt.Sprintf("%s (commit %s, %s %s/%s)", b.version, b.commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and the Go version",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "redistill %s\n", currentBuild())
			return err
		},
	}
}
