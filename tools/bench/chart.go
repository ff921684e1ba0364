package bench

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// chart is a diagram in SVG: lines over an x axis. Its parts have classes, which
// the style sheet of the page colours.
type chart struct {
	ID, Title, Note string // Note says what exactly is drawn
	x, y            axis
	lines           []line
	hints           []hint
}

// line is a series. Lines of the same colour belong together.
type line struct {
	Name   string
	Colour int // from 1
	points []point
	// low and high, if they are there, bound the spread around each point.
	low, high []float64
}

// point has a y that is not a number where there is nothing to draw.
type point struct{ x, y float64 }

// hint is the text that shows over a part of the x axis.
type hint struct {
	from, to float64
	text     string
}

// The layout of a chart, in units of its view box.
const (
	chartWidth, chartHeight = 760.0, 280.0
	plotLeft, plotRight     = 76.0, 748.0
	plotTop, plotBottom     = 14.0, 238.0
)

func (c *chart) px(x float64) float64 { return plotLeft + c.x.place(x)*(plotRight-plotLeft) }
func (c *chart) py(y float64) float64 { return plotBottom - c.y.place(y)*(plotBottom-plotTop) }

// Legend returns a line of each colour, none if there is but one.
func (c *chart) Legend() []line {
	var out []line
	for _, l := range c.lines {
		if len(out) == 0 || out[len(out)-1].Colour != l.Colour {
			out = append(out, l)
		}
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

// SVG draws the chart.
func (c *chart) SVG() template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, chartHeight, html.EscapeString(c.Title))
	c.drawAxes(&b)
	for _, l := range c.lines {
		c.drawSpread(&b, l)
	}
	for _, l := range c.lines {
		c.drawLine(&b, l)
	}
	for _, h := range c.hints {
		fmt.Fprintf(&b, `<rect class="hint" x="%.1f" y="%g" width="%.1f" height="%g"><title>%s</title></rect>`,
			c.px(h.from), plotTop, c.px(h.to)-c.px(h.from), plotBottom-plotTop, html.EscapeString(h.text))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // all texts in it are escaped
}

func (c *chart) drawAxes(b *strings.Builder) {
	for _, t := range c.y.ticks {
		y := c.py(t.at)
		fmt.Fprintf(b, `<path class="grid" d="M%g %.1fH%g"/><text class="y" x="%g" y="%.1f">%s</text>`,
			plotLeft, y, plotRight, plotLeft-8, y+4, html.EscapeString(t.label))
	}
	for _, t := range c.x.ticks {
		fmt.Fprintf(b, `<text class="x" x="%.1f" y="%g">%s</text>`, c.px(t.at), plotBottom+20, html.EscapeString(t.label))
	}
	fmt.Fprintf(b, `<path class="axis" d="M%g %gH%g"/><text class="x" x="%g" y="%g">%s</text>`,
		plotLeft, plotBottom, plotRight, (plotLeft+plotRight)/2, chartHeight-4, html.EscapeString(c.x.name))
}

func (c *chart) drawSpread(b *strings.Builder, l line) {
	if len(l.low) == 0 {
		return
	}
	fmt.Fprintf(b, `<path class="spread colour%d" d="`, l.Colour)
	for i, p := range l.points {
		fmt.Fprintf(b, "%c%.1f %.1f", "ML"[min(i, 1)], c.px(p.x), c.py(l.high[i]))
	}
	for i := len(l.points) - 1; i >= 0; i-- {
		fmt.Fprintf(b, "L%.1f %.1f", c.px(l.points[i].x), c.py(l.low[i]))
	}
	b.WriteString(`Z"/>`)
}

func (c *chart) drawLine(b *strings.Builder, l line) {
	fmt.Fprintf(b, `<path class="line colour%d" d="`, l.Colour)
	command := byte('M')
	for _, p := range l.points {
		if math.IsNaN(p.y) {
			command = 'M'
			continue
		}
		fmt.Fprintf(b, "%c%.1f %.1f", command, c.px(p.x), c.py(p.y))
		if command == 'M' {
			b.WriteString("h0") // a point alone is a dot
		}
		command = 'L'
	}
	b.WriteString(`"/>`)
}

// axis maps values to places from 0 to 1.
type axis struct {
	name     string
	from, to float64
	log      bool
	ticks    []tick
}

type tick struct {
	at    float64
	label string
}

// place returns where v lies. What is outside of the axis lies at its end.
func (a *axis) place(v float64) float64 {
	from, to := a.from, a.to
	if a.log {
		v, from, to = math.Log(v), math.Log(from), math.Log(to)
	}
	return min(1, max(0, (v-from)/(to-from)))
}

// linearAxis reaches from 0 to a round number from largest on.
func linearAxis(name string, largest float64, label func(float64) string) axis {
	if !(largest > 0) {
		largest = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(largest/4)))
	for _, round := range []float64{1, 2, 2.5, 5, 10} {
		if largest <= 5*step*round {
			step *= round
			break
		}
	}
	a := axis{name: name, to: step * math.Ceil(largest/step)}
	for i := 0; float64(i)*step <= a.to; i++ {
		a.ticks = append(a.ticks, tick{float64(i) * step, label(float64(i) * step)})
	}
	return a
}

// timeAxis reaches from 0 to exactly seconds.
func timeAxis(seconds float64) axis {
	a := linearAxis("seconds", seconds, func(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) })
	a.to = seconds
	for a.ticks[len(a.ticks)-1].at > seconds {
		a.ticks = a.ticks[:len(a.ticks)-1]
	}
	return a
}

// logAxis reaches from a round number up to smallest to one from largest on; both
// are more than 0. It has at most seven ticks.
func logAxis(name string, smallest, largest float64, label func(float64) string) axis {
	a := axis{name: name, from: roundDown(smallest), log: true}
	for _, round := range [][]float64{{1, 2, 5}, {1, 3}, {1}} {
		a.ticks = a.ticks[:0]
		for decade := math.Pow(10, math.Floor(math.Log10(smallest))); ; decade *= 10 {
			for _, r := range round {
				if v := decade * r; v >= a.from*0.999 {
					a.ticks = append(a.ticks, tick{v, label(v)})
				}
			}
			if decade*10 > largest {
				break
			}
		}
		if len(a.ticks) <= 7 {
			break
		}
	}
	a.to = largest * 1.05
	for a.ticks[len(a.ticks)-1].at > a.to {
		a.ticks = a.ticks[:len(a.ticks)-1]
	}
	return a
}

// roundDown returns the largest of 1, 2, 5, 10 and so on that is not above v.
func roundDown(v float64) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)))
	for _, r := range []float64{5, 2} {
		if decade*r <= v {
			return decade * r
		}
	}
	return decade
}
