package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"kuai/chain/canonical"
)

// passwordFlags are where a password may come from besides the terminal. There is no flag for the password itself, as other users of a
// machine can read the arguments of its processes.
type passwordFlags struct {
	file string
	fd   int
}

func (p *passwordFlags) bind(c *cobra.Command) {
	pathVar(c.Flags(), &p.file, "password-file", "", "read the password from this `file`")
	c.Flags().IntVar(&p.fd, "password-fd", -1, "read the password from this file descriptor, a `number`")
}

// maxPassword is more than anybody types.
const maxPassword = 4 << 10

// ask returns the password of a wallet that is there.
func (p *passwordFlags) ask(c *cobra.Command) (string, error) {
	if given, err := p.given(); given != "" || err != nil {
		return given, err
	}
	return askHidden(c, "Password: ")
}

// choose returns the password for a new wallet. On the terminal it is asked for twice.
func (p *passwordFlags) choose(c *cobra.Command) (string, error) {
	if given, err := p.given(); given != "" || err != nil {
		return given, err
	}
	first, err := askHidden(c, "Password for the new wallet: ")
	if err != nil {
		return "", err
	}
	again, err := askHidden(c, "The same again: ")
	if err == nil && again != first {
		err = errors.New("the two passwords differ: nothing was changed")
	}
	return first, err
}

// given returns the password that a flag leads to, "" if no flag is set.
func (p *passwordFlags) given() (string, error) {
	var text []byte
	var err error
	switch {
	case p.file != "" && p.fd >= 0:
		return "", usageError{errors.New("--password-file and --password-fd: want one of them")}
	case p.file != "":
		if text, err = readSmallText(p.file, maxPassword); err != nil {
			return "", usageError{fmt.Errorf("--password-file: %w", err)}
		}
	case p.fd >= 0:
		if text, err = readDescriptor(p.fd); err != nil {
			return "", usageError{fmt.Errorf("--password-fd %d: %w", p.fd, err)}
		}
	default:
		return "", nil
	}
	password, err := onePassword(string(text))
	if err != nil {
		return "", usageError{err}
	}
	return password, nil
}

func readDescriptor(fd int) ([]byte, error) {
	f := os.NewFile(uintptr(fd), "password") //nolint:gosec // not negative
	if f == nil {
		return nil, errors.New("it is not open")
	}
	defer f.Close()
	text, err := readAtMost(f, maxPassword)
	if err == nil {
		text, err = canonical.DecodeText(text)
	}
	return text, err
}

// onePassword takes the end of the line off. Spaces belong to a password.
func onePassword(text string) (string, error) {
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	switch {
	case text == "":
		return "", errors.New("the password is empty: it would protect nothing")
	case strings.ContainsAny(text, "\r\n"):
		return "", errors.New("the password has several lines: want it alone")
	}
	return text, nil
}

// askHidden asks for a line on the terminal that the process belongs to, whatever its standard input is, and does not show it.
func askHidden(c *cobra.Command, question string) (string, error) {
	name := "/dev/tty"
	if runtime.GOOS == "windows" {
		name = "CONIN$"
	}
	tty, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return "", usageError{fmt.Errorf("no terminal to ask on: give --password-file FILE or --password-fd N%s", hintOfFile(c))}
	}
	defer tty.Close()
	fmt.Fprint(c.ErrOrStderr(), languageFor(c).text(question))
	text, err := readHidden(c.Context(), int(tty.Fd()))
	fmt.Fprintln(c.ErrOrStderr())
	if err != nil {
		return "", err
	}
	return onePassword(text)
}

// hintOfFile says what else a verb can be given that asks for more than a password.
func hintOfFile(c *cobra.Command) string {
	if c.Name() == "import" {
		return ", and FILE (- for standard input)"
	}
	return ""
}

// readHidden reads a line without echo. If ctx ends first, the terminal is set as it was; the read ends with the process.
func readHidden(ctx context.Context, fd int) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("the terminal: %w", err)
	}
	type answer struct {
		text []byte
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		read <- answer{text, err}
	}()
	select {
	case a := <-read:
		return string(a.text), a.err
	case <-ctx.Done():
		return "", errors.Join(errors.New("interrupted: nothing was changed"), term.Restore(fd, before))
	}
}
