// Command generate writes what follows from the table of operations: openapi.json and postman.json beside the table, and the table in
// docs/API.md. It is run by
//
//	go generate ./rpc/api
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"kuai/chain/atomicfile"
	"kuai/rpc/api"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run writes the files, seen from package api's directory.
func run(dir string) error {
	files, err := generate(dir, api.Operations)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := atomicfile.Replace(filepath.Join(dir, name), 0o644, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the contents of each file, by its name as seen from package api's directory.
func generate(dir string, ops []api.Operation) (map[string][]byte, error) {
	const docs = "../../docs/API.md"
	openAPI, err := openAPI(ops)
	if err != nil {
		return nil, err
	}
	postman, err := postman(ops)
	if err != nil {
		return nil, err
	}
	page, err := os.ReadFile(filepath.Join(dir, docs))
	if err != nil {
		return nil, err
	}
	page, err = insertTable(page, ops)
	return map[string][]byte{"openapi.json": openAPI, "postman.json": postman, docs: page}, err
}
