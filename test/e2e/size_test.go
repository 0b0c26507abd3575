package e2e

import (
	"debug/elf"
	"errors"
	"testing"

	"kuai/test/process"
)

// TestProgramHasNoTemplates: a program in which templates can run keeps every exported method of every type, used or not: 8 MB of its
// file, and 5 MB of a node's resident memory. Cobra brings them in as soon as one of its templates is set.
func TestProgramHasNoTemplates(t *testing.T) {
	program, err := elf.Open(process.Kuai)
	var other *elf.FormatError
	if errors.As(err, &other) {
		t.Skip("the symbols are read of ELF files only")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	symbols, err := program.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Name == "text/template.(*Template).Execute" || s.Name == "text/template.(*Template).execute" {
			t.Errorf("the program has %s", s.Name)
		}
	}
	if len(symbols) < 1000 {
		t.Errorf("the program has %d symbols", len(symbols))
	}
}
