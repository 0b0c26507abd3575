package web

import (
	"strconv"
	"strings"
)

// Language returns the page's language for an Accept-Language header: of Chinese and English the one of greater
// weight, of equal ones the first.
func Language(accept string) string {
	best, weight := English, 0.0
	for entry := range strings.SplitSeq(accept, ",") {
		tag, parameters, _ := strings.Cut(strings.TrimSpace(entry), ";")
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if primary != English && primary != Chinese {
			continue
		}
		if q := quality(parameters); q > weight {
			best, weight = primary, q
		}
	}
	return best
}

// quality reads q=0.8. Without it, or if it is malformed, it is 1.
func quality(parameters string) float64 {
	_, text, has := strings.Cut(strings.ReplaceAll(parameters, " ", ""), "q=")
	q, err := strconv.ParseFloat(text, 64)
	if !has || err != nil {
		return 1
	}
	return q
}
