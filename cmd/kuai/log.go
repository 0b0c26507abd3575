package main

import (
	"io"
	"log/slog"
)

// nodeLog is the log of a node, and its level, which can be changed while the node runs.
type nodeLog struct {
	*slog.Logger
	level *slog.LevelVar
	line  *statusLine // below the log on a terminal; nil if it is none
}

// newTerminalLog is newNodeLog with a line below it if w is a terminal.
func newTerminalLog(cfg Config, w io.Writer) nodeLog {
	if !isTerminal(w) {
		return newNodeLog(cfg, w)
	}
	line := &statusLine{w: w}
	log := newNodeLog(cfg, line)
	log.line = line
	return log
}

// newNodeLog returns the log that a validated cfg asks for.
func newNodeLog(cfg Config, w io.Writer) nodeLog {
	level := new(slog.LevelVar)
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // info if it names none
	opts := slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return nodeLog{slog.New(slog.NewJSONHandler(w, &opts)), level, nil}
	}
	return nodeLog{slog.New(slog.NewTextHandler(w, &opts)), level, nil}
}

// newLog returns the logger that a validated cfg asks for.
func newLog(cfg Config, w io.Writer) *slog.Logger { return newNodeLog(cfg, w).Logger }
