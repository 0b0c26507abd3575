package main

import (
	"io"
	"log/slog"
)

// nodeLog is the log of a node, and its level, which can be changed while the node runs.
type nodeLog struct {
	*slog.Logger
	level *slog.LevelVar
}

// newNodeLog returns the log that a validated cfg asks for.
func newNodeLog(cfg Config, w io.Writer) nodeLog {
	level := new(slog.LevelVar)
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // info if it names none
	opts := slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return nodeLog{slog.New(slog.NewJSONHandler(w, &opts)), level}
	}
	return nodeLog{slog.New(slog.NewTextHandler(w, &opts)), level}
}

// newLog returns the logger that a validated cfg asks for.
func newLog(cfg Config, w io.Writer) *slog.Logger { return newNodeLog(cfg, w).Logger }
