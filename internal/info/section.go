package info

import "strings"

// Section is a part of INFO's reply, in the order in which they are shown.
type Section uint8

// The sections.
const (
	Server Section = iota
	Clients
	Memory
	Persistence
	Stats
	Replication
	CPU
	Modules
	CommandStats
	ErrorStats
	LatencyStats
	Cluster
	Keyspace
	numSections
)

var titles = [numSections]string{
	"Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules", "Commandstats", "Errorstats",
	"Latencystats", "Cluster", "Keyspace",
}

// String returns the section's title.
func (s Section) String() string { return titles[s] }

// Sections is a set of sections.
type Sections uint16

const (
	allSections     Sections = 1<<numSections - 1
	defaultSections          = allSections &^ (1<<CommandStats | 1<<LatencyStats)
)

// Has reports whether a section is in the set.
func (s Sections) Has(section Section) bool { return s>>section&1 != 0 }

// Select returns the sections that the arguments of INFO ask for: names of sections, default, all or everything, of any case. No
// argument is default. A name that is not known asks for nothing.
func Select(names [][]byte) Sections {
	if len(names) == 0 {
		return defaultSections
	}
	var set Sections
	for _, name := range names {
		set |= named(string(name))
	}
	return set
}

func named(name string) Sections {
	switch {
	case strings.EqualFold(name, "default"):
		return defaultSections
	case strings.EqualFold(name, "all"), strings.EqualFold(name, "everything"):
		return allSections
	}
	for section, title := range titles {
		if strings.EqualFold(name, title) {
			return 1 << section
		}
	}
	return 0
}
