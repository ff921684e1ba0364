package command

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/config"
)

func TestOOMScore(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has the score")
	}
	score := func() int {
		text, err := os.ReadFile(oomScoreFile)
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	base := score()
	if base > 900 {
		t.Skip("the score is so high already that it cannot be raised")
	}
	cfg := newTestServer(t).Config
	set := func(name, value string) {
		t.Helper()
		if err := cfg.Set(config.Pair{Name: name, Value: value}); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { set("oom-score-adj", "no") })
	for _, step := range []struct {
		name, value string
		want        int
	}{
		// Only a privileged process may be rated lower than at the start.
		{"oom-score-adj-values", "20 200 800", base},
		{"oom-score-adj", "relative", base + 20},
		{"oom-score-adj-values", "40 200 800", base + 40},
		{"oom-score-adj-values", strconv.Itoa(base+30) + " 200 800", base + base + 30},
		{"oom-score-adj", "absolute", base + 30},
		{"oom-score-adj-values", "1001 200 800", 1000},
		{"oom-score-adj", "no", base},
	} {
		set(step.name, step.value)
		if got := score(); got != min(step.want, oomScoreMost) {
			t.Errorf("%s %s: the score is %d, want %d", step.name, step.value, got, step.want)
		}
	}
}
