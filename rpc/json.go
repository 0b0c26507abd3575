package rpc

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

// object is a JSON object; it prints with its keys sorted.
type object map[string]any

// compact is JSON text in the spelling of this package already.
type compact []byte

// appendJSON appends v as Flask prints it, without the newline. The kinds listed are all that handlers use.
func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return canonical.AppendString(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		return canonical.AppendFloat(dst, v)
	case canonical.Number:
		return append(dst, v...)
	case consensus.Hash:
		return appendHash(dst, v)
	case compact:
		return append(dst, v...)
	case object:
		return appendObject(dst, v)
	case []string:
		return appendList(dst, v)
	case []object:
		return appendList(dst, v)
	case []any:
		return appendList(dst, v)
	case []compact:
		return appendList(dst, v)
	}
	panic(fmt.Sprintf("rpc: a handler answers with a %T, which appendJSON does not print", v))
}

func appendObject(dst []byte, o object) []byte {
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(canonical.AppendString(dst, k), ':')
		dst = appendJSON(dst, o[k])
	}
	return append(dst, '}')
}

func appendList[T any](dst []byte, list []T) []byte {
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSON(dst, v)
	}
	return append(dst, ']')
}

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

// answer sends v as JSON with a newline and its length.
func answer(w http.ResponseWriter, status int, v any) {
	buf := buffers.Get().(*[]byte)
	defer keep(buf)
	*buf = append(appendJSON((*buf)[:0], v), '\n')
	send(w, status, typeJSON, *buf)
}

var (
	typeJSON    = []string{"application/json"}
	typeProblem = []string{"application/problem+json"}
	typeHTML    = []string{"text/html; charset=utf-8"}
	typeText    = []string{"text/plain; charset=utf-8"}
)

// send writes a body of known length. net/http leaves it out where the request was HEAD. The work before it may have lifted the
// server's deadline: a reader that takes nothing must not hold the connection.
func send(w http.ResponseWriter, status int, contentType []string, body []byte) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // a recorder in a test has none
	h := w.Header()
	h["Content-Type"] = contentType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has left needs no answer
}
