// Package api has the requests and answers of the HTTP API of a node as types. Server, client and tests share them. Append prints an
// answer as Flask does: keys sorted, compact, ASCII-escaped.
package api
