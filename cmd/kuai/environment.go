package main

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const envPrefix = "KUAI_"

func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// injected matches variables that Kubernetes sets for a service, and Docker for a linked container, whose name is kuai or
// begins with "kuai-". KUAI_PORT and KUAI_P2P_PORT are ours unless their value is a URL.
var injected = regexp.MustCompile(`(?s)^KUAI_(\w+_)?(` + strings.Join([]string{
	`SERVICE_HOST=.*`, `SERVICE_PORT(_\w+)?=.*`, `PORT=(tcp|udp|sctp)://.*`, `PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=.*`, // Kubernetes
	`NAME=/.*`, `ENV_\w+=.*`, `PORT_\d+_(TCP|UDP|SCTP)_(PORT|PROTO)_(START|END)=.*`, // Docker
}, "|") + `)$`)

// ownEnv splits env into what may be ours, and the names of what others injected.
func ownEnv(env []string) (own, foreign []string) {
	for _, e := range env {
		if injected.MatchString(e) {
			name, _, _ := strings.Cut(e, "=")
			foreign = append(foreign, name)
		} else {
			own = append(own, e)
		}
	}
	return own, foreign
}

// readEnv sets the flags that the command line left alone from their twins in env.
func readEnv(fs *pflag.FlagSet, env []string) error {
	var errs []error
	fs.VisitAll(func(f *pflag.Flag) {
		name := envName(f.Name)
		if value, ok := lookup(env, name); ok && !f.Changed && isSetting(f) {
			if err := fs.Set(f.Name, value); err != nil {
				errs = append(errs, fmt.Errorf("environment variable %s: %w", name, plainFlagError(err)))
			}
		}
	})
	return errors.Join(errs...)
}

// isSetting reports whether a flag has twins in the environment and in the config file.
func isSetting(f *pflag.Flag) bool { return f.Name != "help" && f.Name != "version" }

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
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if isSetting(f) {
				known[envName(f.Name)] = true
			}
		})
	}
	for _, e := range env {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, envPrefix) && !known[name] {
			return fmt.Errorf("unknown environment variable %s%s: each flag has a twin, see 'kuai daemon --help'",
				name, didYouMean(name, slices.Sorted(maps.Keys(known))))
		}
	}
	return nil
}
