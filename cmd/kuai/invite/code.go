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

// version is the one that this program writes. Another one has another layout.
const version = 1

// Errors of Parse.
var (
	ErrMistyped = errors.New("the code has a typing error: compare it letter by letter, or copy it")
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
	raw, err := letters.DecodeString(plain)
	if err != nil || letters.EncodeToString(raw) != plain || len(raw) < 1+crc32.Size {
		return Invitation{}, fmt.Errorf("%w (it has %d letters)", ErrMistyped, len(plain))
	}
	body := raw[:len(raw)-crc32.Size]
	if binary.BigEndian.Uint32(raw[len(body):]) != crc32.Checksum(body, castagnoli) {
		return Invitation{}, fmt.Errorf("%w (it has %d letters)", ErrMistyped, len(plain))
	}
	return read(bytes.NewReader(body))
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
			return "", fmt.Errorf("%w (%q is in no code)", ErrMistyped, c)
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
