package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kuai/rpc/api"
)

// TestGeneratedFilesFollowTheTable fails if the table has changed since the files were written.
func TestGeneratedFilesFollowTheTable(t *testing.T) {
	files, err := generate("..", api.Operations)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 {
		t.Errorf("%d files", len(files))
	}
	for name, text := range files {
		held, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(held, text) {
			t.Errorf("%s is older than the table of operations or its types: run go generate ./rpc/api", name)
		}
	}
}

// TestCollectionHasAFolderForEachGroup: Postman shows the folders, and all requests are in one.
func TestCollectionHasAFolderForEachGroup(t *testing.T) {
	text, err := postman(api.Operations)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Item []struct {
			Name string
			Item []struct{ Name string }
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	requests := 0
	for i, folder := range got.Item {
		if folder.Name != api.Groups[i].Name || len(folder.Item) == 0 {
			t.Errorf("folder %q has %d requests, want %q", folder.Name, len(folder.Item), api.Groups[i].Name)
		}
		requests += len(folder.Item)
	}
	if requests != len(api.Operations) {
		t.Errorf("%d requests, want %d", requests, len(api.Operations))
	}
}

// TestDescriptionNamesTheNodeThatServesIt: whatever port it has.
func TestDescriptionNamesTheNodeThatServesIt(t *testing.T) {
	files, err := generate("..", api.Operations)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Servers []struct{ URL string } }
	if err := json.Unmarshal(files["openapi.json"], &got); err != nil || len(got.Servers) == 0 || got.Servers[0].URL != "/" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestARowIsAllThatADescriptionNeeds adds one row: every file has it then.
func TestARowIsAllThatADescriptionNeeds(t *testing.T) {
	type answer struct {
		Mass float64 `json:"mass"`
	}
	row := api.Operation{ID: "weigh", Method: "GET", Path: "/weight", Group: api.Groups[0].Name, Summary: "Weigh the node.", Effect: api.Reads, Answers: []api.Answer{{Status: 200, Bodies: []any{answer{}}}}}
	files, err := generate("..", append(slices.Clone(api.Operations), row))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		for _, part := range []string{"/weight", "Weigh the node."} {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s lacks %q", name, part)
			}
		}
	}
}

// TestRowsAreComplete looks for what a row may lack without an error.
func TestRowsAreComplete(t *testing.T) {
	ids := map[string]bool{}
	for _, op := range api.Operations {
		known := slices.ContainsFunc(api.Groups, func(g api.Group) bool { return g.Name == op.Group })
		if ids[op.ID] || op.Summary == "" || !strings.HasSuffix(op.Summary, ".") || len(op.Answers) == 0 || !known {
			t.Errorf("%s: its id is taken, or its summary, answer or group is missing", op.ID)
		}
		ids[op.ID] = true
		if op.Request != nil && op.Example.Body == "" || strings.Contains(op.Target(), "{") {
			t.Errorf("%s has no example", op.ID)
		}
		statuses := api.ErrorsOf(op)
		for _, a := range op.Answers {
			statuses = append(statuses, a.Status)
		}
		for _, status := range statuses {
			if statusTexts[status] == "" {
				t.Errorf("%s: nothing says what %d means", op.ID, status)
			}
		}
	}
}
