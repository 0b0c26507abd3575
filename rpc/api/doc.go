// Package api describes the HTTP API of a node: requests and answers as types, and one table with a row for each operation.
//
//	Operations ──► rpc: the mux, with a guard before each operation that isn't known to read only
//	           ──► openapi.json (OpenAPI 3.1) and postman.json (collection v2.1), served by every node
//	           ──► the table of operations in docs/API.md
//	           ──► a test that sends the example of each row and checks each answer against its schema
//
// Server, client and tests share the types. Append prints an answer as Flask does: keys sorted, compact, ASCII-escaped.
//
// A new endpoint is a row here, with types for what is new, and a handler in package rpc. After a change:
//
//	go generate ./rpc/api
//
// # Not here
//
// No HTTP: this package serves and asks nothing.
package api
