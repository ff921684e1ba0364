package cmd

import (
	"cmp"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/redistill/redistill/internal/config"
	"github.com/redistill/redistill/internal/configfile"
)

const settingsHelp = `
Settings are taken from flags, then environment variables, then the
configuration file (--config, $REDISTILL_CONFIG, ./redistill.toml or
/etc/redistill/redistill.toml), then defaults. Each setting section.name has
the variable REDISTILL_SECTION_NAME; shorter ones are shown in brackets. An
empty variable counts as not set. 'redistill config' shows the result.

CONFIG SET and SIGHUP change settings of a running server, but not those with
(restart).`

// settingFlags are the flags of a command that takes all settings.
type settingFlags struct {
	config string
	values []*settingFlag
}

// settingFlag is one setting's flag, and its text once it is given. It checks
// nothing: config.Load does, with the same message as for the other sources.
type settingFlag struct {
	setting *config.Setting
	text    string
	given   bool
}

func (f *settingFlag) String() string { return f.text }
func (f *settingFlag) Type() string   { return f.setting.Type() }
func (f *settingFlag) Set(text string) error {
	f.text, f.given = text, true
	return nil
}

// addSettingFlags gives c a flag for every setting of the table, and --config.
func addSettingFlags(c *cobra.Command) *settingFlags {
	flags := &settingFlags{}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVar(&flags.config, "config", "", "configuration `file` in TOML [REDISTILL_CONFIG]")
	for _, s := range config.Settings() {
		if s.Key == "" {
			continue
		}
		value := &settingFlag{setting: s, text: s.Default}
		flags.values = append(flags.values, value)
		flag := fs.VarPF(value, s.Flag, "", flagHelp(s))
		if s.Type() == "bool" {
			flag.NoOptDefVal = "true"
		}
		if s.Type() == "word" {
			completeWords(c, s.Flag, s.Words()...)
		}
		if s.FlagAlias != "" {
			fs.AddFlag(&pflag.Flag{Name: s.FlagAlias, Usage: flag.Usage, Value: value, DefValue: s.Default, NoOptDefVal: flag.NoOptDefVal, Hidden: true})
		}
	}
	return flags
}

func flagHelp(s *config.Setting) string {
	help := s.Description()
	if short := s.Env[1:]; len(short) > 0 {
		help += " [" + strings.Join(short, ", ") + "]"
	}
	return help
}

// loaded is the outcome of reading all sources.
type loaded struct {
	*config.Config
	file     string                  // the configuration file that was read, or ""
	warnings []string                // for the log
	again    func() (*loaded, error) // reads all sources once more
}

// load reads file, environment and flags, and checks them.
func (f *settingFlags) load() (*loaded, error) {
	environ := config.ParseEnvironment(os.Environ())
	file, assignments, err := f.readFile(environ)
	if err != nil {
		return nil, err
	}
	assignments = append(assignments, environ.Assignments()...)
	for _, v := range f.values {
		if v.given {
			source := config.Source{Origin: config.FromFlag, Name: v.setting.Flag}
			assignments = append(assignments, config.Assignment{Key: v.setting.Key, Text: v.text, Source: source})
		}
	}
	cfg, err := config.Load(config.DetectMemory(), assignments)
	if err != nil {
		return nil, err
	}
	return &loaded{Config: cfg, file: file, warnings: environ.Warnings(), again: f.load}, nil
}

// readFile reads the file that is named, which must exist, or else the one that
// is found. No file at all is fine.
func (f *settingFlags) readFile(environ config.Environment) (name string, _ []config.Assignment, _ error) {
	name = cmp.Or(f.config, environ.File(), configfile.Find())
	if name == "" {
		return "", nil, nil
	}
	assignments, err := configfile.Read(name)
	return name, assignments, err
}

// rewriter returns what CONFIG REWRITE calls, or nil if there is no file.
func (l *loaded) rewriter() func() error {
	if l.file == "" {
		return nil
	}
	return func() error { return configfile.Rewrite(l.file, l.Config) }
}
