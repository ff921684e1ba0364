// Package watch is the live screen of 'redistill stats --watch': a model in
// the sense of bubbletea, which asks a server for a sample, shows it, and asks
// again after a while.
//
// Model.Update takes what happened (a sample, an error, a key, a new size of
// the terminal) into the model and says what is to be done next; Model.View
// turns the model into a screen that fits the terminal, however small it is. Neither waits,
// reads a clock or talks to a server, so tests call both with what they like.
// What is shown is in charts.go and tables.go, how it is laid out in view.go.
package watch

import (
	"math"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/redistill/redistill/tools/stats"
)

// Options are what a screen shows, and how it gets it.
type Options struct {
	Target   string        // as the screen names it
	Interval time.Duration // between an answer and the next question

	// Take asks the server. It is called by one goroutine at a time, and after
	// an error as before.
	Take func() (*stats.Sample, error)
}

// Model is what is known of the server.
type Model struct {
	Options
	width, height int

	sample *stats.Sample // the last one, nil before the first
	report *stats.Report // of the last two samples of one process, or of one
	failed error         // why there is no newer sample, nil if there is
	since  time.Time     // when that began
	latest time.Time     // when the server was last asked in vain

	history map[string][]float64 // of the metrics in charts, the latest last; NaN where nothing is known
}

// New returns a model that knows nothing yet.
func New(o Options) *Model {
	return &Model{Options: o, history: map[string][]float64{}}
}

// What Update is told besides keys and sizes.
type (
	sampleMsg  struct{ sample *stats.Sample }
	failureMsg struct {
		err error
		at  time.Time
	}
	dueMsg struct{} // it is time for the next sample
)

// Init asks for the first sample.
func (m *Model) Init() tea.Cmd { return m.ask }

// ask is run by bubbletea, outside of Update.
func (m *Model) ask() tea.Msg {
	s, err := m.Take()
	if err != nil {
		return failureMsg{err, time.Now()}
	}
	return sampleMsg{s}
}

// Update takes in what happened.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "esc", "ctrl+c":
			return m, tea.Quit
		case "ctrl+z":
			return m, tea.Suspend
		}
	case dueMsg:
		return m, m.ask
	case sampleMsg:
		m.take(msg.sample)
		return m, m.wait()
	case failureMsg:
		m.fail(msg.err, msg.at)
		return m, m.wait()
	}
	return m, nil
}

// wait makes the next sample due.
func (m *Model) wait() tea.Cmd {
	return tea.Tick(m.Interval, func(time.Time) tea.Msg { return dueMsg{} })
}

// take shows a sample. After a restart of the server, or while it was away, there
// is nothing to compare it with.
func (m *Model) take(s *stats.Sample) {
	before := m.sample
	if m.failed != nil {
		before = nil
	}
	r, err := stats.NewReport(m.Target, before, s)
	if err != nil {
		r, _ = stats.NewReport(m.Target, nil, s) // fails for two samples only
	}
	m.sample, m.report, m.failed = s, r, nil
	for _, c := range charts {
		m.remember(c.metric, c.value(r))
	}
}

// fail keeps the last sample on the screen, with a gap in the charts.
func (m *Model) fail(err error, at time.Time) {
	if m.failed == nil {
		m.since = at
	}
	m.failed, m.latest = err, at
	for _, c := range charts {
		m.remember(c.metric, stats.Value{})
	}
}

// historyLength is how many values are kept, more than any terminal has columns
// for.
const historyLength = 1024

func (m *Model) remember(metric string, v stats.Value) {
	values := m.history[metric]
	if len(values) == historyLength {
		values = append(values[:0], values[1:]...)
	}
	if !v.Known {
		v.Value = math.NaN()
	}
	m.history[metric] = append(values, v.Value)
}
