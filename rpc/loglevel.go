package rpc

import (
	"log/slog"
	"net/http"

	"kuai/rpc/api"
)

// logLevels are the levels that a node can be set to.
var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

// logLevel is GET /log/level.
func (s *Server) logLevel(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, api.LogLevel{Level: levelName(s.cfg.LogLevel.Level())})
}

// levelName is the name of a level. One between two of them lets the higher one pass.
func levelName(level slog.Level) string {
	switch {
	case level <= slog.LevelDebug:
		return "debug"
	case level <= slog.LevelInfo:
		return "info"
	case level <= slog.LevelWarn:
		return "warn"
	}
	return "error"
}

// setLogLevel is PUT /log/level: {"level": "debug"}, until the node stops.
func (s *Server) setLogLevel(w http.ResponseWriter, r *http.Request) {
	const example = `{"level": "debug"}`
	o, err := readObject(w, r, example)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v, _ := o.Get("level")
	name, _ := v.(string)
	level, ok := logLevels[name]
	if !ok {
		s.fail(w, r, badRequest("no log level", "\"level\" must be debug, info, warn or error.", "Send "+example+"."))
		return
	}
	s.changeLogLevel(level)
	answer(w, http.StatusOK, api.LogLevel{Level: name})
}

// changeLogLevel logs the change while the more verbose level of both holds, so that the log tells why its lines end or begin.
func (s *Server) changeLogLevel(level slog.Level) {
	before := s.cfg.LogLevel.Level()
	s.cfg.LogLevel.Set(min(before, level))
	s.log.Info("log level changed", "from", levelName(before), "to", levelName(level))
	s.cfg.LogLevel.Set(level)
}
