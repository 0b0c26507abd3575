// Package web is the page that a node serves at /: chain, forks, network and mining, live, for people.
//
//	index.html ──texts of one language at the start, the node's state at each request──► GET /
//	files/     ──scripts (ES modules), styles, the mark─────────────────────────────────► GET /web/{file}
//	text/      ──English and Chinese────────────────────────────────────────────────────► GET /web/text.js
//
// # Guarantees
//
// The page loads nothing from elsewhere and has no inline script, style or handler, so that a strict
// Content-Security-Policy holds. The first paint shows the newest blocks and the pending payments without a
// script. Text from the chain stays text: it is escaped here, and the scripts set it as text.
//
// # Not here
//
// No HTTP and no state of the node: package rpc hands in what is shown.
package web
