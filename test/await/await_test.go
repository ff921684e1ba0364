package await_test

import (
	"testing"
	"testing/synctest"

	"github.com/redistill/redistill/test/await"
)

// failing notes whether a test that it stands for has failed. Fatalf ends the goroutine, as a test's does.
type failing struct {
	*testing.T
	failed bool
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(string, ...any) {
	f.failed = true
	panic(f)
}

// fails reports whether what it runs fails its test.
func fails(t *testing.T, run func(testing.TB)) bool {
	f := &failing{T: t}
	func() {
		defer func() {
			if r := recover(); r != nil && r != f {
				panic(r)
			}
		}()
		run(f)
	}()
	return f.failed
}

// TestLimit runs on a clock that jumps to the next event, so that hours take no time.
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		late := func() bool { calls++; return calls == 100_000 } // 100 s
		if fails(t, func(tb testing.TB) { await.True(tb, "it is late", late) }) {
			t.Error("an event within the limit failed the test")
		}
		if !fails(t, func(tb testing.TB) { await.True(tb, "never", func() bool { return false }) }) {
			t.Error("an event that never came did not fail the test")
		}
	})
}

func TestReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := make(chan int, 1)
		c <- 7
		if got := await.Receive(t, "a number", c); got != 7 {
			t.Errorf("got %d, want 7", got)
		}
		if !fails(t, func(tb testing.TB) { await.Receive(tb, "a number", c) }) {
			t.Error("a value that never came did not fail the test")
		}
		close(c)
		if got := await.Receive(t, "the end", c); got != 0 {
			t.Errorf("closed: got %d, want 0", got)
		}
	})
}

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := await.Context(t)
		if at, ok := ctx.Deadline(); !ok || at.Sub(await.Deadline()) != 0 {
			t.Errorf("the context ends at %v, want %v", at, await.Deadline())
		}
		<-ctx.Done()
	})
}
