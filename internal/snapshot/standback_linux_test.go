package snapshot

import (
	"testing"

	"golang.org/x/sys/unix"
)

// The goroutine that gives way does so alone, and its thread is used for nothing else.
func TestStandBack(t *testing.T) {
	nice := func() int32 {
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return attr.Nice
	}
	before, during := nice(), make(chan int32)
	if before > backNice {
		t.Skip("the tests give way themselves")
	}
	for range 10 {
		go func() {
			standBack()
			during <- nice()
		}()
		if got := <-during; got != backNice {
			t.Errorf("nice %d, want %d", got, backNice)
		}
	}
	for range 100 {
		go func() { during <- nice() }()
		if got := <-during; got != before {
			t.Fatalf("another goroutine runs at nice %d", got)
		}
	}
}
