package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/redistill/redistill/test/await"
)

// TestAlarm: nobody is woken before the time, however many wait, and the end of a
// context wakes too.
func TestAlarm(t *testing.T) {
	a, err := newAlarm()
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	var wg sync.WaitGroup
	start := time.Now()
	for i := range 50 {
		wg.Go(func() {
			r, wake := rand.New(rand.NewPCG(1, uint64(i))), make(chan struct{}, 1)
			for range 20 {
				until := start.Add(time.Duration(r.IntN(50)) * time.Millisecond)
				if err := a.sleep(t.Context(), until, wake); err != nil || time.Now().Before(until) {
					t.Errorf("woken %v before the time, with %v", time.Until(until), err)
				}
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.sleep(endsWhenAsked{ctx, cancel}, start.Add(time.Hour), make(chan struct{}, 1)) }()
	if err := await.Receive(t, "the end of the context wakes", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// endsWhenAsked is a context that is cancelled when somebody begins to wait for it.
type endsWhenAsked struct {
	context.Context
	cancel func()
}

func (e endsWhenAsked) Done() <-chan struct{} {
	go e.cancel()
	return e.Context.Done()
}
