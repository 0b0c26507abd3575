package rpc

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/rs/cors"

	"kuai/chain/canonical"
)

// ParseOrigin returns the origin that an entry of Config.Origins names, as browsers send it: scheme and host in lower case (an
// international one as xn--…), and the port unless it is the scheme's own. What could mean several origins is an error.
func ParseOrigin(entry string) (string, error) {
	origin, err := parseOrigin(entry)
	if err != nil {
		return "", fmt.Errorf("origin %s cannot be allowed: %w; write scheme, host and port, as in http://localhost:3000", canonical.Quote(entry), err)
	}
	return origin, nil
}

func parseOrigin(entry string) (string, error) {
	u, err := url.Parse(entry)
	if err != nil || u.Host == "" {
		return "", errors.New("it has no scheme and host")
	}
	host, err := allowedHost(entry)
	if err != nil {
		return "", err
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	usual := map[string]string{"http": "80", "https": "443"}
	if port := u.Port(); port != "" && port != usual[u.Scheme] {
		host = net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	return u.Scheme + "://" + host, nil
}

// allowOrigins lets pages of other origins read answers and ask for changes. It tells browsers to send no credentials of their own:
// what may be sent is the token, which a page must know.
func (s *Server) allowOrigins(origins []string, next http.Handler) http.Handler {
	var allowed []string
	for _, o := range origins {
		if origin, err := ParseOrigin(o); err == nil && s.crossOrigin.AddTrustedOrigin(origin) == nil { // one that names none allows none
			allowed = append(allowed, origin)
		}
	}
	if len(allowed) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowedOrigins: allowed,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete},
		AllowedHeaders: []string{"Accept", "Authorization", "Content-Type", "If-None-Match", "Last-Event-ID"},
		ExposedHeaders: []string{"ETag", "Location", "Retry-After", "WWW-Authenticate"},
		MaxAge:         600,
	}).Handler(next)
}
