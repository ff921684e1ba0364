package cmd

import (
	"bufio"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/redistill/redistill/internal/config"
)

func newConfig() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the effective settings and where each came from",
		Long: `Print the settings that 'redistill serve' would use with the same flags,
environment and file, in the file's format, and where each came from. The
password is masked.
` + settingsHelp,
		Args: noArgs,
	}
	flags := addSettingFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := flags.load()
		if err != nil {
			return err
		}
		for _, warning := range cfg.warnings {
			fmt.Fprintln(c.ErrOrStderr(), "redistill: "+warning)
		}
		return printConfig(c.OutOrStdout(), cfg)
	}
	return c
}

// printConfig writes TOML that can serve as a configuration file: a secret is
// commented out, so that its mask cannot become its value.
func printConfig(w io.Writer, cfg *loaded) error {
	out := bufio.NewWriter(w)
	if cfg.file == "" {
		fmt.Fprintln(out, "# no configuration file")
	} else {
		fmt.Fprintln(out, "# configuration file: "+cfg.file)
	}
	section := ""
	for _, e := range cfg.Effective() {
		if s := e.Setting.Section(); s != section {
			section = s
			fmt.Fprintf(out, "\n[%s]\n", section)
		}
		line := e.Setting.Name() + " = " + tomlLiteral(e.Setting, e.Value)
		if e.Setting.Secret && e.Value != "" {
			line = "# " + line
		}
		fmt.Fprintf(out, "%-40s # %s%s\n", line, e.Source, remark(cfg, e))
	}
	return out.Flush()
}

// remark gives the bytes behind a share of the memory.
func remark(cfg *loaded, e config.Effective) string {
	v := cfg.Snapshot()
	if e.Setting.Key != "memory.max_memory" || v.MaxMemory == 0 || v.Memory.Bytes == 0 {
		return ""
	}
	return fmt.Sprintf("; %s of %s (%s)", config.FormatSize(v.MaxMemory), config.FormatSize(v.Memory.Bytes), v.Memory.From)
}

// WriteDefaults writes a configuration file that changes nothing: every setting
// stands in it as a comment, with what it does and its default.
func WriteDefaults(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, `# Redistill's configuration, in TOML. Lines that begin with "#" and a name show
# the default. 'redistill config --config FILE' prints the settings in effect.
# 'systemctl reload redistill', or SIGHUP, takes over all but those with (restart).
`)
	section := ""
	for _, s := range config.Settings() {
		if s.Key == "" {
			continue // of CONFIG alone
		}
		if s.Section() != section {
			section = s.Section()
			fmt.Fprintf(out, "\n[%s]\n", section)
		}
		fmt.Fprintf(out, "\n# %s\n#%s = %s\n", settingHelp(s), s.Name(), tomlLiteral(s, s.Default))
	}
	return out.Flush()
}
