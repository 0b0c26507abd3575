// Package browser looks at a node's page as its users do: with a real Chromium, at real daemons.
//
// A test waits for what the page must show, asked in the page itself. Whatever Chromium complains about ends as a failure: an exception,
// a line at the console, a request to anywhere but the node.
package browser
