package p2p

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"

	"github.com/libp2p/go-libp2p/gologshim"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// libraryLog makes libp2p and pubsub log to our handler: their errors as warnings, the rest only at debug
// level. Most of it is about faults of remote peers, which are of little interest to an operator.
type libraryLog struct{ to slog.Handler }

// Enabled is asked with the library's level.
func (l libraryLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.to.Enabled(ctx, demote(level))
}

// Handle passes r on at our level, without the errors of a listener that is closed, and of connections that the
// gater closes: it logs them itself, not too many.
func (l libraryLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "swarm listener accept error" && isStop(r) || r.Message == "adding connection failed" && isRefusal(r) {
		return nil
	}
	r.Level = demote(r.Level)
	return l.to.Handle(ctx, r)
}

// isStop reports whether r says that a listener was closed.
func isStop(r slog.Record) bool {
	return hasError(r, func(err error) bool { return errors.Is(err, net.ErrClosed) || err.Error() == "listener closed" })
}

// isRefusal reports whether r says that the connection gater closed a connection.
func isRefusal(r slog.Record) bool {
	return hasError(r, func(err error) bool { return errors.Is(err, swarm.ErrGaterDisallowedConnection) })
}

// hasError reports whether r has an error that matches.
func hasError(r slog.Record, matches func(error) bool) (has bool) {
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		has = ok && matches(err)
		return !has
	})
	return has
}

// WithAttrs returns the handler with attributes.
func (l libraryLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return libraryLog{l.to.WithAttrs(attrs)}
}

// WithGroup returns the handler with a group.
func (l libraryLog) WithGroup(name string) slog.Handler { return libraryLog{l.to.WithGroup(name)} }

func demote(level slog.Level) slog.Level {
	switch {
	case level >= slog.LevelError:
		return slog.LevelWarn
	case level >= slog.LevelInfo:
		return slog.LevelDebug
	default:
		return level - 4 // below debug: the libraries' own debug output is for their authors
	}
}

// bridge makes libp2p's package-wide loggers use the first node's log. libp2p keeps the handler of its first line.
var bridge sync.Once

func bridgeLogs(log *slog.Logger) {
	bridge.Do(func() { gologshim.SetDefaultHandler(libraryLog{log.Handler()}) })
}
