package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/redistill/redistill/internal/configfile"
)

func newConfig() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the effective settings and where each came from",
		Long: `Print the settings that 'redistill serve' would use with the same flags,
environment and file, in the file's format, and where each came from. The
password is masked. Settings that serve would refuse before it opens a port are
refused here too, with the same message and exit code; the files that they name
are read for that: certificate, key, authorities and users.
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
		if err := checkSettings(cfg.Config); err != nil {
			return err
		}
		if err := checkFiles(cfg.Values()); err != nil {
			return err
		}
		return configfile.WriteEffective(c.OutOrStdout(), cfg.Config, cfg.file)
	}
	return c
}
