package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/pnet"

	"kuai/chain/canonical"
	"kuai/rpc"
)

// secrets are what the files hold that the settings only name.
type secrets struct {
	swarmKey []byte // nil: none
	token    string // "": none
	webhook  []byte // nil: none
}

func readSecrets(cfg Config) (s secrets, err error) {
	if s.swarmKey, err = readSwarmKey(cfg.SwarmKeyFile); err == nil {
		s.token, err = readToken(cfg.APITokenFile)
	}
	if err == nil {
		s.webhook, err = readWebhookSecret(cfg.WebhookSecretFile)
	}
	return s, err
}

// readText reads a file in any encoding that editors save JSON in.
func readText(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err == nil {
		text, err = canonical.DecodeText(text)
	}
	return text, fileError(file, err)
}

// fileError says in words that a file is a directory.
func fileError(file string, err error) error {
	if info, statErr := os.Stat(file); err != nil && statErr == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory: name a file", file)
	}
	return err
}

// readSecret returns the contents of the file that a flag names, nil if it names none. An empty file protects nothing.
func readSecret(flag, file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	text, err := readText(file)
	switch {
	case err != nil:
		return nil, usageError{fmt.Errorf("%s %s: %w", flag, file, err)}
	case len(bytes.TrimSpace(text)) == 0:
		return nil, usageError{fmt.Errorf("%s: %s is empty", flag, file)}
	}
	return text, nil
}

// readSwarmKey returns the contents of a file that holds a swarm key, nil if no file is named.
func readSwarmKey(file string) ([]byte, error) {
	text, err := readSecret("--swarm-key", file)
	if text == nil || err != nil {
		return nil, err
	}
	if _, err := pnet.DecodeV1PSK(bytes.NewReader(text)); err != nil {
		return nil, usageError{fmt.Errorf("--swarm-key %s: want /key/swarm/psk/1.0.0/, /base16/ and 64 hex digits, a line each: %w", file, err)}
	}
	return text, nil
}

// readWebhookSecret returns the secret in a file that signs webhooks, nil if no file is named.
func readWebhookSecret(file string) ([]byte, error) {
	text, err := readSecret("--webhook-secret", file)
	if text == nil || err != nil {
		return nil, err
	}
	secret, err := rpc.ParseWebhookSecret(string(text))
	if err != nil {
		return nil, usageError{fmt.Errorf("--webhook-secret %s: %w", file, err)}
	}
	return secret, nil
}

// readToken returns the token that a file holds, "" if no file is named.
func readToken(file string) (string, error) {
	text, err := readSecret("--api-token-file", file)
	if text == nil || err != nil {
		return "", err
	}
	token := string(bytes.TrimSpace(text))
	if err = checkToken(token); err == nil {
		err = checkMark(file)
	}
	if err != nil {
		return "", usageError{fmt.Errorf("--api-token-file %s: %w", file, err)}
	}
	return token, nil
}

// checkMark refuses a token with zero bytes in a file without a byte order mark: they make any text look like UTF-16.
func checkMark(file string) error {
	raw, err := os.ReadFile(file)
	marked := slices.ContainsFunc([]string{"\xff\xfe", "\xfe\xff", "\x00\x00\xfe\xff"}, func(mark string) bool { return bytes.HasPrefix(raw, []byte(mark)) })
	if err == nil && !marked && bytes.IndexByte(raw, 0) >= 0 {
		err = errControl(0)
	}
	return err
}

func errControl(c rune) error {
	return fmt.Errorf("it holds the control character %U: want the token as plain text", c)
}

// maxToken keeps a token far below what servers take as headers.
const maxToken = 4096

// checkToken refuses a token that no header can carry.
func checkToken(token string) error {
	switch {
	case len(token) > maxToken:
		return fmt.Errorf("it has %d bytes: want one line of at most %d", len(token), maxToken)
	case !utf8.ValidString(token):
		return errors.New("it is not text in UTF-8")
	}
	for _, c := range token {
		switch {
		case c == '\n' || c == '\r' || c == '\u2028' || c == '\u2029':
			return errors.New("it has several lines: want the token alone")
		case unicode.IsControl(c) || c == '\ufeff':
			return errControl(c)
		}
	}
	return nil
}
