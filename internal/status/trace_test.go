package status

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime/trace"
	"strings"
	"testing"

	"github.com/redistill/redistill/test/await"
)

// TestTrace: a client gets a trace in whole.
func TestTrace(t *testing.T) {
	w := newServer(t, true).get("/debug/pprof/trace?seconds=0.01")
	if body := w.Body.Bytes(); w.Code != 200 || !bytes.HasPrefix(body, []byte("go 1.")) || trace.IsEnabled() {
		t.Errorf("%d: %d bytes, %.20q", w.Code, len(body), body)
	}
}

// TestTracePieces: the runtime may use a piece again when Write has returned.
func TestTracePieces(t *testing.T) {
	q := &traceQueue{pieces: make(chan []byte, 1)}
	piece := []byte("first")
	_, _ = q.Write(piece) // it cannot fail
	copy(piece, "other")
	if got := <-q.pieces; string(got) != "first" {
		t.Errorf("got %q", got)
	}
}

// unread is the answer to a client that reads nothing until it is closed.
type unread struct {
	http.ResponseWriter
	closed chan struct{}
}

func (u unread) Write(b []byte) (int, error) {
	<-u.closed
	return len(b), nil
}

// TestUnreadTrace: a trace ends as soon as its client leaves too much of it unread, and is not
// taken for a whole one.
func TestUnreadTrace(t *testing.T) {
	client := unread{httptest.NewRecorder(), make(chan struct{})}
	ended := make(chan any, 1)
	go func() {
		defer func() { ended <- recover() }()
		serveTrace(client, httptest.NewRequest(http.MethodGet, "/?seconds=1000000", nil)) // so long that time does not end it
	}()
	await.True(t, "the trace begins", trace.IsEnabled)
	i := 0
	await.True(t, "the trace ends", func() bool {
		for range 100 {
			i++
			trace.Log(context.Background(), "test", fmt.Sprint(i, strings.Repeat("x", 1000)))
		}
		return !trace.IsEnabled()
	})
	close(client.closed)
	if got := await.Receive(t, "the answer", ended); got != http.ErrAbortHandler {
		t.Errorf("it ended with %v", got)
	}
}
