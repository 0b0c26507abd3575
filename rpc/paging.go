package rpc

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// pageOf reads ?from=&limit=. from is 0 if it is not given, else counts from 1. limit is usual if it is not given and at
// most largest; a largest of 0 sets no bound.
func pageOf(r *http.Request, usual, largest int64) (from, limit int64, err error) {
	if r.URL.RawQuery == "" {
		return 0, usual, nil
	}
	query, err := queryOf(r)
	if err != nil {
		return 0, 0, err
	}
	if from, err = positive(query.Get("from"), "from", 0); err != nil {
		return 0, 0, err
	}
	if limit, err = positive(query.Get("limit"), "limit", usual); err != nil {
		return 0, 0, err
	}
	if largest > 0 {
		limit = min(limit, largest)
	}
	return from, limit, nil
}

// queryOf reads the query string whole: half of one could be another question.
func queryOf(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("malformed query", fmt.Sprintf("The query was refused: %v.", err), "Write & between parameters, and %-encode what is not plain.")
	}
	return query, nil
}

// mostCounted is what larger numbers count as: more than there is of anything, and far from where sums overflow.
const mostCounted = 1 << 53

func positive(text, name string, absent int64) (int64, error) {
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) && n > 0 {
		err = nil
	}
	n = min(n, mostCounted)
	if err != nil || n < 1 {
		return 0, badRequest("number out of range", fmt.Sprintf("?%s= must be an integer from 1.", name), "Leave it out for the usual page.")
	}
	return n, nil
}

// cut returns the page [from, from+limit) of list, counted from 1.
func cut[T any](list []T, from, limit int64) []T {
	start := min(max(from, 1)-1, int64(len(list)))
	return list[start : start+min(limit, int64(len(list))-start)]
}

// matches reports whether an If-None-Match header names tag.
func matches(lines []string, tag string) bool {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
			if part == tag || part == "*" {
				return true
			}
		}
	}
	return false
}
