package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// aloneVariable tells a test binary in a namespace of its own where the command is.
const aloneVariable = "TEST_ALONE"

// MainAlone is Main in a network namespace that has a loopback and nothing else, if the system allows one. A browser gives up what it
// has asked for when an interface of the machine comes or goes, and those of containers and of other suites do so all the time.
func MainAlone(m *testing.M) int {
	if dir := os.Getenv(aloneVariable); dir != "" {
		use(dir)
		return m.Run()
	}
	return build(func() int {
		if alone("true").Run() != nil {
			return m.Run()
		}
		cmd := alone(os.Args...) // the command was built out here, as a build may need to download something
		cmd.Env = append(os.Environ(), aloneVariable+"="+filepath.Dir(Kuai))
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return cmd.ProcessState.ExitCode()
	})
}

// alone prepares a command in a new network namespace.
func alone(words ...string) *exec.Cmd {
	enter := []string{"--net", "sh", "-c", `ip link set lo up && exec "$@"`, "sh"}
	if os.Geteuid() != 0 {
		enter = append([]string{"--user", "--map-root-user"}, enter...)
	}
	return exec.Command("unshare", append(enter, words...)...)
}
