//go:build !linux

package netserver

import (
	"errors"
)

// haveLoops says whether this system has event loops.
const haveLoops = false

// loop does not exist on this system.
type loop struct{}

func (*loop) run(chan<- error) {}

func newLoops(*Server, int) ([]*loop, error) { return nil, errors.ErrUnsupported }

func probeIOUring() error { return errors.ErrUnsupported }

func wakeLoops([]*loop)  {}
func closeLoops([]*loop) {}

// unacknowledged is not known here.
func unacknowledged(int) int { return 0 }

// limitUnsent leaves that to the system here.
func limitUnsent(int, int) {}

// unreceived is not known here.
func unreceived(int) int { return 0 }

// loopListener does not exist on this system.
type loopListener struct{}

func newLoopListener(*Server, socketListener) (*loopListener, error) {
	return nil, errors.ErrUnsupported
}

func (*loopListener) Close() error { return nil }
