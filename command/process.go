package command

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/redistill/redistill/internal/config"
)

// swapped returns the bytes of the process that are swapped out, 0 where the system does not tell.
func swapped() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, line, _ := strings.Cut(string(status), "\nVmSwap:")
	line, _, _ = strings.Cut(line, " kB")
	kilobytes, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return kilobytes << 10
}

// operatingSystem names the kernel, its release where that is known, and the machine: "Linux 6.1.0 amd64".
func operatingSystem() string {
	words := []string{strings.ToUpper(runtime.GOOS[:1]) + runtime.GOOS[1:]}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		words = append(words, strings.TrimSpace(string(release)))
	}
	return strings.Join(append(words, runtime.GOARCH), " ")
}

// oomScore is what the kernel rated the process before the server changed that.
type oomScore struct {
	base    int
	changed bool
}

const (
	oomScoreFile = "/proc/self/oom_score_adj"
	oomScoreMost = 1000
)

// configureOOMScore sets how the kernel's OOM killer rates the process, or puts the score back that
// it had. Only one goroutine at a time may call it.
func (srv *Server) configureOOMScore(v *config.Values) error {
	o := &srv.oomScore
	score := o.base
	switch {
	case v.OOMScore.Mode == "no" && !o.changed:
		return nil
	case v.OOMScore.Mode == "no":
		o.changed = false
	default:
		if !o.changed {
			text, err := os.ReadFile(oomScoreFile)
			if err == nil {
				o.base, err = strconv.Atoi(strings.TrimSpace(string(text)))
			}
			if err != nil {
				return srv.oomScoreFailed(err)
			}
			o.changed = true
		}
		score = v.OOMScore.Values[0]
		if v.OOMScore.Mode == "yes" {
			score += o.base
		}
	}
	score = min(max(score, -oomScoreMost), oomScoreMost)
	if err := os.WriteFile(oomScoreFile, strconv.AppendInt(nil, int64(score), 10), 0); err != nil {
		return srv.oomScoreFailed(err)
	}
	return nil
}

func (srv *Server) oomScoreFailed(err error) error {
	srv.Log.Warn("the OOM score was not changed", "error", err)
	return Error("Failed to set current oom_score_adj. Check server logs.")
}
