package wallet

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Bounds of the work that a guess of the password takes: 2^n KiB of memory, and time in proportion.
const (
	MinWork     = 10
	DefaultWork = 18 // 256 MiB, about a second: what age itself uses
	MaxWork     = 20 // a file that asks for more is refused: it could take all memory
)

// maxFile is more than a wallet's file has, and little enough to read at once.
const maxFile = 4 << 10

var (
	// ErrPassword says that a password does not open a wallet.
	ErrPassword = errors.New("the password is wrong, or the file is damaged")
	// ErrDamaged says that a file is not a wallet any more.
	ErrDamaged = errors.New("the file is damaged")
)

// seal encrypts seed with a password. The text opens with 'age -d'.
func seal(seed [SeedBytes]byte, password string, work int) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(password)
	if err != nil {
		return nil, err
	}
	if work < MinWork || work > MaxWork {
		return nil, fmt.Errorf("work %d: want %d to %d", work, MinWork, MaxWork)
	}
	recipient.SetWorkFactor(work)
	var file bytes.Buffer
	text := armor.NewWriter(&file)
	w, err := age.Encrypt(text, recipient)
	if err == nil {
		_, err = w.Write(seed[:])
	}
	if err == nil {
		err = errors.Join(w.Close(), text.Close())
	}
	return file.Bytes(), err
}

// errWhole ends the check of a header that a password may open.
var errWhole = errors.New("whole")

// passwordHeader is an age.Identity that opens nothing. It accepts a header that a password opens.
type passwordHeader struct{}

func (passwordHeader) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != "scrypt" || len(stanzas[0].Args) != 2 {
		return nil, ErrDamaged
	}
	return nil, errWhole
}

// check returns an error that wraps ErrDamaged if it can be seen without the password that none opens the file.
func check(file []byte) error {
	err := fmt.Errorf("%w: it is empty", ErrDamaged)
	if len(file) == 0 {
		return err
	}
	// age's errors quote the file, which may be a seed that was saved there by mistake.
	if _, err = age.Decrypt(dearmored(file), passwordHeader{}); !errors.Is(err, errWhole) {
		return fmt.Errorf("%w: it is not one of age that a password opens with work up to %d", ErrDamaged, MaxWork)
	}
	if _, err = io.Copy(io.Discard, dearmored(file)); err != nil {
		return fmt.Errorf("%w: its last part was changed or is missing", ErrDamaged)
	}
	return nil
}

// unseal decrypts what seal or 'age -p' made, armored or not. Errors wrap ErrPassword or ErrDamaged.
func unseal(file []byte, password string) (seed [SeedBytes]byte, err error) {
	identity, err := age.NewScryptIdentity(password)
	if err != nil {
		return seed, fmt.Errorf("%w: it is empty", ErrPassword)
	}
	if err := check(file); err != nil {
		return seed, err
	}
	identity.SetMaxWorkFactor(MaxWork)
	r, err := age.Decrypt(dearmored(file), identity)
	var none *age.NoIdentityMatchError
	switch {
	case errors.Is(err, age.ErrIncorrectIdentity) || errors.As(err, &none):
		return seed, ErrPassword
	case err != nil: // age's errors quote the file, which may be a seed that was saved there by mistake
		return seed, fmt.Errorf("%w: it is not one of age that a password opens with work up to %d", ErrDamaged, MaxWork)
	}
	text, err := io.ReadAll(io.LimitReader(r, SeedBytes+1))
	switch {
	case err != nil:
		return seed, fmt.Errorf("%w: its last part was changed or is missing", ErrDamaged)
	case len(text) != SeedBytes:
		return seed, fmt.Errorf("%w: it does not hold %d bytes", ErrDamaged, SeedBytes)
	}
	return [SeedBytes]byte(text), nil
}

// IsFile reports whether text is a wallet's file, armored or not.
func IsFile(text []byte) bool {
	return bytes.HasPrefix(text, []byte(armor.Header)) || bytes.HasPrefix(text, []byte("age-encryption.org/"))
}

func dearmored(file []byte) io.Reader {
	if bytes.HasPrefix(file, []byte(armor.Header)) {
		return armor.NewReader(bytes.NewReader(file))
	}
	return bytes.NewReader(file)
}
