package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A setting has one name everywhere: --http-host on the command line, KUAI_HTTP_HOST in the environment, "http-host" in the
// config file. Flag beats env beats file beats default.

const envPrefix = "KUAI_"

func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// readEnv sets the flags that the command line left alone from their twins in env.
func readEnv(fs *pflag.FlagSet, env []string) error {
	var errs []error
	fs.VisitAll(func(f *pflag.Flag) {
		name := envName(f.Name)
		if value, ok := lookup(env, name); ok && !f.Changed {
			if err := fs.Set(f.Name, value); err != nil {
				errs = append(errs, fmt.Errorf("environment variable %s: %w", name, err))
			}
		}
	})
	return errors.Join(errs...)
}

// lookup returns a variable's last value in env. An empty one counts as unset, as compose files leave them.
func lookup(env []string, name string) (string, bool) {
	for _, e := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value, value != ""
		}
	}
	return "", false
}

// unknownEnv refuses variables with our prefix that no flag of the commands has.
func unknownEnv(env []string, all []*cobra.Command) error {
	known := make(map[string]bool)
	for _, c := range all {
		c.Flags().VisitAll(func(f *pflag.Flag) { known[envName(f.Name)] = true })
	}
	for _, e := range env {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, envPrefix) && !known[name] {
			return fmt.Errorf("unknown environment variable %s: each flag has a twin, see 'kuai daemon --help'", name)
		}
	}
	return nil
}

// readFile sets the flags that neither command line nor environment have set from a JSON object in the file.
func readFile(fs *pflag.FlagSet, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("config file: %w", err)
	}
	var values map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&values); err != nil {
		return fmt.Errorf("config file %s: a JSON object is wanted: %w", file, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("config file %s: a JSON object is wanted, and nothing behind it", file)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if err := setFromFile(fs, key, values[key]); err != nil {
			return fmt.Errorf("config file %s: %w", file, err)
		}
	}
	return nil
}

func setFromFile(fs *pflag.FlagSet, key string, value any) error {
	f := fs.Lookup(key)
	if f == nil || key == "config" || key == "help" {
		return fmt.Errorf("unknown key %q: see 'kuai config' for the known ones", key)
	}
	if f.Changed {
		return nil
	}
	text, err := fileValue(value)
	if err == nil {
		err = fs.Set(key, text)
	}
	if err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	return nil
}

// fileValue gives a JSON value the spelling that a flag takes.
func fileValue(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool, json.Number:
		return fmt.Sprint(v), nil
	case []any:
		var words []string
		for _, w := range v {
			s, ok := w.(string)
			if !ok {
				return "", fmt.Errorf("a list of strings is wanted, not %v in it", w)
			}
			words = append(words, s)
		}
		return strings.Join(words, ","), nil
	}
	return "", fmt.Errorf("a string, a number, true, false or a list of strings is wanted, not %v", value)
}
