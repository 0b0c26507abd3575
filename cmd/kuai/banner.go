package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// announce writes node.json and prints the banner, its last line "ready": a program that sees either can connect. A node runs
// without a reader of its banner, too. gone takes node.json away.
func announce(out io.Writer, cfg Config, n nodeFile, height int64) (gone func(), err error) {
	gone = func() {}
	if !cfg.Ephemeral {
		if gone, err = n.write(cfg.DataDir); err != nil {
			return nil, err
		}
	}
	if cfg.json {
		_ = json.NewEncoder(out).Encode(n)
		return gone, nil
	}
	_, _ = io.WriteString(out, banner(cfg, n, height)+advice(cfg, n)+"ready\n")
	return gone, nil
}

// banner is the first screen: who this node is, and where it can be reached.
func banner(cfg Config, n nodeFile, height int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kuai 块 %s\n\n", n.Version)
	line := func(name, value string) { fmt.Fprintf(&b, "  %s%s\n", cfg.lang.label(name), value) }
	line("network", cfg.lang.text(fmt.Sprintf("%s (%s), at block %d", n.Network, n.NetworkID, height)))
	line("address", peerText(n.PeerID, cfg.Name))
	for i, a := range n.Addresses {
		line([]string{"peers", ""}[min(i, 1)], a)
	}
	if cfg.NAT {
		line("outside", cfg.lang.text("'kuai status' shows whether this node can be dialled from outside, once a peer has tried"))
	}
	if cfg.rewards != n.PeerID && cfg.rewards != "" {
		line("rewards", cfg.rewards)
	}
	line("page", page(cfg, n))
	line("data", dataText(cfg))
	if cfg.joined != nil {
		line("invite", cfg.lang.text("'kuai invite' shows the code for others"))
	}
	if cfg.APIAuth == authLocal {
		line("password", cfg.lang.text("in "+filepath.Join(cfg.DataDir, cookieName))) // a browser asks for it
	}
	b.WriteByte('\n')
	return b.String()
}

// page is the URL to open in a browser.
func page(cfg Config, n nodeFile) string {
	if cfg.PublicURL != "" {
		return strings.TrimRight(cfg.PublicURL, "/") + "/"
	}
	return n.API[0] + "/"
}

// advice is what to type next. In a container nobody types.
func advice(cfg Config, n nodeFile) string {
	if inContainer() {
		return ""
	}
	return fmt.Sprintf("%s\n\n  %s\n\n", cfg.lang.text(where(cfg)+":"), second(cfg, n, isFree))
}

func dataText(cfg Config) string {
	if cfg.Ephemeral {
		return cfg.lang.text("in memory, gone when this process ends")
	}
	return cfg.DataDir
}

// where says where the command of second is for.
func where(cfg Config) string {
	if loopback(cfg.HTTPHost) {
		return "A second node, in another terminal"
	}
	return "A second node, where this one can be reached"
}

// second is the command line of a node that joins this one: on this machine, or anywhere where this one serves others.
func second(cfg Config, n nodeFile, free func(port int) bool) string {
	words := startWords(cfg)
	if loopback(cfg.HTTPHost) {
		words = append(words, "-p", strconv.Itoa(nextPort(cfg, free)))
		if cfg.Port == 0 && !cfg.Ephemeral {
			words = append(words, "--data-dir", cfg.DataDir+"-2") // the usual one goes by the port
		}
	} else {
		words = append(words, "--peer", reachable(n.Addresses))
	}
	words = append(words, networkWords(cfg)...)
	if cfg.Ephemeral {
		words = append(words, "--ephemeral")
	}
	if loopback(cfg.HTTPHost) && !cfg.MDNS {
		words = append(words, "--peer", joinAddress(cfg, n))
	}
	return program(os.Executable()) + commandLine(words)
}

// startWords are the verb that starts a node of cfg's network, with its code unless it finds that by itself.
func startWords(cfg Config) []string {
	switch {
	case cfg.joined == nil:
		return []string{"daemon"}
	case !cfg.Ephemeral && slices.Contains(cfg.Derived, "data-dir"):
		return []string{"join"}
	}
	code, _ := cfg.joined.Code() // it was read
	return []string{"join", code}
}

// networkWords are the flags that name cfg's network.
func networkWords(cfg Config) (words []string) {
	if cfg.joined != nil {
		return nil
	}
	if cfg.Network != classic {
		words = append(words, "--network", cfg.Network)
	}
	if cfg.SwarmKeyFile != "" {
		words = append(words, "--swarm-key", cfg.SwarmKeyFile)
	}
	return words
}

// joinAddress is what another node of this machine is told. One that asks for a token does not say by HTTP who it is.
func joinAddress(cfg Config, n nodeFile) string {
	if cfg.APIAuth == authLocal {
		return reachable(n.Addresses)
	}
	return n.API[0]
}

// reachable picks the first multiaddr that others can use, else the first.
func reachable(addresses []string) string {
	for _, a := range addresses {
		if !strings.HasPrefix(a, "/ip4/127.") && !strings.HasPrefix(a, "/ip6/::1/") {
			return a
		}
	}
	return strings.Join(addresses[:min(1, len(addresses))], "")
}

// commandLine is what stands behind the program, for a shell.
func commandLine(words []string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(" " + quote(w))
	}
	return b.String()
}

// quote is a word as a shell takes it.
func quote(word string) string {
	special := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:,+@", r) && r != os.PathSeparator
	}
	switch {
	case word != "" && !strings.ContainsFunc(word, special):
		return word
	case runtime.GOOS == "windows":
		return `"` + word + `"` // no name there holds one
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// program is what this program is called by, for people to type again.
func program(executable string, err error) string {
	if err == nil && strings.Contains(executable, "go-build") { // go run's directory
		return "go run ./cmd/kuai"
	}
	return quote(os.Args[0])
}
