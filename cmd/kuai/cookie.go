package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"kuai/chain/atomicfile"
)

// cookieName is the file in the data directory that holds the API's token while a node with --api-auth local runs. Its owner alone can
// read it, and the right to read it is the right to use the node. The verbs do so by themselves.
const cookieName = "api.cookie"

// authLocal is the value of --api-auth for it.
const authLocal = "local"

// writeCookie draws a token and puts it into dir until remove.
func writeCookie(dir string) (token string, remove func(), err error) {
	token = rand.Text()
	path := filepath.Join(dir, cookieName)
	err = atomicfile.Replace(path, 0o600, func(w io.Writer) error {
		_, err := io.WriteString(w, token+"\n")
		return err
	})
	if err != nil {
		return "", nil, fmt.Errorf("token of the API: %w", err)
	}
	return token, func() { _ = os.Remove(path) }, nil
}

// apiToken is the token that the API asks for until forget: a new one with --api-auth local, else what --api-token-file holds.
func apiToken(cfg Config, held string) (token string, forget func(), err error) {
	if cfg.APIAuth != authLocal {
		return held, func() {}, nil
	}
	return writeCookie(cfg.DataDir)
}

// checkAuth checks what the API asks callers for.
func (c *Config) checkAuth() error {
	switch {
	case c.APIAuth != "" && c.APIAuth != authLocal:
		return fmt.Errorf("--api-auth %s: want local, or leave it out", c.APIAuth)
	case c.APIAuth == "":
		return nil
	case c.APITokenFile != "":
		return errors.New("--api-auth local and --api-token-file exclude each other: local draws a token of its own")
	case c.InsecureAPI:
		return errors.New("--api-auth local and --insecure-api exclude each other: drop one of them")
	case c.Ephemeral:
		return errors.New("--api-auth local needs a data directory for its token: drop --ephemeral, or use --api-token-file")
	}
	return nil
}

// cookie returns the token of the node on this machine whose URL the verb asks, "" if it has none that this user can read. A token
// is given to no other URL than its node's own.
func (a *asking) cookie() string {
	for _, file := range a.nodeFiles("*") {
		n, err := readNodeFile(file)
		if err != nil || !a.isOneOf(n.API) {
			continue
		}
		if text, err := os.ReadFile(filepath.Join(filepath.Dir(file), cookieName)); err == nil {
			return string(bytes.TrimSpace(text))
		}
	}
	return ""
}

// isOneOf reports whether the verb asks the node at the URLs. A loopback address has many names.
func (a *asking) isOneOf(urls []string) bool {
	asked, err := url.Parse(a.api)
	if err != nil {
		return false
	}
	for _, api := range urls {
		own, err := url.Parse(api)
		if err != nil || own.Scheme != asked.Scheme {
			continue
		}
		if own.Host == asked.Host || own.Port() == asked.Port() && loopback(own.Hostname()) && asked.Hostname() == "localhost" {
			return true
		}
	}
	return false
}
