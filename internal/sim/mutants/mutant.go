package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is a fault put into the engine, which the simulation must notice.
type mutant struct {
	name  string
	what  string // it breaks
	edits []edit
}

// mutants lists all of them.
func mutants() []mutant { return slices.Concat(originals, payouts, deposits, files, purchases) }

// edit replaces a text in a file. The text must occur exactly once: else the code has changed and the mutant with it.
type edit struct {
	file, old, new string
}

// overlay writes the edited files into a directory, and beside them the file that `go -overlay` takes. No source file is
// changed.
func (m mutant) overlay(root, dir string) (file string, err error) {
	edited, err := m.apply(root)
	if err != nil {
		return "", err
	}
	replace := make(map[string]string, len(edited))
	for path, text := range edited {
		copied := filepath.Join(dir, strings.ReplaceAll(path, string(filepath.Separator), "_"))
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, path)] = copied
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, raw, 0o600)
}

// apply makes the edits, in their order, and returns the files as they are then.
func (m mutant) apply(root string) (map[string]string, error) {
	edited := make(map[string]string)
	for _, e := range m.edits {
		text, ok := edited[e.file]
		if !ok {
			raw, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				return nil, err
			}
			text = string(raw)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return nil, fmt.Errorf("%s: %s has %d times, not once:\n%s", m.name, e.file, n, e.old)
		}
		edited[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	return edited, nil
}

// packages are those that the edits change.
func (m mutant) packages() []string {
	var list []string
	seen := make(map[string]bool)
	for _, e := range m.edits {
		dir := "./" + filepath.ToSlash(filepath.Dir(e.file))
		if !seen[dir] {
			seen[dir] = true
			list = append(list, dir)
		}
	}
	return list
}
