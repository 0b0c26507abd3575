package wallet_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"kuai/chain/wallet"
	"log/slog"
	"os"
	"strings"
	"testing"
)

// TestKeysAreNotPrinted formats keys, and values that hold them, in every way, and greps for the secret.
func TestKeysAreNotPrinted(t *testing.T) {
	key := newKey(t)
	seed := key.Seed()
	nested := struct {
		Exported wallet.Key
		hidden   wallet.Key
		pointer  *wallet.Key
	}{key, key, &key}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%b", "%o", "%T", "%08d", "% x"} {
		for _, v := range []any{key, &key, nested, &nested, []wallet.Key{key}, []*wallet.Key{&key}, map[string]wallet.Key{"a": key}, wallet.Key{}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	fmt.Fprintln(&out, key, &key, nested)
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("key", "key", key, "nested", nested)
	slog.New(slog.NewTextHandler(&out, nil)).Info("key", "key", key, "nested", nested)
	for _, v := range []any{key, nested, map[string]any{"key": key}} {
		if text, err := json.Marshal(v); err == nil {
			t.Errorf("encoded as %s", text)
		}
	}
	findsNoSecret(t, out.String(), seed)
	if !strings.Contains(out.String(), "key of "+key.Address().String()) || !strings.Contains(out.String(), "no key") {
		t.Errorf("printed:\n%s", out.String())
	}
}

// findsNoSecret greps text for the seed in the forms that formatting gives bytes.
func findsNoSecret(t *testing.T, text string, seed [wallet.SeedBytes]byte) {
	t.Helper()
	decimal := strings.Trim(fmt.Sprintf("%d", seed[:8]), "[]")
	golang := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", seed[:8]), "[]byte{"), "}")
	for _, form := range []string{hex.EncodeToString(seed[:8]), decimal, strings.ReplaceAll(decimal, " ", ","), golang, fmt.Sprintf("% x", seed[:8]), string(seed[:8])} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			t.Errorf("the secret is shown as %q", form)
		}
	}
}

// TestErrorsShowNoSecrets greps the errors of everything that can fail.
func TestErrorsShowNoSecrets(t *testing.T) {
	w, key := withAlice(t)
	_, wrong := w.Open("alice", "wrong"+password)
	errs := errors.Join(wrong, w.Create("alice", key, password, work), w.Create("again", key, password, work), w.Create("b", key, password, 1),
		w.Create("../x", key, password, work), wallet.Wallets{Dir: "/dev/null/x"}.Create("a", key, password, work))
	seed := key.Seed()
	if err := os.WriteFile(w.KeyFile(key.Address()), fmt.Appendf(nil, "%x %s", seed, password), 0o600); err != nil {
		t.Fatal(err)
	}
	_, plain := w.Open("alice", password)
	text := errors.Join(errs, plain).Error()
	findsNoSecret(t, text, seed)
	if strings.Contains(text, "horse") || strings.Count(text, "\n") < 6 {
		t.Errorf("errors: %s", text)
	}
}
