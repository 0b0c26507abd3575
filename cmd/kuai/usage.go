package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// arguments accepts from least to most words behind a verb.
func arguments(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, words []string) error {
		n := len(words)
		var want string
		switch {
		case n >= least && n <= most:
			return nil
		case most == 0:
			want = fmt.Sprintf("%q: want no arguments", words[0])
		case least == most:
			want = fmt.Sprintf("want %s, got %d", count(least, "argument"), n)
		default:
			want = fmt.Sprintf("want at most %s, got %d", count(most, "argument"), n)
		}
		return fmt.Errorf("%s\nUsage: %s", want, c.UseLine())
	}
}

// knownVerb refuses a word that names no verb.
func knownVerb(c *cobra.Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	var verbs []string
	for _, v := range c.Commands() {
		verbs = append(verbs, v.Name())
	}
	return fmt.Errorf("unknown command %q%s", words[0], didYouMean(words[0], verbs))
}

// negative is the annotation of a verb with what its numbers are, as a word like -3 is read as a flag.
const negative = "negative"

// flagError says what is wrong with the flags of c in words of our own.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return plainFlagError(err)
	}
	if short := unknown.GetSpecifiedShortnames(); short != "" {
		switch {
		case unicode.IsDigit(rune(short[0])) || short[0] == '.':
			return fmt.Errorf("-%s: %s\nUsage: %s", short, negativeText(c), c.UseLine())
		case c.Flags().Lookup(short) != nil:
			return fmt.Errorf("unknown flag -%s (did you mean --%s?)", short, short)
		}
		return fmt.Errorf("unknown flag -%s: words that begin with - go behind --", short)
	}
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	name := "--" + unknown.GetSpecifiedName()
	return fmt.Errorf("unknown flag: %s%s", name, didYouMean(name, known))
}

func negativeText(c *cobra.Command) string {
	if text := c.Annotations[negative]; text != "" {
		return text
	}
	return "words that begin with - go behind --"
}

// plainFlagError takes the words of strconv out of an error about a flag's value.
func plainFlagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	f := invalid.GetFlag()
	want := strings.TrimSpace(errors.Unwrap(invalid).Error())
	switch f.Value.Type() {
	case "int", "int64", "uint64":
		want = "want a whole number"
	case "bool":
		want = "want true or false"
	case "duration":
		want = "want a time, as 30s or 2m"
	case "stringSlice":
		want = "want words with commas between them, quoted as CSV if they hold one"
	}
	return fmt.Errorf("--%s %q: %s", f.Name, invalid.GetValue(), want)
}

// count is a number of things: "1 block", "2 blocks".
func count[N int | int64](n N, thing string) string {
	text := strconv.FormatInt(int64(n), 10) + " " + thing
	if n != 1 {
		text += "s"
	}
	return text
}

// newHelp makes the verb that explains another one. Cobra's own ends with 0 if there is none of that name.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]...",
		Short:   "Explain a command",
		Example: "  kuai help mine\n  kuai help wallet new",
		Args:    cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, words []string) error {
			about, rest, err := c.Root().Find(words)
			switch {
			case err != nil: // the first word names none
				return usageError{knownVerb(c.Root(), words)}
			case len(rest) > 0 && about.HasSubCommands():
				return usageError{knownVerb(about, rest)}
			case len(rest) > 0:
				return usageError{fmt.Errorf("%q: '%s' has no commands below it", rest[0], about.CommandPath())}
			}
			return about.Help()
		},
	}
}
