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

// CheckName returns an error if name is not a valid name of a node. "", no name, is valid.
//
// Peers show the name in terminals, logs and pages, so it must not have control characters, invisible ones, or
// ones that change the order of the text around them.
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

// parseName parses the name after the fields that every status has. Anything else there is not an error: a
// later version may have other fields.
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

// parseWork parses the work after the name. A status without it claims none.
func parseWork(b []byte) (w consensus.Work) {
	if len(b) == 0 || len(b) < 1+int(b[0])+32 {
		return w
	}
	b = b[1+int(b[0]):]
	return consensus.WorkOf([32]byte(b[:32]))
}
