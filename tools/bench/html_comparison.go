package bench

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// The layout of the comparison, in the units of charts.
const (
	rowHeight                     = 34.0
	comparisonLeft                = 170.0
	comparisonRight, comparisonTo = 530.0, 26.0 // the latter is above the rows
)

// comparison draws the ratios of two targets: a dot for the median of each, with
// its spread, on an axis on which half and twice are equally far from 1.
func (r *Report) comparison() template.HTML {
	if len(r.Ratios) == 0 {
		return ""
	}
	reach := math.Log(1.25)
	for _, q := range r.Ratios {
		reach = max(reach, math.Abs(math.Log(q.Min)), math.Abs(math.Log(q.Max)))
	}
	middle := (comparisonLeft + comparisonRight) / 2
	px := func(v float64) float64 { return middle + math.Log(v)/reach*(comparisonRight-comparisonLeft)/2 }
	bottom := comparisonTo + rowHeight*float64(len(r.Ratios))
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="Comparison">`, chartWidth, bottom+8)
	for _, v := range []float64{0.1, 0.2, 0.5, 0.8, 1, 1.25, 2, 5, 10} {
		if x := px(v); x >= comparisonLeft-1 && x <= comparisonRight+1 && (v == 1 || math.Abs(x-middle) > 40) {
			class := map[bool]string{true: "axis", false: "grid"}[v == 1]
			fmt.Fprintf(&b, `<path class="%s" d="M%.1f %gV%g"/><text class="x" x="%.1f" y="14">%g</text>`, class, x, comparisonTo-4, bottom, x, v)
		}
	}
	for i, q := range r.Ratios {
		y := comparisonTo + rowHeight*(float64(i)+0.5)
		verdict, class := q.verdict(), q.verdict()
		if verdict == cannotTell {
			class = "even"
		}
		text := ratioText(q.Median) + " (" + ratioText(q.Min) + " to " + ratioText(q.Max) + ")"
		fmt.Fprintf(&b, `<text class="name" x="8" y="%.1f">%s</text>`, y+4, html.EscapeString(q.Name))
		fmt.Fprintf(&b, `<path class="whisker %s" d="M%.1f %.1fH%.1f"/>`, class, px(q.Min), y, px(q.Max))
		fmt.Fprintf(&b, `<circle class="%s" cx="%.1f" cy="%.1f" r="5"><title>%s</title></circle>`,
			class, px(q.Median), y, html.EscapeString(q.Name+": "+text))
		fmt.Fprintf(&b, `<text class="value" x="%g" y="%.1f">%s %s</text>`, comparisonRight+16, y+4, text, verdict)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // all texts in it are escaped
}

// ratioText writes two digits behind the point, unless there are enough before it.
func ratioText(v float64) string {
	if v >= 100 {
		return rateText(v)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

const (
	cannotTell = "cannot tell"
	evenSpread = 1.2 // highest ratio divided by the lowest, up to which targets count as even
)

// verdict says what a ratio means for the first target: "better" or "worse" if all
// runs agree, "even" if they do not and hardly differ, else that they cannot tell.
func (q *Ratio) verdict() string {
	switch {
	case q.Pairs < enoughRuns:
		return cannotTell
	case q.Min > 1 && q.HigherIsBetter, q.Max < 1 && !q.HigherIsBetter:
		return "better"
	case q.Max < 1 && q.HigherIsBetter, q.Min > 1 && !q.HigherIsBetter:
		return "worse"
	case q.Max > q.Min*evenSpread:
		return cannotTell
	}
	return "even"
}
