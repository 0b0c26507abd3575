package web

import (
	"regexp"
	"strings"
	"testing"
)

// TestTextsStandInTheirElements: no element that is to show a text is empty, and no text stands within a tag.
func TestTextsStandInTheirElements(t *testing.T) {
	var b strings.Builder
	if err := Render(&b, Page{Language: English}); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if inside := regexp.MustCompile(`<[^<>]*data-t="[^"]*"[^>][^<>]*`).FindAllString(page, -1); len(inside) > 0 {
		t.Errorf("texts stand within these tags: %q", inside)
	}
	if empty := regexp.MustCompile(`<[a-z0-9]+ [^<>]*data-t="[^<>]*></`).FindAllString(page, -1); len(empty) > 0 {
		t.Errorf("these show no text: %q", empty)
	}
}

// TestOnePrimaryActionInAView: the eye is led to one button of each view, and to none in that of forks.
func TestOnePrimaryActionInAView(t *testing.T) {
	views := strings.Split(source, `<section id="view-`)[1:]
	if len(views) != 5 {
		t.Fatalf("%d views, want 5", len(views))
	}
	for _, view := range views {
		name, _, _ := strings.Cut(view, `"`)
		want := 1
		if name == "forks" {
			want = 0
		}
		if n := strings.Count(view, `<button class="first"`); n != want {
			t.Errorf("%s has %d primary actions, want %d", name, n, want)
		}
	}
}
