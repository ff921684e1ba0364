package command

import "github.com/redistill/redistill/internal/invariants"

// replyStep is how much room a large reply gets at once. Its limits are looked at, and its memory
// is counted, as often as it needs more.
const replyStep = 64 << 10

// limitSlack is by how many bytes the room that is asked for a reply may be above its length.
const limitSlack = 64

// more makes room for replies (resp.Out.More), and none where they are above the output limit. It
// may kill the client, with whose replies it does not matter what happens.
func (s *Session) more(b []byte, n int) []byte {
	if s.OutLimit > 0 && int64(s.Out.Len()+n) > s.OutLimit+limitSlack {
		return nil
	}
	need, had := len(b)+n, cap(b)
	if b = s.replies.fit(s.srv.Buffers(), b, need); b == nil {
		return nil
	}
	room := cap(b)
	if step := max(need, had+replyStep); room > replyStep && step < room {
		room = step
	}
	s.replies.touched = max(s.replies.touched, room)
	s.holdReplies()
	return b[:len(b):room]
}

// holdReplies says how much memory replies take. Where the client is closed for that, they end.
func (s *Session) holdReplies() {
	b := s.srv.Buffers()
	s.hold(heldReplies, s.replies.held(b)+s.kept.held(b))
	s.Out.Cut = s.Out.Cut || s.Killed()
}

// OutSize returns the bytes of memory that the replies take. Pieces are not among them: they are
// data.
func (s *Session) OutSize() int { return cap(s.Out.B) }

// Sent is called by the connection when the replies were written, or will never be. It resets Out,
// and may lock shards. Memory for further replies stays, if there are at most keep bytes of it.
func (s *Session) Sent(keep int) {
	invariants.Mangle(s.Out.B)
	s.Out.B, s.Out.Cut = s.Out.B[:0], false
	if len(s.Out.Pieces) > 0 {
		s.Out.Unshare()
	}
	s.pins.Release()
	update(&s.pinned, 0)
	written := s.walk == nil || s.walk.turns == 0 // what walks have found
	if drop, found := cap(s.Out.B) > keep, written && s.kept.whole != nil; drop || found {
		if found {
			s.kept.free(s.srv.Buffers())
		}
		if drop {
			s.Out.B = nil
			s.replies.free(s.srv.Buffers())
		}
		b := s.srv.Buffers()
		s.hold(heldReplies, s.replies.held(b)+s.kept.held(b))
	}
}
