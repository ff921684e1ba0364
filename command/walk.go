package command

import (
	"errors"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/glob"
)

// walk is a KEYS, SCAN, HSCAN or SSCAN that is being run. It takes turns with other clients' commands:
// after a turn its locks are given back, and its event loop serves others before the next one.
type walk struct {
	scanOptions
	turns    int          // that have begun
	pattern  glob.Pattern // of match
	matching bool         // there is a pattern that does not match all
	cursor   uint64       // where the next turn begins
	left     int          // of count, when turns have begun
	cost     int          // what is left of the turn's
	found    int          // elements of the reply
	kept     []byte       // those that turns before this one found; lies in Session.kept
}

// A turn looks at no more keys or elements, and costs no more: a step of a pattern is 1, a copied
// byte 1/16. That is a millisecond for most, and some for those that are made to be slow.
const (
	turnCount = 4096
	turnCost  = 1 << 20
)

// mostSteps is how many steps a match may take for each byte of a name: with the longest names, one
// match takes about half a millisecond then.
const mostSteps = 4

// patternLimit says what follows of mostSteps.
const patternLimit = "Between two stars of a pattern, with ? or [] among them, " +
	"there may be at most 256 characters"

const errPattern = Error("ERR the pattern takes too long to match: " +
	"between two stars, with ? or [] among them, there may be at most 256 characters")

var _ [0]struct{} = [engine.MaxKey - glob.Longest]struct{}{} // patterns are made for names

// errYield is what a handler returns whose command is to be run again, for its next turn, after
// others. It has replied nothing.
var errYield = errors.New("yield")

// newWalk returns a walk that takeTurns gives back.
func (c *Call) newWalk() *walk {
	if w, ok := c.Srv.walks.Get().(*walk); ok {
		return w
	}
	return &walk{}
}

// errCutOff is for nobody: the connection is closed.
const errCutOff = Error("ERR the server stops")

// begin prepares a turn.
func (w *walk) begin(c *Call) error {
	w.cost = turnCost
	if w.turns++; w.turns == 1 {
		w.left = w.count
	}
	if w.match == 0 || w.turns > 2 {
		return nil
	}
	// For the first turn the pattern is among what was read, for the others where the connection
	// keeps the command.
	text := c.Args[w.match]
	if w.matching = string(text) != "*"; !w.matching {
		return nil
	}
	if w.pattern = glob.Compile(text, false); w.pattern.Steps() > mostSteps {
		return errPattern
	}
	return nil
}

func (w *walk) matches(name []byte) bool { return !w.matching || w.pattern.Match(name) }

// mayGoOn counts what a name and n copied bytes cost, and reports whether the turn may go on.
func (w *walk) mayGoOn(name []byte, n int) bool {
	w.cost -= len(name)*max(w.pattern.Steps(), 1) + n/16
	return w.cost > 0
}

// takeTurns has turn append elements of the reply, and return where to go on, until it has looked
// at count names or has come to the end. Then head begins the reply. In EXEC, which holds every
// lock anyway, all turns follow each other.
func (c *Call) takeTurns(w *walk, turn func(w *walk, count int) (uint64, error),
	head func(next uint64, found int)) error {
	if w.turns == 0 && c.S.kept.whole != nil && !c.S.multi.running {
		c.S.walk = w
		return errYield // until the replies are written that refer to what another walk has found
	}
	c.S.walk = nil
	start := len(c.Out.B)
	for {
		if err := w.begin(c); err != nil {
			return err
		}
		count := min(w.left, turnCount)
		w.left -= count
		next, err := turn(w, count)
		if err != nil {
			return err
		}
		if w.cursor = next; next == 0 || w.left == 0 {
			break
		}
		if c.Srv.IsCutOff() {
			return errCutOff
		}
		if c.S.multi.running {
			continue
		}
		if w.keep(c, start); c.Out.Cut || c.outgrows(len(w.kept)) {
			break // the connection closes the client for that
		}
		c.S.walk = w
		return errYield
	}
	if w.kept != nil {
		w.keep(c, start)
	}
	at := len(c.Out.B)
	head(w.cursor, w.found)
	c.putFirst(start, at)
	if w.kept != nil {
		c.Out.Share([][]byte{w.kept})
	}
	*w = walk{}
	c.Srv.walks.Put(w)
	return nil
}

// outgrows reports whether replies of n bytes are more than the client may leave unread.
func (c *Call) outgrows(n int) bool {
	limit := c.Srv.Config.Values().ClientOutputBufferLimit.Normal.Hard
	return limit > 0 && int64(n) > limit
}

// keep takes the elements that were appended to the replies from index start on.
func (w *walk) keep(c *Call, start int) {
	found := c.Out.B[start:]
	if len(found) == 0 {
		return
	}
	kept := c.S.kept.append(c.Srv.Buffers(), w.kept, found)
	if kept == nil {
		c.Out.Cut = true // the system has no memory
		return
	}
	w.kept = kept
	c.Out.Truncate(start)
	c.S.holdReplies()
}
