package rpc

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/rpc/api"
	"kuai/rpc/web"
)

// problem is an error as a client sees it.
type problem struct {
	status int
	title  string   // the kind, the same for every problem of that kind
	detail string   // what was wrong this time, a sentence
	hint   string   // what to do, sentences
	retry  int      // seconds until it is worth trying again; 0 says nothing
	page   string   // Flask's own body, if the tutorial has one for this problem
	allow  []string // 405: the methods that there are
	id     string   // of the payment whose outcome is not known
	token  bool     // the token would do
}

func (p *problem) Error() string { return p.title + ": " + p.detail }

// Flask's bodies. The plain ones have no newline at the end, the pages have one.
const (
	missingValues = "Missing values"
	missingNodes  = "Error: Please supply a valid list of nodes"

	pageNotFound = "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n" +
		"<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n"
	pageMethod = "<!doctype html>\n<html lang=en>\n<title>405 Method Not Allowed</title>\n<h1>Method Not Allowed</h1>\n" +
		"<p>The method is not allowed for the requested URL.</p>\n"
)

// errNotKept says that the disk failed after blocks were received that are shown.
var errNotKept = errors.New("received and not on disk")

// Problems without a cause elsewhere.
var (
	noSuchPath = &problem{
		status: http.StatusNotFound, title: "not found", detail: "There is nothing at this path.",
		hint: "GET / shows the node; the tutorial's paths are /mine, /transactions/new, /chain, /nodes/register and /nodes/resolve.", page: pageNotFound,
	}
	noNodes = &problem{
		status: http.StatusBadRequest, title: "missing values", detail: "The body is not an object with a list of strings under \"nodes\".",
		hint: `Send {"nodes": ["http://127.0.0.1:5001"]}`, page: missingNodes,
	}
	tooManyReaders = &problem{
		status: http.StatusServiceUnavailable, title: "busy", detail: "Too many large responses are in progress.",
		hint: "Try again in 5 seconds.", retry: 5,
	}
	tooManyStreams = &problem{
		status: http.StatusServiceUnavailable, title: "busy", detail: fmt.Sprintf("%d event streams are open, and a node serves no more.", maxStreams),
		hint: "Close a page or program that follows this node's events, then try again.", retry: 5,
	}
)

func badRequest(title, detail, hint string) *problem {
	return &problem{status: http.StatusBadRequest, title: title, detail: detail, hint: hint}
}

func notFound(detail, hint string) *problem {
	return &problem{status: http.StatusNotFound, title: "not found", detail: detail, hint: hint}
}

// problemOf is the one table from errors to HTTP.
func problemOf(err error) *problem {
	var (
		known   *problem
		large   *http.MaxBytesError
		missing *consensus.MissingError
		syntax  *canonical.SyntaxError
		invalid *consensus.InvalidError
		clock   *consensus.ClockError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &large):
		return &problem{status: http.StatusRequestEntityTooLarge, title: "body too large",
			detail: fmt.Sprintf("A body holds at most %d bytes.", large.Limit), hint: "Send less in one request."}
	case errors.As(err, &missing):
		return &problem{status: http.StatusBadRequest, title: "missing values", page: missingValues,
			detail: missingFields(missing.Keys), hint: "Send a JSON object that has all of them."}
	case errors.As(err, &syntax):
		return badRequest("body unreadable", "The body cannot be read as JSON: "+syntax.Error()+".", "Send a JSON object.")
	case errors.As(err, &invalid):
		hint := "Change the value and send it again."
		if invalid.Rule == consensus.RuleSignature {
			hint = "Sign it again."
		}
		return badRequest("refused by the rules", fmt.Sprintf("Refused by the rule %q: %s.", invalid.Rule, invalid.Detail), hint)
	case errors.Is(err, chain.ErrStale):
		return &problem{status: http.StatusConflict, title: "stale work", detail: "Another block came first, or the node does not remember the work any more.", hint: "GET /mining/work and search anew."}
	case errors.As(err, &clock):
		return &problem{status: http.StatusServiceUnavailable, title: "clock behind", detail: fmt.Sprintf("This machine's clock is %d s behind the chain.", clock.Seconds()),
			hint: "Set it, then try again."}
	case errors.Is(err, ErrBusy):
		return &problem{status: http.StatusServiceUnavailable, title: "busy", detail: "Too many requests to mine wait already.", hint: "Try again in a second.", retry: 1}
	case errors.Is(err, chain.ErrPoolFull):
		return &problem{status: http.StatusServiceUnavailable, title: "pool is full", detail: "Too many payments wait to be mined.", hint: "Mine a block, then send it again.", retry: 5}
	case errors.Is(err, chain.ErrNotFound):
		return notFound("This node does not hold it.", "Check the spelling.")
	case errors.Is(err, chain.ErrUnsettled):
		return diskFailed("The disk failed while the block was written, so whether it is on the chain after a restart is not known: "+diskDetail(err)+".",
			"Make room or mend the disk and restart the node; GET /blocks/latest then shows whether it is there. What only reads is answered.")
	case errors.Is(err, errNotKept):
		return diskFailed("What was received is shown, and may be lost in a restart; the node fetches it again: "+diskDetail(err)+".",
			"Make room or mend the disk, then restart the node. What only reads is answered.")
	case errors.Is(err, chain.ErrFailed):
		return diskFailed("Nothing was changed: "+diskDetail(err)+".", "Make room or mend the disk, then restart the node. What only reads is answered.")
	case diskError(err):
		return diskFailed("Nothing was changed: "+err.Error()+".", "Make room or mend the disk, then try again.")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &problem{status: http.StatusServiceUnavailable, title: "interrupted", detail: "The work ended before it was done.", hint: "Try again.", retry: 1}
	}
	return &problem{status: http.StatusInternalServerError, title: "internal error", detail: "The node failed at this.", hint: "Its log says why."}
}

func diskFailed(detail, hint string) *problem {
	return &problem{status: http.StatusInsufficientStorage, title: "disk failed", detail: detail, hint: hint}
}

// diskDetail is what the store says of its disk.
func diskDetail(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, chain.ErrFailed.Error()); i >= 0 {
		return text[i:]
	}
	return text
}

// diskErrors are how systems say that a file cannot be written: full, over a quota, broken, read-only.
var diskErrors = append(systemDiskErrors, syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS)

// diskError reports whether err is a failure to write a file beside the store.
func diskError(err error) bool {
	return slices.ContainsFunc(diskErrors, func(e error) bool { return errors.Is(err, e) })
}

func missingFields(keys []string) string {
	if len(keys) == 1 {
		return "Missing field: " + keys[0] + "."
	}
	return "Missing fields: " + strings.Join(keys, ", ") + "."
}

// fail answers with the problem that err is. Only faults of the node itself are logged.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.status == http.StatusInternalServerError || p.status == http.StatusInsufficientStorage {
		s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	s.refuse(w, r, p)
}

// refuse answers with p in the language that the client asks for.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, p *problem) {
	if say := s.languageFor(r); say != nil {
		said := *p
		said.detail, said.hint = say(p.detail), say(p.hint)
		p = &said
	}
	refuse(w, r, p)
}

// languageFor returns what puts a text into the language that the client asks for; nil: it stays English.
func (s *Server) languageFor(r *http.Request) func(string) string {
	if web.Language(r.Header.Get("Accept-Language")) != web.Chinese {
		return nil
	}
	return s.cfg.Chinese
}

// refuse writes p as problem JSON if the client asks for JSON, else as text, else as Flask's own body.
func refuse(w http.ResponseWriter, r *http.Request, p *problem) {
	h := w.Header()
	if p.status == http.StatusRequestEntityTooLarge {
		h["Connection"] = []string{"close"} // rather than read what is refused
	}
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retry))
	}
	if p.token {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if p.allow != nil {
		h.Set("Allow", strings.Join(p.allow, ", "))
	}
	switch {
	case wantsJSON(r):
		body := api.Problem{Detail: p.detail, Hint: p.hint, ID: p.id, Status: p.status, Title: p.title}
		send(w, p.status, typeProblem, append(api.Append(nil, body), '\n'))
	case p.page != "":
		h["Content-Security-Policy"] = policyNothing
		send(w, p.status, typeHTML, []byte(p.page))
	default:
		send(w, p.status, typeText, []byte(p.detail+" "+p.hint+"\n"))
	}
}

// wantsJSON reports whether Accept names JSON. "*/*", which curl, Postman and browsers' fetch send, does not.
func wantsJSON(r *http.Request) bool {
	for _, line := range r.Header["Accept"] {
		for part := range strings.SplitSeq(line, ",") {
			kind, params, err := mime.ParseMediaType(part)
			if err != nil || (kind != "application/json" && kind != "application/problem+json") {
				continue
			}
			if q, err := strconv.ParseFloat(params["q"], 64); params["q"] == "" || (err == nil && q > 0) {
				return true
			}
		}
	}
	return false
}
