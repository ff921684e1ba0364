package configfile

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/redistill/redistill/internal/config"
)

// WriteEffective writes the settings in effect, and where each came from, as TOML
// that can serve as a configuration file: a secret is commented out, so that its
// mask cannot become its value. read is the file that was read, or nothing.
func WriteEffective(w io.Writer, cfg *config.Config, read string) error {
	out := bufio.NewWriter(w)
	if read == "" {
		fmt.Fprintln(out, "# no configuration file")
	} else {
		fmt.Fprintln(out, "# configuration file: "+read)
	}
	section := ""
	for _, e := range cfg.Effective() {
		if s := e.Setting.Section(); s != section {
			section = s
			fmt.Fprintf(out, "\n[%s]\n", section)
		}
		line := e.Setting.Name() + " = " + literalOf(e.Setting, e.Value)
		if e.Setting.Secret && e.Value != "" {
			line = "# " + line
		}
		fmt.Fprintf(out, "%-40s # %s%s\n", line, e.Source, remark(cfg, e))
	}
	return out.Flush()
}

// remark gives the bytes behind a share of the memory.
func remark(cfg *config.Config, e config.Effective) string {
	v := cfg.Values()
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
		fmt.Fprintf(out, "\n# %s\n#%s = %s\n", s.Description(), s.Name(), literalOf(s, s.Default))
	}
	return out.Flush()
}

// literalOf writes a setting's value as TOML.
func literalOf(s *config.Setting, value string) string {
	switch s.Type() {
	case "bool":
		return value
	case "string":
		return quoted(value)
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && strconv.FormatInt(n, 10) == value {
		return value
	}
	return quoted(value)
}

// quoted writes a text in quotes. TOML has no way to write bytes that are
// not UTF-8; they are left as they are, and reading the file refuses them.
func quoted(text string) string {
	out := []byte{'"'}
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			out = fmt.Appendf(out, `\u%04X`, r)
		default:
			out = append(out, text[:n]...)
		}
		text = text[n:]
	}
	return string(append(out, '"'))
}
