package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// derivedKey is the key of the config file with the settings that 'kuai config' has worked out from others. They are not read
// back: with another --port or --network, they are worked out anew.
const derivedKey = "derived"

// derivable are the settings that resolve fills in.
var derivable = []string{"p2p-port", "listen", "data-dir"}

// dropDerived takes the settings that are marked as derived out of a config file's values.
func dropDerived(values map[string]any) error {
	marked, ok := values[derivedKey]
	if !ok {
		return nil
	}
	delete(values, derivedKey)
	names, ok := marked.([]any)
	if !ok {
		return errors.New("key \"derived\": want a list of settings")
	}
	for _, name := range names {
		key, ok := name.(string)
		if !ok || !slices.Contains(derivable, key) {
			return fmt.Errorf("key \"derived\": want some of %s, not %v", strings.Join(derivable, ", "), name)
		}
		delete(values, key)
	}
	return nil
}
