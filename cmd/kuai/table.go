package main

import (
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// table writes lines whose cells, each but the last of a line ended by a tab, stand below each other. It counts columns of a terminal and not
// runes, so that 爱丽丝 takes six. Nothing is written before Flush.
type table struct {
	w    io.Writer
	text strings.Builder
}

func newTable(w io.Writer) *table { return &table{w: w} }

// Write implements io.Writer.
func (t *table) Write(p []byte) (int, error) { return t.text.Write(p) }

// Flush writes what the table has.
func (t *table) Flush() error {
	lines := strings.SplitAfter(t.text.String(), "\n")
	var widths []int
	for _, line := range lines {
		for i, cell := range aligned(line) {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	var out strings.Builder
	for _, line := range lines {
		cells := aligned(line)
		var filled strings.Builder
		for i, cell := range cells {
			filled.WriteString(cell)
			filled.WriteString(strings.Repeat(" ", widths[i]+2-runewidth.StringWidth(cell)))
		}
		if last := line[len(strings.Join(cells, "\t"))+min(len(cells), 1):]; last == "\n" {
			out.WriteString(strings.TrimRight(filled.String(), " ") + last)
		} else {
			out.WriteString(filled.String() + last)
		}
	}
	t.text.Reset()
	_, err := io.WriteString(t.w, out.String())
	return err
}

// aligned returns the cells of a line that others stand below: all but the last.
func aligned(line string) []string {
	cells := strings.Split(line, "\t")
	return cells[:len(cells)-1]
}
