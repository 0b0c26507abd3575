package invite

import (
	"fmt"
	"strings"

	goqr "github.com/piglig/go-qr"
)

// quiet is the white edge that a reader needs, in modules.
const quiet = 2

// QR is a QR code: Dark tells which of its Size × Size modules are dark, the white edge included.
type QR struct {
	Size int
	dark [][]bool
}

// NewQR makes the QR code of a text. A text that is too long for one is an error.
func NewQR(text string) (QR, error) {
	code, err := goqr.EncodeText(text, goqr.Low)
	if err != nil {
		return QR{}, fmt.Errorf("QR code: %w", err)
	}
	q := QR{Size: code.Size() + 2*quiet}
	for y := range q.Size {
		q.dark = append(q.dark, make([]bool, q.Size))
		for x := range q.Size {
			inside := min(x, y) >= quiet && max(x, y) < q.Size-quiet
			q.dark[y][x] = inside && code.Module(x-quiet, y-quiet)
		}
	}
	return q, nil
}

// Dark reports whether a module is dark.
func (q QR) Dark(x, y int) bool { return y < q.Size && q.dark[y][x] }

// Path is the dark modules as the path of an SVG image, whose viewBox is "0 0 Size Size".
func (q QR) Path() string {
	var b strings.Builder
	for y := range q.Size {
		for x := 0; x < q.Size; x++ {
			from := x
			for x < q.Size && q.dark[y][x] {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from, y, x-from, x-from)
			}
		}
	}
	return b.String()
}

// Colours of a terminal: black on white, whatever the terminal's own are.
const (
	blackOnWhite = "\x1b[30;107m"
	usualColours = "\x1b[0m"
)

// Terminal is the code as lines of text, two rows of modules in each.
func (q QR) Terminal() string {
	blocks := map[[2]bool]string{{false, false}: " ", {true, false}: "▀", {false, true}: "▄", {true, true}: "█"}
	var b strings.Builder
	for y := 0; y < q.Size; y += 2 {
		b.WriteString(blackOnWhite)
		for x := range q.Size {
			b.WriteString(blocks[[2]bool{q.Dark(x, y), q.Dark(x, y+1)}])
		}
		b.WriteString(usualColours + "\n")
	}
	return b.String()
}
