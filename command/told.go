package command

import (
	"log/slog"
	"sync"
	"time"
)

// toldPerSecond is how many lines of a kind are logged in a second. What happens more often is counted only.
const toldPerSecond = 10

// told limits what is logged of what anybody who can connect may cause, as often as he likes.
type told struct{ login, refused, handshake, http limitedLog }

// limitedLog keeps lines of one kind from filling the log.
type limitedLog struct {
	mu      sync.Mutex // guards the fields below
	second  int64      // Unix seconds
	told    int        // within second
	omitted int        // since the last one that was told
}

// warn logs a line, with the number of those before it that were not logged, unless there were too many in this second.
func (l *limitedLog) warn(log *slog.Logger, text string, words ...any) {
	tell, omitted := l.tell(time.Now())
	if !tell {
		return
	}
	if omitted > 0 {
		words = append(words, "not_logged_before", omitted)
	}
	log.Warn(text, words...)
}

// tell reports whether a line at that time is to be logged, and how many before it were not.
func (l *limitedLog) tell(now time.Time) (tell bool, omitted int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := now.Unix(); second != l.second {
		l.second, l.told = second, 0
	}
	if l.told == toldPerSecond {
		l.omitted++
		return false, 0
	}
	l.told++
	omitted, l.omitted = l.omitted, 0
	return true, omitted
}

// How much is logged of what comes from a client, in bytes: of a text, and of an error with such texts in it, as names in a certificate are.
const (
	textTold  = 64
	errorTold = 256
)

// clipText returns the start of a text that comes from a client. The log's handler quotes what is not fit for a line.
func clipText(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
