package wire

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"kuai/chain/consensus"
)

// maxNameRunes is the most characters of a node's name; maxName bounds its bytes.
const maxNameRunes = 32

// CheckName returns what is wrong with the name of a node. "" means no name, and is fine.
//
// Peers show the name in terminals, logs and pages. So it has no control characters, and none that are invisible or change the order of
// the text around them.
func CheckName(name string) error {
	switch {
	case !utf8.ValidString(name):
		return errors.New("the name is not valid UTF-8")
	case len(name) > maxName || utf8.RuneCountInString(name) > maxNameRunes:
		return fmt.Errorf("the name has %d characters and %d bytes, at most %d and %d are possible",
			utf8.RuneCountInString(name), len(name), maxNameRunes, maxName)
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("the name has the character %U: only letters, digits, punctuation, symbols and the space are possible", r)
		}
	}
	return nil
}

// parseName reads the name behind the fields that every status has. What is not a name there is nobody's fault: a later version may
// have other fields.
func parseName(b []byte) string {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return ""
	}
	name := string(b[1 : 1+int(b[0])])
	if CheckName(name) != nil {
		return ""
	}
	return name
}

// parseWork reads the work behind the name. A status without it, or with other bytes there, claims none.
func parseWork(b []byte) (w consensus.Work) {
	if len(b) == 0 || len(b) < 1+int(b[0])+32 {
		return w
	}
	b = b[1+int(b[0]):]
	return consensus.WorkOf([32]byte(b[:32]))
}
