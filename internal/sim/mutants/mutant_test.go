package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever changes the code that a mutant changes must change the mutant.
func TestMutantsApply(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, m := range mutants() {
		if names[m.name] || m.what == "" || len(m.edits) == 0 {
			t.Errorf("%s is there twice, or says nothing, or does nothing", m.name)
		}
		names[m.name] = true
		edited, err := m.apply(root)
		if err != nil {
			t.Error(err)
			continue
		}
		for file, text := range edited {
			raw, err := os.ReadFile(filepath.Join(root, file))
			if err != nil || string(raw) == text {
				t.Errorf("%s leaves %s as it is (%v)", m.name, file, err)
			}
		}
	}
}

func TestOverlayLeavesTheSourceAlone(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "a.go"), []byte("one two"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := mutant{name: "m", edits: []edit{{"a.go", "one", "1"}, {"a.go", "1 two", "1 2"}}}
	file, err := m.overlay(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{filepath.Join(root, "a.go"): "one two", filepath.Join(dir, "a.go"): "1 2"} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", path, got, err)
		}
	}
	if raw, err := os.ReadFile(file); err != nil || !strings.Contains(string(raw), filepath.Join(root, "a.go")) {
		t.Errorf("overlay %s, %v", raw, err)
	}
	for _, old := range []string{"three", "o"} {
		if _, err := (mutant{edits: []edit{{"a.go", old, ""}}}).overlay(root, dir); err == nil {
			t.Errorf("%q is replaced although it is not there once", old)
		}
	}
}

// Turn after turn every mutant has its run.
func TestPickRotates(t *testing.T) {
	all := mutants()
	seen := make(map[string]bool)
	for turn := range all {
		picked, err := options{pick: 3, turn: turn}.choose(all)
		if err != nil || len(picked) != 3 || picked[0].name == picked[1].name {
			t.Fatalf("turn %d: %v, %v", turn, picked, err)
		}
		for _, m := range picked {
			seen[m.name] = true
		}
	}
	if len(seen) != len(all) {
		t.Errorf("%d of %d mutants have their turn", len(seen), len(all))
	}
	if _, err := (options{only: "nobody"}).choose(all); err == nil {
		t.Error("an unknown name is accepted")
	}
}

func TestJudge(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module x\n", "a.go": "package x\n\nconst one = 1\n"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := mutant{name: "m", what: "one", edits: []edit{{"a.go", "= 1", "= 2"}}}
	for _, c := range []struct {
		name    string
		mutant  mutant
		command []string
		build   bool
		says    string
		caught  bool
	}{
		{"caught", good, []string{"sh", "-c", "echo '  seed 17: lost'; exit 1"}, false, "caught by seed 17 (lost)", true},
		{"survived", good, []string{"true"}, false, "SURVIVED: one", false},
		{"no seed", good, []string{"sh", "-c", "echo oh; exit 1"}, false, "names no seed:\noh", false},
		{"not run", good, []string{"/no/such/command"}, false, "NOT RUN", false},
		{"compiles", good, nil, true, "compiles", true},
		{"does not compile", mutant{name: "m", edits: []edit{{"a.go", "= 1", "= two"}}}, nil, true, "DOES NOT COMPILE", false},
		{"stale", mutant{name: "m", edits: []edit{{"a.go", "= 3", "= 2"}}}, nil, true, "STALE", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			verdict, caught := options{command: c.command, build: c.build}.judge(t.Context(), root, c.mutant)
			if caught != c.caught || !strings.Contains(verdict, c.says) {
				t.Errorf("%t, %s", caught, verdict)
			}
		})
	}
}
