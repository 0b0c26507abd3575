package rpc

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"kuai/chain/consensus"
	"kuai/rpc/api"
)

func appendHash(dst []byte, h consensus.Hash) []byte {
	dst = append(dst, '"')
	dst = fmt.Appendf(dst, "%x", h[:])
	return append(dst, '"')
}

// maxKept is the largest buffer that is kept for the next answer.
const maxKept = 128 << 10

var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

func keep(buf *[]byte) {
	if cap(*buf) <= maxKept {
		*buf = (*buf)[:0]
		buffers.Put(buf)
	}
}

// answer sends v, of a type in package api, as JSON with a newline and its length.
func answer(w http.ResponseWriter, status int, v any) {
	buf := buffers.Get().(*[]byte)
	defer keep(buf)
	*buf = append(api.Append((*buf)[:0], v), '\n')
	send(w, status, typeJSON, *buf)
}

var (
	typeJSON    = []string{"application/json"}
	typeProblem = []string{"application/problem+json"}
	typeHTML    = []string{"text/html; charset=utf-8"}
	typeText    = []string{"text/plain; charset=utf-8"}
)

// send writes a body of known length. net/http leaves it out if the request was HEAD. The work before it may have lifted the
// server's deadline: a reader that takes nothing must not hold the connection.
func send(w http.ResponseWriter, status int, contentType []string, body []byte) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // a recorder in a test has none
	h := w.Header()
	h["Content-Type"] = contentType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has left needs no answer
}
