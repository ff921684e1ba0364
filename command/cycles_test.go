package command

import (
	"testing"
	"time"
)

func TestCycles(t *testing.T) {
	srv := newTestServer(t)
	a, b := srv.NewCycles(), srv.NewCycles()
	for range timedRounds + 1 {
		a.End(a.Begin())
	}
	b.End(b.Begin() - int64(time.Hour)) // the first round of each is measured
	got := srv.cycles.totals()
	if got.rounds != timedRounds+2 || got.timed != 3 {
		t.Errorf("%d rounds, %d of them measured", got.rounds, got.timed)
	}
	if mean := got.mean(); mean < time.Hour/3 || got.sum() < mean*timedRounds {
		t.Errorf("a round takes %v, all of them %v", mean, got.sum())
	}
	connect(t, srv).do("CONFIG RESETSTAT")
	if got := srv.cycles.totals(); got != (cycleTotals{}) {
		t.Errorf("after CONFIG RESETSTAT: %+v", got)
	}
	if (cycleTotals{}).sum() != 0 {
		t.Error("no rounds take some time")
	}
}
