package cmd

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/redistill/redistill/tools/bench"
)

// fileFlags take the name of a file, which shells complete by themselves.
var fileFlags = []string{
	"config", "cacert", "cert", "key", "acl-file", "unix-socket",
	"tls-cert-path", "tls-key-path", "tls-client-ca", "snapshot-path", "baseline", "html", "profile-file", "items",
}

// offered returns what shells offer for flags beside their default: all words that a flag takes,
// or examples in the form that it takes.
func offered() map[string][]string {
	var profiles []string
	for _, p := range bench.Profiles() {
		profiles = append(profiles, p.Name)
	}
	return map[string][]string{
		"bind":                {"127.0.0.1", "0.0.0.0", "::*"},
		"port":                {"6379", "auto", "0"},
		"tls-port":            {"0", "6380", "auto"},
		"unix-socket-mode":    {"0", "700", "770", "777"},
		"shutdown-on-sigterm": {"default", "save", "nosave", "now", "force"},
		"shutdown-on-sigint":  {"default", "save", "nosave", "now", "force"},
		"tls-protocols":       {"TLSv1.2 TLSv1.3", "TLSv1.2", "TLSv1.3"},
		"tls-ciphers":         {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
		"max-memory":          {"80%", "512mb", "2gb", "0"},
		"max-memory-clients":  {"5%", "64mb", "0"},
		"http":                {"8080", "127.0.0.1:8080", "0.0.0.0:8080"},
		"profile":             profiles,
		"distribution":        {"uniform", "zipf", "hotset"},
		"value-size":          {"256", "2KB", "32-256"},
		"read-ratio":          {"0.5", "0.9", "1"},
		"fail-over":           {"5%", "10%", "20%"},
		"compare":             {"redis://127.0.0.1:6379", "redis-server --port {port}"},
		"duration":            {"10s", "30s", "1m"},
		"item":                {"sessions=1M:256B:ttl=24h", "users=100K:600B:fields=10", "hits=1M:int"},
		"from":                {"redis://127.0.0.1:6379"},
		"headroom":            {"30%", "10%", "50%"},
		"memory":              {"512mb", "1gb", "2gb"},
		"check":               {"hit_rate>85%", "memory<90%", "evicted=0"},
		"interval":            {"1s", "5s", "1m"},
	}
}

// completeFlags has shells offer values for every flag of c, but for those that have words of their
// own already, and those that take a file.
func completeFlags(c *cobra.Command) {
	words := offered()
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if _, ok := c.GetFlagCompletionFunc(f.Name); ok || slices.Contains(fileFlags, f.Name) {
			return
		}
		values := words[f.Name]
		switch {
		case f.Value.Type() == "bool":
			values = []string{"true", "false"}
		case values == nil && strings.Trim(f.DefValue, "[]") != "":
			values = []string{f.DefValue}
		}
		completeWords(c, f.Name, values...)
	})
}
