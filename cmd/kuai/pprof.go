package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"
)

// Bounds of the profile server. It refuses a profile that takes longer than an answer may.
const (
	pprofHeaderTime = 5 * time.Second
	pprofTime       = 5 * time.Minute
)

// checkPprof checks where profiles are served. They tell what a node does, and each costs it time: nobody else reaches them.
func (c *Config) checkPprof() error {
	if c.Pprof == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(c.Pprof)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("--pprof %s: want an address and a port, as 127.0.0.1:6060", c.Pprof)
	}
	if !loopback(host) {
		return fmt.Errorf("--pprof %s can be reached by others: want a loopback address, as 127.0.0.1:%s", c.Pprof, port)
	}
	return nil
}

// listenPprof opens the listener for profiles, none if address is "".
func listenPprof(ctx context.Context, address string) ([]net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if isInUse(err) {
		return nil, &inUseError{address: address, advice: "choose another --pprof, port 0 for any"}
	}
	if err != nil {
		return nil, fmt.Errorf("--pprof %s: %w", address, err)
	}
	return []net.Listener{l}, nil
}

// servePprof serves profiles on the listener until ctx ends, if there is one.
func servePprof(ctx context.Context, lns []net.Listener, log *slog.Logger) error {
	if len(lns) == 0 {
		return nil
	}
	l := lns[0]
	log.Info("profiles are served", "url", "http://"+l.Addr().String()+"/debug/pprof/")
	srv := &http.Server{Handler: pprofHandler(), ReadHeaderTimeout: pprofHeaderTime, WriteTimeout: pprofTime}
	defer context.AfterFunc(ctx, func() { srv.Close() })()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve profiles on %s: %w", l.Addr(), err)
	}
	return nil
}

func pprofHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, err := net.SplitHostPort(r.Host); err != nil || !loopback(host) { // another name may be a page's that leads here
			http.Error(w, "Profiles are for this machine: use its loopback address.", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
