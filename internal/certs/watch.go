package certs

import (
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long after an event the files are read: a certificate and its key are seldom replaced at the same instant.
	settle = 500 * time.Millisecond
	// pollPeriod is the time between two looks at files that no event told of.
	pollPeriod = time.Minute
)

// directories returns those in which something happens when the files are replaced: the ones that they are in by name, and the ones that
// their symbolic links lead to.
func (o Options) directories() []string {
	var dirs []string
	for _, name := range []string{o.Cert, o.Key, o.ClientCA} {
		if name == "" {
			continue
		}
		dirs = append(dirs, filepath.Dir(name))
		if target, err := filepath.EvalSymlinks(name); err == nil {
			dirs = append(dirs, filepath.Dir(target))
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// watcher watches directories, where the system can do that. Its channels are nil where it cannot.
type watcher struct {
	fs     *fsnotify.Watcher // or nil
	log    *slog.Logger
	events <-chan fsnotify.Event
	errors <-chan error
	warned map[string]bool // directories that cannot be watched
}

func newWatcher(log *slog.Logger) *watcher {
	w := &watcher{log: log, warned: map[string]bool{}}
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("changes of TLS files are noticed late", "within", pollPeriod, "error", err)
		return w
	}
	w.fs, w.events, w.errors = fs, fs.Events, fs.Errors
	return w
}

// add watches directories, some of which may be watched already.
func (w *watcher) add(dirs []string) {
	if w.fs == nil {
		return
	}
	for _, dir := range dirs {
		if err := w.fs.Add(dir); err != nil && !w.warned[dir] {
			w.warned[dir] = true
			w.log.Warn("changes of TLS files are noticed late", "directory", dir, "within", pollPeriod, "error", err)
		}
	}
}

func (w *watcher) close() {
	if w.fs != nil {
		_ = w.fs.Close()
	}
}

// follow checks the files whenever something happened around them, until Close.
func (k *Keeper) follow(every time.Duration) {
	defer close(k.stopped)
	defer k.watch.close()
	poll := time.NewTicker(every)
	defer poll.Stop()
	var due <-chan time.Time // not moved by further events, for some directories are never quiet
	for {
		select {
		case <-k.stop:
			return
		case <-k.watch.events:
			if due == nil {
				due = time.After(settle)
			}
		case err := <-k.watch.errors:
			k.log.Warn("changes of TLS files may be noticed late", "within", pollPeriod, "error", err)
		case <-due:
			due = nil
			k.check()
		case <-poll.C:
			k.check()
		}
	}
}
