package status

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Limits of profiles.
const (
	maxProfiles    = 2           // made at once
	maxProfileTime = time.Minute // that a client may ask to wait for one
)

// profile bounds how many profiles are made at once, and for how long.
func (s *Server) profile(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if text := r.URL.Query().Get("seconds"); text != "" {
			if n, err := strconv.ParseFloat(text, 64); err != nil || !(n <= maxProfileTime.Seconds()) {
				answer(w, http.StatusBadRequest,
					fmt.Sprintf("seconds must be a number, %.0f at most", maxProfileTime.Seconds()))
				return
			}
		}
		select {
		case s.profiling <- struct{}{}:
			defer func() { <-s.profiling }()
		default:
			answer(w, http.StatusServiceUnavailable,
				fmt.Sprintf("%d profiles are being made: try again later", maxProfiles))
			return
		}
		// When the time for a request is over, the server would take the client for gone.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(maxProfileTime + requestTimeout))
		next(w, r)
	}
}
