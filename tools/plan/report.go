package plan

// Report is a plan, with what it was made from and what it was held against.
type Report struct {
	*Plan
	Sample   *Sample       `json:"sample,omitempty"`         // nil if no server's keys are planned for
	Verified *Verification `json:"verified,omitempty"`       // nil if nothing was measured
	Scale    float64       `json:"verified_scale,omitempty"` // the share of the items that was
}

// Measured is what one item took in a server.
type Measured struct {
	Name      string `json:"name"`
	Count     int64  `json:"count"`
	Predicted int64  `json:"predicted_bytes"` // growth of the resident memory
	Measured  int64  `json:"measured_bytes"`
	Loaded    int64  `json:"loaded_bytes"` // before the server had compacted what was left of growing values
}

// Off returns by what share of the measured the predicted is above it.
func (m *Measured) Off() float64 {
	if m.Measured == 0 {
		return 0
	}
	return float64(m.Predicted)/float64(m.Measured) - 1
}

// Verification is a plan beside a server that holds what it is for.
type Verification struct {
	Items   []Measured `json:"items"`
	All     Measured   `json:"all"`
	Process int64      `json:"process_bytes"` // resident memory of the server when it was empty again
}

// Sample is what was found in a live server.
type Sample struct {
	Target      string  `json:"target"`  // the server, without a password
	Keys        int64   `json:"keys"`    // in the database
	Sampled     int     `json:"sampled"` // of them
	Whole       bool    `json:"whole"`   // all were looked at, so that nothing is estimated
	Groups      []Group `json:"groups"`
	Other       []Kind  `json:"unsupported,omitempty"` // types that this server does not have, and keys that are too long for it
	Connections int64   `json:"connections,omitempty"`
	Gap         *Gap    `json:"gap,omitempty"` // nil if the server does not say what its data takes
}

// Gap is by how much the data of a server, as INFO says it, is more than what the sample makes of it.
// The bound holds for 95 of 100 samples.
type Gap struct {
	Dataset int64 `json:"dataset_bytes"`
	Sampled int64 `json:"sampled_bytes"` // estimated, of all keys
	Bound   int64 `json:"bound_bytes"`
	Bytes   int64 `json:"bytes"` // Dataset less Sampled; negative if the sample makes more of it
}

// missed is the share of the data from which a gap beyond the bound says that the sample lacks keys
// that are much larger than others.
const missed = .05

// misses reports whether the sample lacks some of the data.
func (g *Gap) misses() bool { return float64(g.Bytes-g.Bound) > missed*float64(g.Dataset) }

// Group is the keys with one prefix and type, as an item to plan with. Bounds hold
// for 95 of 100 samples.
type Group struct {
	Item       `json:"-"`
	Name       string  `json:"name"`
	Prefix     string  `json:"prefix"`
	Type       string  `json:"type"`
	Sampled    int     `json:"sampled"`
	Count      int64   `json:"count"` // estimated
	CountBound int64   `json:"count_bound"`
	Bytes      int64   `json:"bytes"` // estimated, in this server, without the index
	BytesBound int64   `json:"bytes_bound"`
	There      int64   `json:"bytes_there,omitempty"` // estimated, what the server that was asked says that they take there
	WithTTL    float64 `json:"with_ttl"`              // share
}

// Kind is keys that cannot be planned for.
type Kind struct {
	Type  string `json:"type"`
	Count int64  `json:"count"` // estimated
	There int64  `json:"bytes_there,omitempty"`
}

// Items returns the groups as items.
func (s *Sample) Items() []Item {
	items := make([]Item, len(s.Groups))
	for i := range s.Groups {
		items[i] = s.Groups[i].Item
		items[i].Name = s.Groups[i].Name
	}
	return items
}
