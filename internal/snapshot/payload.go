package snapshot

import (
	"errors"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/rdb"
)

// Payload is an engine.Sink that takes one key, for DUMP.
type Payload struct {
	B []byte // the type of the value and the value, as in a file

	// More returns B with room for n more bytes, or nil, where there is none. Without it B grows as
	// append has it.
	More func(b []byte, n int) []byte
}

// ErrNoRoom is the error of a payload for which there is no room.
var ErrNoRoom = errors.New("there is no room for the payload")

// lengthRoom is the most bytes that a length takes, or an integer.
const lengthRoom = 9

// room makes room for n more bytes.
func (p *Payload) room(n int) error {
	if p.More == nil || cap(p.B)-len(p.B) >= n {
		return nil
	}
	b := p.More(p.B, n)
	if b == nil {
		return ErrNoRoom
	}
	p.B = b
	return nil
}

// Key begins the value.
func (p *Payload) Key(k *engine.SnapshotKey) error {
	if err := p.room(1 + lengthRoom); err != nil {
		return err
	}
	p.B = append(p.B, byte(rdbTypes[k.Type]))
	if k.Type != engine.String {
		p.B = rdb.AppendLen(p.B, uint64(k.Elements))
	}
	return nil
}

// String appends a string.
func (p *Payload) String(b []byte) error {
	err := p.room(lengthRoom + len(b))
	if err == nil {
		p.B = rdb.AppendString(p.B, b)
	}
	return err
}

// Len begins a string of n bytes.
func (p *Payload) Len(n int) error {
	err := p.room(lengthRoom)
	if err == nil {
		p.B = rdb.AppendLen(p.B, uint64(n))
	}
	return err
}

// Bytes appends bytes of a string that was begun.
func (p *Payload) Bytes(b []byte) error {
	err := p.room(len(b))
	if err == nil {
		p.B = append(p.B, b...)
	}
	return err
}
