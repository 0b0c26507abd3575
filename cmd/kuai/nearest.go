package main

import (
	"slices"
	"strings"
)

// didYouMean is a suggestion to append to "unknown …", empty if no known word is near: few letters away, or longer by whole
// parts, as KUAI_HTTP_HOST is for KUAI_HOST. Of several the nearest is taken.
func didYouMean(word string, known []string) string {
	best, least := "", 0
	for _, k := range known {
		if far := farness(bare(word), bare(k)); far >= 0 && (best == "" || far < least) {
			best, least = k, far
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// bare is a name with dashes between its parts, and without its prefix.
func bare(name string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimLeft(strings.TrimPrefix(name, envPrefix), "-"), "_", "-"))
}

// farness orders suggestions, -1 for none. A letter to change weighs as much as ten to add in parts of their own.
func farness(word, known string) int {
	const letter = 10
	d := distance(word, known)
	if d == 0 {
		return 0 // but for the case of its letters
	}
	if d > 1 && strings.Contains("-"+known+"-", "-"+word+"-") {
		return letter + len(known) - len(word)
	}
	if d > max(2, len(word)/3) || d >= len(word) {
		if strings.HasPrefix(known, word) && len(word) > 2 {
			return letter * (len(known) - len(word))
		}
		return -1
	}
	if sameLetters(word, known) {
		return letter*d - letter/2 // two letters that changed places are one slip
	}
	return letter * d
}

// sameLetters reports whether both words have the same letters, in any order.
func sameLetters(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// distance is Levenshtein's: how many letters to insert, delete or replace to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0]++
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
