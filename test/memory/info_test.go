package memory_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// mapped is the resident bytes of a process by what they are for, as the system tells.
type mapped struct{ arena, anonymous, files int64 }

// mapped reads the mappings of the server. The arena's and those of buffers are those that it asked
// to have huge pages, or small ones.
func (s *server) mapped() (m mapped) {
	s.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", s.PID))
	if err != nil {
		s.Skipf("skipped, because mappings are read from /proc: %v", err)
	}
	file, resident := false, int64(0)
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		switch {
		case !strings.HasSuffix(f[0], ":"):
			file = len(f) > 5 && strings.HasPrefix(f[5], "/")
		case f[0] == "Rss:":
			_, _ = fmt.Sscan(f[1], &resident)
			resident <<= 10
		case f[0] == "VmFlags:" && (slices.Contains(f, "hg") || slices.Contains(f, "nh")):
			m.arena += resident
		case f[0] == "VmFlags:" && file:
			m.files += resident
		case f[0] == "VmFlags:":
			m.anonymous += resident
		}
	}
	return m
}

// connectAndWait makes n connections that have sent most of a command of size bytes.
func (s *server) connectAndWait(n, size int) {
	s.Helper()
	before := s.info()["total_net_input_bytes"]
	command := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s", size, strings.Repeat("v", size*9/10))
	for range n {
		if _, err := s.dial().Write([]byte(command)); err != nil {
			s.Fatal(err)
		}
	}
	s.Eventually("all has arrived", func() bool { return s.info()["total_net_input_bytes"] >= before+int64(n*len(command)) })
}

// TestInfoMemory compares the parts of memory that INFO shows with those that the system knows, under several loads.
func TestInfoMemory(t *testing.T) {
	const clients, pending = 100, 60_000
	for _, load := range []struct {
		name string
		run  func(s *server)
	}{
		{"none", func(*server) {}},
		{"many small keys", func(s *server) { s.fill(0, 1_500_000, 16) }},
		{"large values", func(s *server) { s.fill(0, 100, 1<<20) }},
		{"more than the limit", func(s *server) { s.fill(0, 100_000, 3000) }},
		{"overwritten with less", func(s *server) { s.fill(0, 50_000, 3000); s.fill(0, 50_000, 1000) }},
		{"many clients", func(s *server) { s.fill(0, 100_000, 500); s.connectAndWait(clients, pending) }},
	} {
		t.Run(load.name, func(t *testing.T) {
			s := serve(t, "--max-memory", "200mb")
			load.run(s)
			s.Eventually("the parts agree with the system", func() bool {
				i, m, all := s.info(), s.mapped(), s.resident()
				buffers := i["redistill_clients_input_bytes"] + i["redistill_clients_replies_bytes"]
				arena := i["used_memory_dataset"] + i["redistill_index_bytes"] + i["redistill_dead_bytes"] + i["redistill_free_bytes"]
				rest := i["mem_clients_normal"] + i["redistill_go_bytes"] - buffers
				ok := true
				for _, part := range []struct {
					name      string
					got, want int64
				}{
					{"arena and buffers", arena + i["redistill_arriving_bytes"] + buffers, m.arena},
					{"clients and Go", rest, m.anonymous},
					{"program", i["redistill_program_bytes"], m.files},
					{"all", i["used_memory"] + i["redistill_free_bytes"], all},
					{"resident set", i["used_memory_rss"], all},
				} {
					off := 100 * float64(part.got-part.want) / float64(all)
					t.Logf("%s: INFO %d, the system %d: %.1f %% of all memory", part.name, part.got, part.want, off)
					ok = ok && -3 <= off && off <= 3
				}
				return ok
			})
			if load.name == "many clients" {
				s.Eventually("what makes no progress is the clients'", func() bool { return s.info()["redistill_arriving_bytes"] == 0 })
				if n := s.info()["mem_clients_normal"]; n < clients*pending*9/10 || n > clients*pending*12/10 {
					t.Errorf("%d clients with %d bytes: %d bytes", clients, pending, n)
				}
			}
		})
	}
}
