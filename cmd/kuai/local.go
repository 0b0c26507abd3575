package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// localDial is how long a node on this machine may take to accept a connection.
const localDial = time.Second

// local returns the URL of the node on this machine that the flags mean, as the node says it itself: it may listen on another host or
// on any port. Without --port and --data-dir it is the only node of this user that runs, or that on the usual port if there are several.
func (a *asking) local(ctx context.Context, portGiven bool) (string, error) {
	if a.port < 0 || a.port > maxPort {
		return "", fmt.Errorf("--port %d: want 0..%d", a.port, maxPort)
	}
	usual := fmt.Sprintf("http://127.0.0.1:%d", a.port)
	if a.dataDir != "" || portGiven {
		found := answering(ctx, readNodeFiles(a.nodeFiles(strconv.Itoa(a.port))))
		if a.dataDir == "" {
			found = append(found, answering(ctx, runningAPIs())...)
		}
		for _, api := range found {
			if a.matches(api, portGiven) {
				return api, nil
			}
		}
		return usual, nil
	}
	found := answering(ctx, append(readNodeFiles(a.nodeFiles("*")), runningAPIs()...))
	switch {
	case len(found) == 0:
		return usual, nil
	case len(found) == 1:
		return found[0], nil
	}
	for _, api := range found {
		if a.matches(api, true) {
			return api, nil
		}
	}
	return "", fmt.Errorf("several nodes run on this machine, none on port %d: name one by -p (%s)", a.port, strings.Join(found, ", "))
}

// runningAPIs returns the URLs of each node of this user that runs.
func runningAPIs() (apis [][]string) {
	for _, n := range allRunning() {
		apis = append(apis, n.API)
	}
	return apis
}

// nodeFiles lists the node files of --data-dir, or else of the directories that nodes on port have on any network.
func (a *asking) nodeFiles(port string) []string {
	if a.dataDir != "" {
		return []string{filepath.Join(a.dataDir, nodeFileName)}
	}
	home, err := dataHome()
	if err != nil {
		return nil
	}
	files, _ := filepath.Glob(filepath.Join(home, "kuai", "*", port, nodeFileName)) // a home with a * in its name has none
	return files
}

// matches reports whether a node at the URL is on the port that was given, if one was.
func (a *asking) matches(api string, portGiven bool) bool {
	u, err := url.Parse(api)
	return err == nil && (!portGiven || a.port == 0 || u.Port() == strconv.Itoa(a.port))
}

// readNodeFiles returns the URLs that each file has. A killed node leaves its file.
func readNodeFiles(files []string) (apis [][]string) {
	for _, file := range files {
		if n, err := readNodeFile(file); err == nil {
			apis = append(apis, n.API)
		}
	}
	return apis
}

// answering returns one URL of each node that accepts connections, each once.
func answering(ctx context.Context, apis [][]string) (urls []string) {
	for _, node := range apis {
		for _, api := range node {
			if slices.Contains(urls, api) {
				break
			}
			if answers(ctx, api) {
				urls = append(urls, api)
				break
			}
		}
	}
	return urls
}

// answers reports whether a connection to the URL's host can be made.
func answers(ctx context.Context, api string) bool {
	u, err := url.Parse(api)
	if err != nil {
		return false
	}
	c, err := (&net.Dialer{Timeout: localDial}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// checkAPI returns the URL that --api names.
func checkAPI(api string) (string, error) { return checkURL("--api", api) }

// checkURL returns the URL that a flag or argument names: with http:// before it if nothing was said.
func checkURL(what, api string) (string, error) {
	if !strings.Contains(api, "://") {
		api = "http://" + api
	}
	u, err := url.Parse(api)
	if err == nil && ((u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "") {
		err = errors.New("it names no http host")
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: want a URL, as http://127.0.0.1:5000", what, api)
	}
	return api, nil
}
