package watch

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/redistill/redistill/tools/stats"
)

// Widths in columns.
const (
	labelWidth = 9
	valueWidth = 9
	noteWidth  = 34
	minSpark   = 6   // a sparkline that is shorter is left out
	wide       = 76  // from here there are notes
	twoTables  = 100 // from here there are two tables side by side
)

var (
	bold    = lipgloss.NewStyle().Bold(true)
	faint   = lipgloss.NewStyle().Faint(true)
	curve   = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
	trouble = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Red)
)

// View draws the screen.
func (m *Model) View() tea.View {
	v := tea.NewView(strings.Join(m.lines(), "\n"))
	v.AltScreen = true
	return v
}

// lines returns at most height lines of at most width columns.
func (m *Model) lines() []string {
	if m.width <= 0 || m.height <= 0 {
		return nil
	}
	lines := m.head()
	if m.report != nil {
		lines = append(lines, m.chartLines()...)
		lines = m.addTables(lines)
	}
	lines = lines[:min(len(lines), m.height)]
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, m.width, "…")
	}
	return lines
}

// head says what server it is, and whether it answers.
func (m *Model) head() []string {
	hint := " q quits"
	title := bold.Render(m.Target)
	if r := m.report; r != nil {
		title = bold.Render(r.Last.Server()) + " " + m.Target + faint.Render(", up "+r.Total["uptime"].Format(stats.Seconds)+", "+r.Last.Policy())
	}
	if gap := m.width - lipgloss.Width(title) - len(hint); gap >= 0 {
		title += strings.Repeat(" ", gap) + faint.Render(hint)
	}
	switch {
	case m.failed != nil:
		away := m.latest.Sub(m.since).Round(time.Second)
		return []string{title, trouble.Render("no answer for " + away.String() + ": " + m.failed.Error())}
	case m.report == nil:
		return []string{title, faint.Render("waiting for the first answer")}
	case m.height > len(charts)+1:
		return []string{title, ""}
	}
	return []string{title}
}

// chartLines draws every chart, with as much of it as there are columns for.
func (m *Model) chartLines() []string {
	width := m.width - labelWidth - 1 - valueWidth - 2
	notes := m.width >= wide
	if notes {
		width -= 2 + noteWidth
	}
	var lines []string
	for i := range charts {
		c := &charts[i]
		values := m.history[c.metric]
		text, top := "-", 0.
		if last := values[len(values)-1]; last == last { // not NaN
			text = c.format(last)
		}
		if c.top != nil {
			top = c.top(m.report)
		}
		line := faint.Render(pad(c.label, labelWidth)) + " " + bold.Render(padLeft(text, valueWidth))
		if width >= minSpark {
			line += "  " + curve.Render(sparkline(values, width, top))
		}
		if notes && c.note != nil {
			line += "  " + c.note(m.report)
		}
		lines = append(lines, line)
	}
	return lines
}

// addTables adds what there is room for below: parts of the memory, keyspace,
// commands.
func (m *Model) addTables(lines []string) []string {
	for _, block := range [][]string{m.memoryLines(), keyspace(m.report.Last.Databases).draw(m.width, maxDatabases+1)} {
		if len(lines)+1+len(block) <= m.height {
			lines = append(append(lines, ""), block...)
		}
	}
	used, slowest := commands(m.report)
	room := m.height - len(lines) - 1
	if m.width >= twoTables {
		if room >= 3 {
			half := (m.width - 4) / 2
			lines = append(append(lines, ""), beside(used.draw(half, room-1), slowest.draw(half, room-1), half)...)
		}
		return lines
	}
	first := used.draw(m.width, max(2, min(len(used.rows), room/2-1)))
	if room >= len(first) {
		lines = append(append(lines, ""), first...)
	}
	if room = m.height - len(lines) - 1; room >= 3 {
		lines = append(append(lines, ""), slowest.draw(m.width, room-1)...)
	}
	return lines
}

// memoryLines lists the parts of the memory, as many on a line as fit.
func (m *Model) memoryLines() []string {
	lines, used := []string{bold.Render("Memory")}, m.width
	for _, metric := range stats.Metrics() {
		v := m.report.Total[metric.Name]
		if metric.Group != "Memory" || metric.Name == "memory" || !v.Known {
			continue
		}
		item := faint.Render(metric.Label) + " " + v.Format(metric.Unit)
		n := lipgloss.Width(item)
		if used+3+n > m.width {
			lines, used = append(lines, item), n
			continue
		}
		lines[len(lines)-1] += "   " + item
		used += 3 + n
	}
	return lines
}

// draw returns the title and at most limit rows, the header among them, without
// the last columns if they are too many.
func (g grid) draw(width, limit int) []string {
	rows := g.rows[:min(len(g.rows), max(limit, 1))]
	widths := g.fit(width)
	lines := []string{bold.Render(g.title)}
	for i, row := range rows {
		var line strings.Builder
		for column, w := range widths {
			switch {
			case column >= len(row):
			case column == 0:
				line.WriteString(pad(row[0], w))
			default:
				line.WriteString("  " + padLeft(row[column], w))
			}
		}
		if i == 0 {
			lines = append(lines, faint.Render(line.String()))
		} else {
			lines = append(lines, line.String())
		}
	}
	return lines
}

// maxName is how much of a long name in the first column comes before the last
// columns; on narrow screens it is half of the width.
const maxName = 12

// fit returns the widths of the columns for which there is room.
func (g grid) fit(width int) []int {
	widths := make([]int, len(g.rows[0]))
	for _, row := range g.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], ansi.StringWidth(cell))
		}
	}
	name := min(widths[0], maxName, width/2)
	left := width - name
	n := 1
	for n < len(widths) && left >= 2+widths[n] {
		left -= 2 + widths[n]
		n++
	}
	widths[0] = min(widths[0], name+left)
	return widths[:n]
}

// beside puts two blocks next to each other, the left one of width columns.
func beside(left, right []string, width int) []string {
	var lines []string
	for i := range max(len(left), len(right)) {
		line := ""
		if i < len(left) {
			line = left[i]
		}
		if i < len(right) {
			line = pad(line, width) + "    " + right[i]
		}
		lines = append(lines, line)
	}
	return lines
}

// pad and padLeft bring a text to exactly width columns.
func pad(text string, width int) string {
	text = ansi.Truncate(text, width, "…")
	return text + strings.Repeat(" ", width-ansi.StringWidth(text))
}

func padLeft(text string, width int) string {
	text = ansi.Truncate(text, width, "…")
	return strings.Repeat(" ", width-ansi.StringWidth(text)) + text
}
