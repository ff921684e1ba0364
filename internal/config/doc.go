// Package config owns the settings of a Redistill server: one table
// (settings.go) that flags, environment variables, the TOML file, CONFIG GET,
// CONFIG SET, defaults and help are all derived from.
//
// Terms:
//
//	setting     a row of the table. It has a key of ours ("memory.max_memory"),
//	            names that Redis uses for it ("maxmemory"), or both. A row
//	            without a key cannot be set by file, flag or environment.
//	Values      every setting at one moment, never changed, as typed fields.
//	assignment  a text that some source (file, environment, flag) gives to a
//	            setting; Load applies them in the order of precedence.
//	dialect     our keys take our units ("80%", "5m", true); Redis's names take
//	            what Redis takes and answer with Redis's error texts.
//
// Reading is one atomic load: cfg.Values().MaxMemory. Writing goes through
// Config.Set and, when the sources are read again, Config.Reload. They prepare a
// new Values, run the hooks registered for what changed, and publish it. What
// a hook refuses stays as it was: with Set all of it, with Reload that setting.
//
// To add a setting, add a field to Values and a row to the table; a setting
// whose feature does not work yet has no row, so that it is refused.
//
// Assignments come from elsewhere: package configfile reads files, package cmd
// flags. What the environment means is decided here (environment.go), where the
// names of variables are.
package config
