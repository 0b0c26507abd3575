package main

import "os"

// inContainer reports whether this process seems to run in a container, where a person types no commands next to it.
func inContainer() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} { // Docker's and Podman's
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}
