package rpc

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"kuai/rpc/api"
)

// TestInvitationIsGivenToThisMachineOrForAToken: the code holds the key of the network.
func TestInvitationIsGivenToThisMachineOrForAToken(t *testing.T) {
	invite := func() (api.Invite, error) { return api.Invite{Code: "CODE"}, nil }
	for _, c := range []struct {
		name, from, token, header string
		status                    int
	}{
		{"this machine", "127.0.0.1:1", "", "", 200},
		{"this machine, IPv6", "[::1]:1", "", "", 200},
		{"another machine", "192.0.2.7:1", "", "", 403},
		{"another machine with the token", "192.0.2.7:1", "secret", "Bearer secret", 200},
		{"another machine with another token", "192.0.2.7:1", "secret", "Bearer other", 401},
		{"this machine without the token", "127.0.0.1:1", "secret", "", 401},
	} {
		n := start(t, Config{Invite: invite, Token: c.token})
		r := httptest.NewRequest("GET", "/invite", nil)
		r.Host, r.RemoteAddr = "localhost:5000", c.from
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
		}
		w := httptest.NewRecorder()
		n.Handler().ServeHTTP(w, r)
		if w.Code != c.status || strings.Contains(w.Body.String(), "CODE") != (c.status == 200) {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
}

// TestOtherSitesGetNoInvitation: a page of another site cannot read it, nor can a name that DNS may bring.
func TestOtherSitesGetNoInvitation(t *testing.T) {
	n := start(t, Config{Invite: func() (api.Invite, error) { return api.Invite{}, nil }})
	for _, header := range []string{"Sec-Fetch-Site: cross-site", "Origin: http://evil.test", "Host: evil.test"} {
		if w := n.do("GET", "/invite", "", header); w.Code != 403 {
			t.Errorf("%s: %d", header, w.Code)
		}
	}
	if w := n.do("HEAD", "/invite", ""); w.Code != 200 || w.Body.Len() > 0 {
		t.Errorf("HEAD: %d %s", w.Code, w.Body)
	}
}

func TestNoInvitation(t *testing.T) {
	if w := start(t, Config{}).do("GET", "/invite", ""); w.Code != 404 {
		t.Errorf("without one: %d", w.Code)
	}
	failing := start(t, Config{Invite: func() (api.Invite, error) { return api.Invite{}, errors.New("the rules are too long") }})
	if w := failing.do("GET", "/invite", ""); w.Code != 500 {
		t.Errorf("one that fails: %d", w.Code)
	}
}
