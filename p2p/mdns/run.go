package mdns

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"
)

const linksInterval = 5 * time.Second // looks for new and lost interfaces

// Config is the configuration of Run.
type Config struct {
	Service string // as _name._udp.local.
	// Texts returns the TXT strings to announce on an interface with these addresses, nil to only listen there.
	Texts func(addrs []netip.Addr) []string
	// Found is called with the TXT strings of other instances, possibly by several goroutines. It must not block.
	Found func(texts []string, from netip.Addr)
	// Enough reports whether no more instances are looked for now.
	Enough func() bool
	Log    *slog.Logger
}

// finder runs an agent on each link.
type finder struct {
	Config
	name    string
	running map[string]running // by link
	failed  map[string]bool    // links whose failure the log has
	alone   bool               // the log says that there is no link
	links   func() ([]link, error)
}

type running struct {
	stop func()
	done chan struct{}
}

// Run announces an instance and looks for others until ctx ends. Interfaces that come later are used then.
func Run(ctx context.Context, cfg Config) {
	cfg.Service = strings.ToLower(cfg.Service)
	f := &finder{
		Config: cfg, name: strings.ToLower(rand.Text()[:16]) + "." + cfg.Service,
		running: make(map[string]running), failed: make(map[string]bool), links: links,
	}
	f.run(ctx)
}

func (f *finder) run(ctx context.Context) {
	every := time.NewTicker(linksInterval)
	defer every.Stop()
	for {
		f.update(ctx)
		select {
		case <-every.C:
		case <-ctx.Done():
			for _, r := range f.running {
				r.stop()
				<-r.done
			}
			return
		}
	}
}

// update starts agents on new links and stops those on lost ones.
func (f *finder) update(ctx context.Context) {
	found, err := f.links()
	if err != nil {
		f.Log.Debug("network interfaces cannot be listed", "error", err)
	}
	if len(found) == 0 && !f.alone {
		f.Log.Info("no multicast interface: neighbours on the local network are not found until there is one; --peer connects to a known one")
	}
	f.alone = len(found) == 0
	current := make(map[string]bool)
	for _, l := range found {
		key := fmt.Sprint(l)
		current[key] = true
		f.begin(ctx, key, l)
	}
	for key, r := range f.running {
		if !current[key] {
			r.stop()
			<-r.done
			delete(f.running, key)
		}
	}
	for key := range f.failed {
		if !current[key] {
			delete(f.failed, key)
		}
	}
}

// begin starts an agent on l, unless one runs.
func (f *finder) begin(ctx context.Context, key string, l link) {
	if r, ok := f.running[key]; ok {
		select {
		case <-r.done: // its sockets failed
		default:
			return
		}
	}
	s, err := l.open()
	if err != nil {
		if !f.failed[key] {
			f.Log.Info("no multicast on this interface: neighbours there are not found; trying again", "interface", l.name, "error", err)
		}
		f.failed[key] = true
		delete(f.running, key)
		return
	}
	delete(f.failed, key)
	f.Log.Debug("looking for neighbours", "interface", l.name, "addresses", l.all())
	ctx, stop := context.WithCancel(ctx)
	r := running{stop, make(chan struct{})}
	f.running[key] = r
	go func() {
		defer close(r.done)
		f.speak(ctx, stop, l, s)
	}()
}

// speak runs an agent on l until ctx ends or the sockets fail, and closes them.
func (f *finder) speak(ctx context.Context, stop func(), l link, s sockets) {
	in, read := make(chan heardPacket), make(chan struct{})
	go func() {
		defer close(read)
		defer stop()
		s.read(ctx, l, in)
	}()
	a := &agent{service: f.Service, name: f.name, link: l, texts: f.Texts(l.all()), found: f.Found, enough: f.Enough, send: s.write}
	a.run(ctx, in)
	s.close()
	<-read
}
