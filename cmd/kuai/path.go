package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// pathValue is a flag's value that names a file or directory. A leading ~ is the home directory, also when no shell has seen it:
// in the environment, in a file, behind "=".
type pathValue string

// pathVar declares a flag with a path.
func pathVar(fs *pflag.FlagSet, p *string, name, usual, usage string) {
	*p = usual
	fs.Var((*pathValue)(p), name, usage)
}

func (p *pathValue) Set(text string) error {
	rest, home := strings.CutPrefix(text, "~")
	if home && (rest == "" || os.IsPathSeparator(rest[0])) {
		dir, err := os.UserHomeDir()
		if err != nil {
			return fmt.Errorf("no home directory for the ~: %w", err)
		}
		text = filepath.Join(dir, rest)
	}
	*p = pathValue(text)
	return nil
}

func (p *pathValue) String() string { return string(*p) }

// Type makes the help show it as a string.
func (p *pathValue) Type() string { return "string" }
