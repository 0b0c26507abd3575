package invite

import (
	"bytes"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"unicode"
)

// Limits of a code.
const (
	maxLetters   = 4096 // of what Parse reads
	maxAddresses = 8
	group        = 4 // letters between two dashes
)

// Versions of the layout. A code is of the least one that can say what it says, so that older programs read it.
const (
	version      = 1
	versionLab   = 2 // with a teacher
	versionKnown = 3 // of a network that each program has, with a teacher or without
)

// Errors of Parse.
var (
	ErrMistyped = errors.New("the code has a typing error")
	ErrNewer    = errors.New("the code was made by a newer kuai: update this one")
)

// letters are Crockford's.
var letters = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Code returns the code of an invitation.
func (i Invitation) Code() (string, error) {
	body, err := i.append(nil)
	if err != nil {
		return "", err
	}
	body = binary.BigEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
	return grouped(letters.EncodeToString(body)), nil
}

// grouped puts a dash after every four letters.
func grouped(text string) string {
	var b strings.Builder
	for i, c := range text {
		if i > 0 && i%group == 0 {
			b.WriteByte('-')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// Parse reads a code as people type it. An error wraps ErrMistyped or ErrNewer, or says what in the code makes no sense.
func Parse(text string) (Invitation, error) {
	plain, err := normalize(text)
	if err != nil {
		return Invitation{}, err
	}
	body, ok := checked(plain)
	if !ok {
		return Invitation{}, fmt.Errorf("%w: %s", ErrMistyped, suspect(plain))
	}
	return read(bytes.NewReader(body))
}

// checked returns what the letters of a code hold, and whether they are right.
func checked(plain string) (body []byte, ok bool) {
	raw, err := letters.DecodeString(plain)
	if err != nil || letters.EncodeToString(raw) != plain || len(raw) < 1+crc32.Size {
		return nil, false
	}
	body = raw[:len(raw)-crc32.Size]
	return body, binary.BigEndian.Uint32(raw[len(body):]) == crc32.Checksum(body, castagnoli)
}

// maxMended bounds the letters of a code in which a single mistake is looked for: that takes 64 attempts for each.
const maxMended = 256

// suspect says what to do about a code that is wrong, and where the mistake is if it is a single one: a letter that is wrong, missing or too
// much, or two that have changed places. A wrong guess has a chance of one in some hundred thousand.
func suspect(plain string) string {
	if len(plain) <= maxMended {
		for _, try := range nearCodes(plain) {
			if _, ok := checked(try); ok {
				return differing(plain, try)
			}
		}
	}
	return fmt.Sprintf("compare its %d letters with the screen that shows it, group by group, or copy it", len(plain))
}

// differing names the first group of a code in which the right one differs, and a letter too many or missing.
func differing(plain, right string) string {
	at := 0
	for at < len(plain) && at < len(right) && plain[at] == right[at] {
		at++
	}
	ends := at == len(right) // and plain has a letter more
	if ends {
		at--
	}
	at = at / group * group
	number, want := at/group+1, right[at:min(at+group, len(right))]
	switch {
	case ends:
		return fmt.Sprintf("one letter is too many: it ends with group %d, %s", number, want)
	case len(plain) > len(right):
		return fmt.Sprintf("one letter is too many: its group %d should be %s", number, want)
	case len(plain) < len(right):
		return fmt.Sprintf("one letter is missing: its group %d should be %s", number, want)
	}
	return fmt.Sprintf("its group %d should be %s", number, want)
}

// nearCodes returns what a code would be without one mistake.
func nearCodes(plain string) (all []string) {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	for i := range len(plain) + 1 {
		before, after := plain[:i], plain[i:]
		for _, c := range alphabet {
			all = append(all, before+string(c)+after)
			if after != "" {
				all = append(all, before+string(c)+after[1:])
			}
		}
		if len(after) > 0 {
			all = append(all, before+after[1:])
		}
		if len(after) > 1 {
			all = append(all, before+after[1:2]+after[:1]+after[2:])
		}
	}
	return all
}

// normalize returns the letters of a code in their one spelling.
func normalize(text string) (string, error) {
	if len(text) > maxLetters {
		return "", fmt.Errorf("a code has at most %d letters", maxLetters)
	}
	var b strings.Builder
	for _, c := range text {
		c = unicode.ToUpper(narrow(c))
		switch {
		case unicode.IsSpace(c) || unicode.Is(unicode.Dash, c):
		case c == 'I' || c == 'L':
			b.WriteByte('1')
		case c == 'O':
			b.WriteByte('0')
		case c == 'U' || !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z'):
			return "", fmt.Errorf("%w: %q is in no code, look at it again", ErrMistyped, c)
		default:
			b.WriteRune(c)
		}
	}
	if b.Len() == 0 {
		return "", errors.New("the code is empty")
	}
	return b.String(), nil
}

// narrow returns the ASCII form of a wide character.
func narrow(c rune) rune {
	const first, last, shift = '！', '～', '！' - '!'
	if c >= first && c <= last {
		return c - shift
	}
	return c
}
