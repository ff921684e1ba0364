package command

import (
	"sync"
	"sync/atomic"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/resp"
)

// Session is one client's state. Unless a field says otherwise, only the goroutine that serves the connection touches it.
type Session struct {
	ID    int64    // unique since the start; constant
	Addr  string   // the client's address; constant
	LAddr string   // the address that it connected to; constant
	FD    int      // the connection's file descriptor, for CLIENT LIST; constant
	Out   resp.Out // replies not yet written; the connection writes and resets it

	// Closing is set when the connection shall be closed after Out is written.
	Closing bool

	srv     *Server
	stats   *Stats // where this session counts; shared by sessions of one loop
	tx      *engine.Tx
	call    Call
	keys    []engine.Key // backs call.Keys
	at      []int        // scratch: positions of keys
	authed  bool
	multi   transaction
	silence silence // CLIENT REPLY
	clock   int64   // nanoseconds, when the command before ended; the start of the next one
	created int64   // Unix milliseconds; constant

	// What other goroutines read for CLIENT LIST and change for CLIENT KILL.
	db       atomic.Int32
	active   atomic.Int64            // Unix milliseconds of the last batch
	last     atomic.Pointer[Command] // the last command
	killed   atomic.Bool
	monitors atomic.Bool // the client is in MONITOR mode

	mu      sync.Mutex // guards the fields below
	name    string
	libName string
	libVer  string
	inbox   []byte // pushed by other goroutines, to be written after Out
	wake    func() // makes the connection call TakeInbox; called without mu held
}

// silence is the state of CLIENT REPLY.
type silence uint8

const (
	speak    silence = iota // replies are sent
	skipNext                // CLIENT REPLY SKIP was said: the next command's is not sent
	skipThis                // this command's reply is not sent
	mute                    // CLIENT REPLY OFF
)

// Post queues bytes for the client from another goroutine, and wakes its connection.
func (s *Session) Post(b []byte) {
	s.mu.Lock()
	s.inbox = append(s.inbox, b...)
	wake := s.wake
	s.mu.Unlock()
	wake()
}

// TakeInbox appends what Post queued to dst.
func (s *Session) TakeInbox(dst []byte) []byte {
	s.mu.Lock()
	dst = append(dst, s.inbox...)
	s.inbox = s.inbox[:0]
	s.mu.Unlock()
	return dst
}

// Kill asks the connection to close. Any goroutine may call it.
func (s *Session) Kill() {
	s.killed.Store(true)
	s.wake()
}

// Killed reports whether Kill was called.
func (s *Session) Killed() bool { return s.killed.Load() }
