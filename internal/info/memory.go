package info

import (
	"fmt"
	"strings"
)

// Figure is a line of MEMORY STATS: a number, or a ratio, or one database's figures.
type Figure struct {
	Name     string
	Number   int64
	Ratio    float64
	IsRatio  bool
	Database []Figure
}

// MemoryFigures returns the lines of MEMORY STATS, from the sections Memory and Keyspace. The names
// and their order are Redis's, with what clients hold behind them. Its allocator is the arena here:
// allocated is what records and the index take, active are the blocks that they are in, resident
// are all blocks in memory. What this server does not have is 0.
func MemoryFigures(s *State) []Figure {
	number := func(name string, n int64) Figure { return Figure{Name: name, Number: n} }
	of := func(name string, a, b int64) Figure {
		return Figure{Name: name, Ratio: ratio(float64(a), float64(b)), IsRatio: true}
	}
	figures := []Figure{
		number("peak.allocated", s.PeakBytes),
		number("total.allocated", s.Used()),
		number("startup.allocated", s.StartupBytes),
		number("replication.backlog", 0),
		number("clients.slaves", 0),
		number("clients.normal", s.ClientBytes),
		number("cluster.links", 0),
		number("aof.buffer", 0),
		number("lua.caches", 0),
		number("functions.caches", 0),
	}
	keys := int64(0)
	for _, db := range s.Databases {
		keys += db.Keys
		figures = append(figures, Figure{Name: fmt.Sprintf("db.%d", db.Index), Database: []Figure{
			number("overhead.hashtable.main", db.IndexBytes),
			number("overhead.hashtable.expires", 0), // deadlines are in the records
			number("overhead.hashtable.slot-to-keys", 0),
		}})
	}
	return append(figures,
		number("overhead.total", s.Overhead()),
		number("keys.count", keys),
		number("keys.bytes-per-key", s.Net()/max(keys, 1)*min(keys, 1)),
		number("dataset.bytes", s.DataBytes),
		of("dataset.percentage", 100*s.DataBytes, s.Net()),
		of("peak.percentage", 100*s.Used(), s.PeakBytes),
		number("allocator.allocated", s.Allocated()),
		number("allocator.active", s.Active()),
		number("allocator.resident", s.Resident()),
		of("allocator-fragmentation.ratio", s.Active(), s.Allocated()),
		number("allocator-fragmentation.bytes", s.Active()-s.Allocated()),
		of("allocator-rss.ratio", s.Resident(), s.Active()),
		number("allocator-rss.bytes", s.Resident()-s.Active()),
		of("rss-overhead.ratio", s.RSSBytes, s.Resident()),
		number("rss-overhead.bytes", s.RSSBytes-s.Resident()),
		of("fragmentation", s.RSSBytes, s.Used()),
		number("fragmentation.bytes", s.RSSBytes-s.Used()),
		number("clients.input", s.Held.Input),
		number("clients.replies", s.Held.Replies),
		number("clients.queues", s.Held.Queues),
		number("clients.watches", s.Held.Watches),
		number("clients.names", s.Held.Names),
		number("clients.messages", s.Held.Messages),
		number("values.arriving", s.ArrivingBytes),
	)
}

// From what sizes on MemoryReport speaks of something.
const (
	notable     = 10 << 20  // bytes
	clientBytes = 200 << 10 // bytes for each client
)

// MemoryReport says in words what MEMORY DOCTOR finds, from the sections Memory and Clients. swapped are the bytes of the process that are
// swapped out.
func MemoryReport(s *State, swapped int64) string {
	var found []string
	add := func(when bool, format string, args ...any) {
		if when {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	add(swapped > 0, "%s of the process are swapped out, which makes every command slow that needs them: lower maxmemory, or give the machine more memory.", megabytes(swapped))
	add(s.MaxMemory == 0, "There is no memory limit, so that the system may end the process when memory is short: CONFIG SET maxmemory.")
	add(s.SystemBytes > 0 && s.MaxMemory > s.SystemBytes, "maxmemory (%s) is more than the machine or its container has (%s).", megabytes(s.MaxMemory), megabytes(s.SystemBytes))
	full := s.MaxMemory > 0 && s.Used() >= s.MaxMemory/100*95
	add(full && s.MaxMemoryPolicy == "noeviction", "%s of maxmemory (%s) are in use and nothing may be evicted: commands that add data are refused, or soon will be.",
		megabytes(s.Used()), megabytes(s.MaxMemory))
	add(s.MaxMemory > 0 && s.RSSBytes > s.MaxMemory/100*105, "%s are resident, more than maxmemory (%s) allows. That should last for moments only, such as after maxmemory was lowered.",
		megabytes(s.RSSBytes), megabytes(s.MaxMemory))
	dead := s.Active() - s.Allocated()
	add(dead > notable && dead > s.Active()/10*3, "%s of the blocks in use are dead: their records went, by deletion, expiry or because they grew. They are compacted when there is need of room, or when they are a quarter.",
		megabytes(dead))
	add(s.FreeBytes > notable && s.FreeBytes > s.RSSBytes/4, "%s are resident and not in use, kept for keys to come. MEMORY PURGE gives them back.", megabytes(s.FreeBytes))
	add(s.ConnectedClients > 0 && s.ClientBytes > notable && s.ClientBytes/max(s.ConnectedClients, 1) > clientBytes,
		"The buffers of %d clients take %s. They send large commands, or do not read what they asked for: CLIENT LIST shows which (tot-mem, omem).", s.ConnectedClients, megabytes(s.ClientBytes))
	add(s.GoBytes > 5*notable && s.GoBytes > s.Used()/4, "The Go runtime has %s beside the data. It gives back what it does not need after a while, and MEMORY PURGE makes it do so at once.", megabytes(s.GoBytes))
	head := fmt.Sprintf("%s are in use, %s at the most so far; %s of it are data.", megabytes(s.Used()), megabytes(s.PeakBytes), megabytes(s.DataBytes))
	if s.MaxMemory > 0 {
		head += fmt.Sprintf(" The limit is %s, with %s.", megabytes(s.MaxMemory), s.MaxMemoryPolicy)
	}
	if len(found) == 0 {
		return head + "\n\nNo problem was found.\n"
	}
	return head + "\n\n- " + strings.Join(found, "\n- ") + "\n"
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }

// AllocatorReport says where memory is, for MEMORY MALLOC-STATS: the arena, and the figures of the Go runtime that are given.
func AllocatorReport(s *State, runtime []Figure) string {
	var b strings.Builder
	line := func(name string, n int64) { fmt.Fprintf(&b, "%-50s %15d\n", name, n) }
	b.WriteString("The arena, in bytes\n")
	line("records", s.DataBytes)
	line("index", s.IndexBytes)
	line("dead, in blocks in use", s.DeadBytes)
	line("free, in resident blocks", s.FreeBytes)
	b.WriteString("\nThe Go runtime\n")
	for _, f := range runtime {
		line(f.Name, f.Number)
	}
	b.WriteString("\nThe process, in bytes\n")
	line("resident", s.RSSBytes)
	line("of the program and libraries", s.ProgramBytes)
	line("limit", s.MaxMemory)
	return b.String()
}
