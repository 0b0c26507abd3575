package consensus_test

import (
	"flag"
	"fmt"
	"math"
	"strings"
)

var plot = flag.String("plot", "", "where TestDayOfMiners writes its picture")

// Measures of the picture, in pixels.
const (
	plotWidth, plotHeight = 880, 470
	plotLeft, plotRight   = 64, 856
)

// panel is one of the two diagrams of a picture, over the hours of a day.
type panel struct {
	top, bottom float64
	low, high   float64
	y           func(value float64) float64 // what the scale is linear in
}

func (p panel) at(hour, value float64) string {
	x := plotLeft + hour/24*(plotRight-plotLeft)
	y := p.bottom - (p.y(value)-p.y(p.low))/(p.y(p.high)-p.y(p.low))*(p.bottom-p.top)
	return fmt.Sprintf("%.1f,%.1f", x, min(max(y, p.top), p.bottom))
}

// line returns the points of a value over the day.
func (p panel) line(day []sample, value func(sample) float64) string {
	points := make([]string, len(day))
	for i, s := range day {
		points[i] = p.at(min(s.hour, 24), value(s))
	}
	return strings.Join(points, " ")
}

// steps is line for a value that stays as it is until it changes.
func (p panel) steps(day []sample, value func(sample) float64) string {
	points := []string{p.at(0, value(day[0]))}
	for i := 1; i < len(day); i++ {
		if before, now := value(day[i-1]), value(day[i]); before != now {
			points = append(points, p.at(day[i].hour, before), p.at(day[i].hour, now))
		}
	}
	return strings.Join(append(points, p.at(24, value(day[len(day)-1]))), " ")
}

// grid draws the lines of the scale, with their values.
func (p panel) grid(out *strings.Builder, title string, marks ...string) {
	fmt.Fprintf(out, `<text class="title" x="%d" y="%.0f">%s</text>`+"\n", plotLeft, p.top-16, title)
	for _, mark := range marks {
		var value float64
		_, _ = fmt.Sscan(mark, &value)
		x, y, _ := strings.Cut(p.at(0, value), ",")
		fmt.Fprintf(out, `<path class="grid" d="M%s %sH%d"/><text class="mark" x="%d" y="%s" dy="4">%s</text>`+"\n", x, y, plotRight, plotLeft-8, y, mark)
	}
}

// drawDay returns a picture of a day as SVG.
func drawDay(day []sample) string {
	out := new(strings.Builder)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">
<title>A day on which miners join and leave: the tries that a proof takes follow the miners, and a block takes 10 seconds</title>
<style>
text{font:13px system-ui,sans-serif;fill:#57606a}.title{font-size:14px;font-weight:600;fill:#1f2328}.mark{text-anchor:end}.hour{text-anchor:middle}
.grid{stroke:#d8dee4;fill:none}.miners{stroke:#e0913a;stroke-width:2;fill:none}.tries{stroke:#1f5fbf;stroke-width:1.5;fill:none;stroke-linejoin:round}
.block{stroke:#2a7d46;stroke-width:2;fill:none}.key3{fill:#2a7d46;font-weight:600}.key1{fill:#b0641a;font-weight:600}.key2{fill:#1f5fbf;font-weight:600}
</style>
<rect width="%[1]d" height="%[2]d" fill="#fff"/>
`, plotWidth, plotHeight)
	above := panel{48, 238, 1.0 / 8, 8, math.Log2}
	above.grid(out, "Difficulty follows the miners (1: as at the start)", "0.125", "0.25", "0.5", "1", "2", "4", "8")
	fmt.Fprintf(out, `<text x="%d" y="%.0f" text-anchor="end"><tspan class="key1">miners</tspan> · <tspan class="key2">tries that a proof takes</tspan></text>`+"\n", plotRight, above.top-16)
	fmt.Fprintf(out, `<polyline class="miners" points="%s"/>`+"\n", above.steps(day, func(s sample) float64 { return s.miners }))
	fmt.Fprintf(out, `<polyline class="tries" points="%s"/>`+"\n", above.line(day, func(s sample) float64 { return s.tries }))
	below := panel{294, 424, 0, 60, func(value float64) float64 { return value }}
	below.grid(out, "Seconds that a block took, mean of the last 20", "0", "20", "40", "60")
	fmt.Fprintf(out, `<text x="%d" y="%.0f" text-anchor="end"><tspan class="key3">block time: 10 s</tspan></text>`+"\n", plotRight, below.top-16)
	fmt.Fprintf(out, `<polyline class="block" points="%s %s"/>`+"\n", below.at(0, 10), below.at(24, 10))
	fmt.Fprintf(out, `<polyline class="tries" points="%s"/>`+"\n", below.line(day, func(s sample) float64 { return s.blockSeconds }))
	for hour := 0; hour <= 24; hour += 3 {
		x, _, _ := strings.Cut(below.at(float64(hour), 0), ",")
		fmt.Fprintf(out, `<text class="hour" x="%s" y="%.0f">%d h</text>`+"\n", x, below.bottom+24, hour)
	}
	return out.String() + "</svg>\n"
}
