package spawn

import (
	"bytes"
	"regexp"
)

// ChosenPort is what Redistill logs when the system has chosen a port, or two, for it.
const ChosenPort = "the system chose the port"

var (
	loggedPort    = regexp.MustCompile(`\bport"?[=:](\d+)`)
	loggedTLSPort = regexp.MustCompile(`\btls_port"?[=:](\d+)`)
)

// ChosenPorts returns the ports that a line of the log names, in either format. A port that was not
// chosen by the system, or not yet, is empty.
func ChosenPorts(log []byte) (port, tlsPort string) {
	for line := range bytes.Lines(log) {
		if bytes.Contains(line, []byte(ChosenPort)) && bytes.HasSuffix(line, []byte("\n")) {
			return firstGroup(loggedPort, line), firstGroup(loggedTLSPort, line)
		}
	}
	return "", ""
}

func firstGroup(r *regexp.Regexp, line []byte) string {
	if m := r.FindSubmatch(line); m != nil {
		return string(m[1])
	}
	return ""
}
