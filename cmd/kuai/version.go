package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// stamped is the version where the build knows it better than its files do: -ldflags "-X main.stamped=v1.2.3".
var stamped string

// version names this build, from what the toolchain left in the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return describe(stamped, "", nil)
	}
	return describe(stamped, info.Main.Version, info.Settings)
}

func describe(stamp, module string, settings []debug.BuildSetting) string {
	if stamp != "" {
		return stamp
	}
	if module != "" && module != "(devel)" {
		return module // the toolchain has put revision and state of the work tree into it
	}
	revision, modified := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = "-" + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+dirty"
		}
	}
	return "devel" + revision + modified
}

// agent is what peers are told.
func agent() string { return "kuai/" + version() }

func versionText() string {
	return fmt.Sprintf("kuai %s (%s, %s/%s)", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionInfo is what 'kuai version' prints.
type versionInfo struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func newVersion() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if asJSON {
				return printJSON(c.OutOrStdout(), versionInfo{version(), runtime.Version(), runtime.GOOS, runtime.GOARCH})
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), versionText())
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
