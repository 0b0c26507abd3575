package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// A setting has one name everywhere: --http-host on the command line, KUAI_HTTP_HOST in the environment, "http-host" in the
// config file. Flag beats env beats file beats default.

// readFile sets the flags that neither command line nor environment have set from a JSON object in the file.
func readFile(fs *pflag.FlagSet, file string) error {
	text, err := readText(file)
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
	if err := dropDerived(values); err != nil {
		return fmt.Errorf("config file %s: %w", file, err)
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
	if f == nil || key == "config" || !isSetting(f) {
		var known []string
		fs.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		return fmt.Errorf("unknown key %q%s: see 'kuai config' for the known ones", key, didYouMean(key, known))
	}
	if f.Changed {
		return nil
	}
	text, err := fileValue(value)
	if err == nil {
		err = fs.Set(key, text)
	}
	if err != nil {
		return fmt.Errorf("key %q: %w", key, plainFlagError(err))
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
