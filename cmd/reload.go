package cmd

import (
	"errors"
	"log/slog"

	"github.com/redistill/redistill/internal/certs"
	"github.com/redistill/redistill/internal/config"
)

// reload does what SIGHUP asks for: it reads the configuration file and the
// certificate again. load gets the settings from their sources. keeper is nil
// without TLS.
func reload(cfg *config.Config, load func() (*loaded, error), keeper *certs.Keeper, log *slog.Logger) {
	if fresh, err := load(); err != nil {
		log.Error("the configuration cannot be used and stays as it is", "error", err)
	} else {
		logChanges(log, cfg.Reload(fresh.Config), fresh.file)
	}
	if keeper != nil {
		_ = keeper.Reload() // it logs what is wrong
	}
}

// logChanges writes one line for each setting whose sources give it another
// value.
func logChanges(log *slog.Logger, changes []config.Change, file string) {
	log.Info("configuration read again", "file", file, "changes", len(changes))
	for _, c := range changes {
		words := []any{"setting", c.Setting.Key, "old", c.Old, "new", c.New, "source", c.Source.String()}
		switch {
		case c.Err == nil:
			log.Info("a setting has changed", words...)
		case errors.Is(c.Err, config.ErrRestart):
			log.Warn("a setting has changed in its source and needs a restart", words...)
		default:
			log.Error("a setting has changed in its source and is refused", append(words, "error", c.Err)...)
		}
	}
}
