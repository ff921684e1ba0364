package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/redistill/redistill/netserver"
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
// about the checkout. The commit of a checkout with changes ends in +dirty.
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
	if b.commit == "" {
		b.commit = checkedOut(info.Settings)
	}
	return b
}

func checkedOut(settings []debug.BuildSetting) string {
	revision, dirty := "unknown", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	return revision + dirty
}

// String returns version, commit, Go version and platform on one line.
func (b build) String() string {
	return fmt.Sprintf("%s (commit %s, %s %s/%s)", b.version, b.commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func newVersion() *cobra.Command {
	output := ""
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit, the Go version and the I/O path",
		Long: `Print the version, the commit that it was built from, the version of Go, and the
best of the server's I/O paths that this system has: io_uring, epoll or portable,
and why it has no better one.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return printVersion(c.OutOrStdout(), output) },
	}
	c.Flags().StringVar(&output, "output", "text", "`form` of the output: text or json")
	completeWords(c, "output", "text", "json")
	return c
}

// versionSchema is the version of the JSON. Fields may be added to it.
const versionSchema = "redistill.version/1"

// versionDocument is the JSON of the version.
type versionDocument struct {
	Schema     string `json:"schema"`
	Version    string `json:"version"`
	Commit     string `json:"commit"`
	Go         string `json:"go"`
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	IO         string `json:"io"`
	IOFallback string `json:"io_fallback,omitempty"` // why it is not a better one
}

func printVersion(w io.Writer, output string) error {
	path, fallback, err := netserver.ChoosePath("auto")
	if err != nil {
		return err
	}
	b := currentBuild()
	switch output {
	case "text":
		line := "I/O path: " + path
		if fallback != "" {
			line += " (" + fallback + ")"
		}
		_, err := fmt.Fprintf(w, "redistill %s\n%s\n", b, line)
		return err
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(versionDocument{
			versionSchema, b.version, b.commit, runtime.Version(), runtime.GOOS, runtime.GOARCH, path, fallback,
		})
	}
	return fmt.Errorf("--output: %q is not text or json", output)
}
