package report

import (
	"fmt"
	"math"
	"strings"
)

// The size of a chart and of the margins around its plot, in the units of its viewBox.
const (
	chartWidth, chartHeight               = 560, 300
	leftEdge, rightEdge, topEdge, lowEdge = 58, chartWidth - 12, 10, chartHeight - 44
)

// chart is a line chart ready to draw.
type chart struct {
	Title, Note    string
	XTitle, YTitle string
	XTicks, YTicks []tick
	Bands          []band
	Lines          []line
	Legend         []line // a line's look and label; empty where one line needs no name
}

// band shades a stretch of the x axis.
type band struct {
	X, Width float64
	Title    string
}

// line is one curve.
type line struct {
	Color string // class of the colour: c0…c7 by series, q0…q7 by order
	Dash  string // class of the stroke: solid, dash, dot, dashdot
	Label string
	Path  string // in SVG's path language
	Bars  string // whiskers, likewise
	Marks []mark
	Shape string // of its marks, for the legend
}

// mark is a measured point.
type mark struct {
	Path  string
	Title string // shown under the pointer
}

var dashes = []string{"solid", "dash", "dot", "dashdot"}

// Box is what the template needs of the frame.
func (chart) Box() map[string]int {
	return map[string]int{"Width": chartWidth, "Height": chartHeight, "Left": leftEdge, "Right": rightEdge, "Top": topEdge, "Low": lowEdge,
		"PlotHeight": lowEdge - topEdge, "MidX": (leftEdge + rightEdge) / 2, "MidY": (topEdge + lowEdge) / 2, "XTitleY": chartHeight - 8, "XLabelY": lowEdge + 17}
}

// path draws through the points in order, with a gap where y is not known.
func path(x, y []float64, sx, sy scale) string {
	var b strings.Builder
	pen := "M"
	for i := range x {
		if math.IsNaN(y[i]) || math.IsInf(y[i], 0) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", pen, sx.at(x[i]), sy.at(y[i]))
		pen = "L"
	}
	return b.String()
}

// whisker draws a bar of one standard deviation up and down.
func whisker(x, y, sd float64, sx, sy scale) string {
	if math.IsNaN(sd) || sd == 0 {
		return ""
	}
	px, low, high := sx.at(x), sy.at(max(y-sd, sy.min)), sy.at(min(y+sd, sy.max))
	return fmt.Sprintf("M%.1f %.1fV%.1fM%.1f %.1fh6M%.1f %.1fh6", px, low, high, px-3, low, px-3, high)
}

// shape draws the mark of series i around a place: disc, square, triangle or diamond, so that colour is not all that
// tells series apart.
func shape(i int, x, y float64) string {
	switch i % 4 {
	case 1:
		return fmt.Sprintf("M%.1f %.1fh7v7h-7z", x-3.5, y-3.5)
	case 2:
		return fmt.Sprintf("M%.1f %.1fl4.2 7.4h-8.4z", x, y-4.6)
	case 3:
		return fmt.Sprintf("M%.1f %.1fl4.6 4.6l-4.6 4.6l-4.6 -4.6z", x, y-4.6)
	}
	return fmt.Sprintf("M%.1f %.1fa3.7 3.7 0 1 0 7.4 0a3.7 3.7 0 1 0 -7.4 0z", x-3.7, y)
}

// The scales of the axes over a range of values. Loads are mostly swept by doubling, and so turn logarithmic sooner.
func loads(low, high float64) scale      { return fit(low, high, 6, leftEdge, rightEdge) }
func horizontal(low, high float64) scale { return fit(low, high, 8, leftEdge, rightEdge) }

// vertical is the scale of what is measured. Rates always stand from 0, so that twice as high is twice as much.
func vertical(k kind, low, high float64) scale {
	times := 30.0
	if k == rate {
		times = math.Inf(1)
	}
	return fit(low, high, times, lowEdge, topEdge)
}

// axisTitle names what an axis has, and that its steps are factors.
func axisTitle(name string, s scale) string {
	if s.log {
		return name + " (log)"
	}
	return name
}
