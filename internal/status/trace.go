package status

import (
	"bytes"
	"context"
	"net/http"
	"runtime/trace"
	"strconv"
	"time"
)

// maxTraceBehind is how many pieces of a trace may wait for a client. The runtime makes pieces of
// 64 KB, so they take 4 MB at most.
const maxTraceBehind = 64

// traceQueue holds what a client has still to read of a trace. The runtime would keep it without a
// limit for a writer that blocks.
type traceQueue struct {
	pieces chan []byte
	stop   func() // ends the trace
	cut    bool   // pieces are missing; read after pieces is closed
}

// Write never blocks. If too much waits, it ends the trace.
func (q *traceQueue) Write(piece []byte) (int, error) {
	if !q.cut {
		select {
		case q.pieces <- bytes.Clone(piece): // the runtime uses it again
		default:
			q.cut = true
			q.stop()
		}
	}
	return len(piece), nil
}

// serveTrace answers with an execution trace, as net/http/pprof does.
func serveTrace(w http.ResponseWriter, r *http.Request) {
	duration := time.Second
	if n, err := strconv.ParseFloat(r.URL.Query().Get("seconds"), 64); err == nil && n > 0 {
		duration = time.Duration(n * float64(time.Second))
	}
	ctx, stop := context.WithTimeout(r.Context(), duration)
	defer stop()
	q := &traceQueue{pieces: make(chan []byte, maxTraceBehind), stop: stop}
	if err := trace.Start(q); err != nil {
		answer(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	go func() {
		<-ctx.Done()
		trace.Stop() // returns when q has all of it
		close(q.pieces)
	}()
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(duration + responseTimeout))
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="trace"`)
	for piece := range q.pieces {
		if _, err := w.Write(piece); err != nil {
			stop() // the client is gone
		}
	}
	if q.cut {
		panic(http.ErrAbortHandler) // so that nobody takes it for a whole trace
	}
}
