package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// localDial is how long a node on this machine may take to accept a connection.
const localDial = time.Second

// local returns the URL of the node on this machine that the flags mean: what the node.json of its directory says, as the node may
// listen on another host or on any port. Without --port a single node on another port is meant, too.
func (a *asking) local(ctx context.Context, portGiven bool) (string, error) {
	if a.port < 0 || a.port > maxPort {
		return "", fmt.Errorf("--port %d: want 0..%d", a.port, maxPort)
	}
	usual := fmt.Sprintf("http://127.0.0.1:%d", a.port)
	if found := answering(ctx, a.nodeFiles(strconv.Itoa(a.port))); len(found) > 0 && a.matches(found[0], portGiven) {
		return found[0], nil
	}
	if portGiven || a.dataDir != "" || answers(ctx, usual) {
		return usual, nil
	}
	switch found := answering(ctx, a.nodeFiles("*")); len(found) {
	case 0:
		return usual, nil
	case 1:
		return found[0], nil
	default:
		return "", fmt.Errorf("several nodes run on this machine, none on port %d: name one by -p (%s)", a.port, strings.Join(found, ", "))
	}
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

// answering returns one URL for each file whose node accepts connections. A killed node leaves its file.
func answering(ctx context.Context, files []string) (urls []string) {
	for _, file := range files {
		n, err := readNodeFile(file)
		if err != nil {
			continue
		}
		for _, api := range n.API {
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
