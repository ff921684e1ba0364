package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
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
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := a.sleep(ctx, start.Add(time.Hour), make(chan struct{}, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
