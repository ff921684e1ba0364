package netserver

import (
	"fmt"
	"math"
	"strconv"

	"github.com/redistill/redistill/command"
	"github.com/redistill/redistill/internal/config"
)

const (
	// ownDescriptors is how many files the process keeps open or may open for itself: listeners, the log, those of the Go runtime. Redis
	// reserves as many.
	ownDescriptors = 32
	// loopDescriptors is how many of them a loop has.
	loopDescriptors = 2
)

// FitConnections raises the process's limit of open files to what max_connections needs. If the system refuses, it lowers
// max_connections and says so in the log. From then on CONFIG SET refuses a value that is too high. It is called once, before Serve. The
// error says that the limit of open files does not do for any client.
func (s *Server) FitConnections() error {
	asked := s.config().MaxConnections
	possible, err := s.fit(asked)
	if possible < 1 {
		return fmt.Errorf("cannot serve: the limit of open files, which 'ulimit -n' shows, is too low: %w", err)
	}
	if possible < asked {
		s.log.Warn("max_connections is lowered, because the limit of open files ('ulimit -n') cannot be raised",
			"asked", asked, "max_connections", possible, "error", err)
		if err := s.commands.Config.Set(config.Pair{Name: "server.max_connections", Value: strconv.Itoa(possible)}); err != nil {
			return err
		}
	}
	s.commands.Config.OnChange("server.max_connections", func(next *config.Values) error {
		if possible, _ := s.fit(next.MaxConnections); possible < next.MaxConnections {
			return command.Error("The operating system is not able to handle the specified number of clients, try with " +
				strconv.Itoa(max(possible, 0)))
		}
		return nil
	})
	return nil
}

// fit makes the limit of open files high enough for so many clients, and returns for how many it is. If these are fewer, the error says
// why.
func (s *Server) fit(clients int) (possible int, err error) {
	own := uint64(ownDescriptors + s.otherFiles)
	if s.path != Portable {
		own += loopDescriptors * uint64(s.threads)
	}
	limit, err := raiseDescriptors(uint64(clients) + own)
	switch {
	case limit <= own:
		return 0, err
	case limit-own >= math.MaxInt32:
		return clients, err
	}
	return min(clients, int(limit-own)), err
}
