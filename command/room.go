package command

import (
	"math"

	"github.com/redistill/redistill/engine"
)

// Room for what commands add is made before they run, as nothing can be evicted under locks. What
// the arguments tell (Growth) is reserved by admit, before any lock is taken. What only the keys
// tell (Weigh) is looked at under the locks; if there is no room, they are given back until there
// is.

// reserve makes room for what a command adds. Where clients that do not read are in the way, they
// have to make way for the next command.
func (s *Session) reserve(n int) error {
	switch s.srv.Store.Reserve(n) {
	case nil:
		return nil
	case engine.ErrPinned:
		s.srv.makeWay()
	}
	return errOutOfMemory
}

// memoryNeed returns the bytes to reserve before a command, and false if it runs without regard
// to the memory limit. Inside MULTI all commands are refused at the limit, as the queue itself
// takes memory.
func (s *Session) memoryNeed(cmd *Command, args [][]byte) (int, bool) {
	deny := cmd.Flags&DenyOOM != 0
	switch {
	case s.state&inMulti == 0:
		return growth(cmd, args), deny
	case cmd == s.srv.exec:
		return s.multi.growth, s.deniesOOM(cmd)
	case cmd.Flags&Immediate != 0:
		return 0, false
	case deny:
		return s.multi.growth + growth(cmd, args), true
	}
	return s.multi.growth, true
}

// growth is an upper bound of the bytes that a command adds to the keyspace, as far as its
// arguments tell.
func growth(cmd *Command, args [][]byte) int {
	if cmd.Growth != nil {
		return cmd.Growth(args)
	}
	return size(args)
}

// size is the number of bytes of a command's arguments.
func size(args [][]byte) int {
	n := 0
	for _, a := range args {
		n += len(a)
	}
	return n
}

// weighings is how often a command is weighed at most: what its keys hold may grow while there
// are no locks, and then the room that was made does not do.
const weighings = 4

// mayRun decides, with the locks of a command held, whether it runs now. If not it gives them
// back, and next is what Exec returns. It makes room for what the command adds by what its keys
// hold. As no room can be made under locks, they are given back meanwhile, and everything is
// looked at again.
func (s *Session) mayRun(cmd *Command, key engine.Key) (next Next, ok bool) {
	room := 0 // that was made
	for n := 1; ; n++ {
		next, err := Continue, error(nil)
		if s.srv.alert.Load() != 0 || s.marks.Load() != 0 {
			next, err = s.interrupted(cmd)
		}
		need := 0
		if next == Continue && !s.Closing && err == nil {
			if need = s.weigh(cmd); need <= room || s.srv.Store.Fits(need) {
				return Continue, true
			}
		}
		s.tx.KeepExpired = false
		s.tx.Unlock()
		if need > 0 {
			if room, err = s.makeRoom(cmd, need, n == weighings); err == nil {
				s.lock(cmd, key)
				continue
			}
		}
		if err != nil {
			s.reject(cmd, err)
		}
		return next, false
	}
}

// weigh returns how many bytes a command may add by what its keys hold. Its locks are held.
func (s *Session) weigh(cmd *Command) int {
	switch {
	case cmd == s.srv.exec:
		return s.weighQueued()
	case cmd.Weigh != nil:
		return cmd.Weigh(&s.call)
	}
	return 0
}

// makeRoom makes room for n more bytes, without locks, and returns how much a command may add
// now. last is set if it will not be asked again. A command that is not refused at the memory
// limit runs in any case.
func (s *Session) makeRoom(cmd *Command, n int, last bool) (room int, err error) {
	if err = s.reserve(n); err == nil && last {
		err = errOutOfMemory
	}
	if err != nil && !s.deniesOOM(cmd) {
		return math.MaxInt, nil
	}
	return n, err
}

// deniesOOM reports whether a command is refused at the memory limit.
func (s *Session) deniesOOM(cmd *Command) bool {
	if cmd == s.srv.exec {
		return s.multi.flags&DenyOOM != 0
	}
	return cmd.Flags&DenyOOM != 0
}
