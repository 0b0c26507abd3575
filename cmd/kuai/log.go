package main

import (
	"io"
	"log/slog"
)

// newLog returns the logger that a validated cfg asks for.
func newLog(cfg Config, w io.Writer) *slog.Logger {
	var opts slog.HandlerOptions
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err == nil {
		opts.Level = level
	}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, &opts))
	}
	return slog.New(slog.NewTextHandler(w, &opts))
}
