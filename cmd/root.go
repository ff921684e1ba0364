// Package cmd is the command line of redistill. Each subcommand turns flags,
// environment and configuration file into plain options and makes one call into
// the library that does the work.
package cmd

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Main runs the command line in args (without the program's name) and returns
// the exit code: 0, or after one line on stderr that says what is wrong 1, or
// 2 if that is a failed check.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// Writing to a closed pipe is an error like any other then, and does not end a
	// server whose log nobody reads. Other than with Ignore, the programs that we
	// start do not inherit it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return run(context.Background(), args, stdin, stdout, stderr)
}

// run is Main with a context, whose end stops a server like SIGTERM does.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return report(stderr, root.ExecuteContext(ctx))
}

// Command returns the command line's tree of commands, for what is generated
// from it.
func Command() *cobra.Command { return newRoot() }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "redistill",
		Short:         "A cache server that speaks Redis's protocol",
		Version:       currentBuild().String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(c *cobra.Command, args []string) error {
			return usage(c, cobra.NoArgs(c, args))
		},
		// A command of its own makes cobra check Args, so that a mistyped
		// subcommand is an error of one line.
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetVersionTemplate("redistill {{.Version}}\n")
	root.SetFlagErrorFunc(usage)
	root.AddCommand(newServe(), newBench(), newPlan(), newStats(), newConfig(), newVersion())
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" { // which would print its help for an unknown shell, and succeed
			c.Args, c.RunE = noArgs, func(c *cobra.Command, _ []string) error { return c.Help() }
		}
		completeFlags(c)
	}
	return root
}

// usage marks err, if there is one, as a misuse of c.
func usage(c *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err: err, command: c.CommandPath()}
}

// noArgs refuses arguments, on one line.
func noArgs(c *cobra.Command, args []string) error { return usage(c, cobra.NoArgs(c, args)) }

// completeWords has shells complete the value of a flag of c, which is one of
// words.
func completeWords(c *cobra.Command, flag string, words ...string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
}
