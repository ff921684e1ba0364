package cmd

import (
	"os"
	"os/signal"
	"syscall"
)

// onHangup calls f at each SIGHUP, until stop is called, which waits for a call that runs. Without it the signal ends the process, as it
// does where the server was started from a terminal that is closed.
func onHangup(f func()) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for range signals {
			f()
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-stopped
	}
}
