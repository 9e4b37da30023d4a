package teller_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/skycoin/teller"

// edge is one import, as far as the rule is concerned.
type edge struct {
	from   string // the importing package's directory, "." for the root
	inTest bool   // the statement stands in a _test.go file
	to     string // the import path
}

// located is an edge with the place of its import statement.
type located struct {
	edge
	where string
}

// judge is the rule of docs/architecture.md: imports run one way. It returns what is wrong with an import, or "".
func judge(e edge) string {
	if e.to == "C" {
		return "cgo is not used: teller builds without a C compiler"
	}
	to, ours := inModule(e.to)
	switch {
	case !ours && isStandard(e.to):
		return ""
	case !ours && e.from == "." && !e.inTest:
		return "the root package imports the standard library only"
	case !ours:
		return ""
	case isSuite(to):
		if e.inTest || isSuite(e.from) {
			return ""
		}
		return "test suites are for tests and other suites"
	case e.inTest && isSimulator(to):
		return "" // an adapter is tested against what plays its server
	case to == "." || to == e.from:
		return "" // an external test imports the package that it tests
	case joinsParts(e.from):
		return ""
	case e.from == ".":
		return "the root package imports nothing of this module"
	default:
		return "siblings do not import each other: let internal/app join them"
	}
}

// inModule returns the directory of an import path of this module.
func inModule(importPath string) (dir string, ours bool) {
	if importPath == modulePath {
		return ".", true
	}
	return strings.CutPrefix(importPath, modulePath+"/")
}

// isStandard knows the standard library by the missing domain name in the path, as the go command does.
func isStandard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

// isSuite reports whether a directory holds support for tests: storetest, chaintest, btcdtest ...
func isSuite(dir string) bool {
	return strings.HasPrefix(dir, "internal/") && strings.HasSuffix(path.Base(dir), "test")
}

// isSimulator reports whether a directory holds a server that stands in for somebody else's.
func isSimulator(dir string) bool {
	return strings.HasPrefix(dir, "internal/exchange/") && strings.HasSuffix(dir, "sim")
}

// joinsParts reports whether a package is one of those that join the others.
func joinsParts(dir string) bool {
	for _, d := range []string{"cmd", "internal/app", "internal/sim"} {
		if dir == d || strings.HasPrefix(dir, d+"/") {
			return true
		}
	}
	return false
}

func TestImports(t *testing.T) {
	edges, files := readImports(t, ".")
	if files < 10 || len(edges) < 10 {
		t.Fatalf("only %d files with %d imports found: the walk is broken", files, len(edges))
	}
	for _, e := range edges {
		if wrong := judge(e.edge); wrong != "" {
			t.Errorf("%s imports %q: %s", e.where, e.to, wrong)
		}
	}
}

// readImports parses every Go file of the module. It reads the files itself, because the test cache notices a file that
// the test opened and would not notice what `go list` reads.
func readImports(t *testing.T, root string) (edges []located, files int) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipDir(root, p)
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		files++
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			e := edge{from: filepath.ToSlash(filepath.Dir(p)), inTest: strings.HasSuffix(p, "_test.go"), to: to}
			edges = append(edges, located{e, fset.Position(spec.Pos()).String()})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return edges, files
}

// skipDir leaves out what the go command leaves out, and other modules.
func skipDir(root, dir string) error {
	if dir == root {
		return nil
	}
	name := filepath.Base(dir)
	if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func TestImportRule(t *testing.T) {
	const bbolt = "go.etcd.io/bbolt"
	ours := func(dir string) string { return modulePath + "/" + dir }
	for _, c := range []struct {
		edge
		allowed bool
	}{
		{edge{".", false, "math/big"}, true},
		{edge{".", false, bbolt}, false},
		{edge{".", false, ours("internal/scan")}, false},
		{edge{".", true, "pgregory.net/rapid"}, true},
		{edge{".", true, modulePath}, true},
		{edge{".", true, ours("internal/scan")}, false},
		{edge{".", false, "C"}, false},

		{edge{"internal/scan", false, "log/slog"}, true},
		{edge{"internal/scan", false, modulePath}, true},
		{edge{"internal/scan", true, ours("internal/scan")}, true},
		{edge{"internal/scan", false, ours("internal/store/bolt")}, false},
		{edge{"internal/scan", true, ours("internal/store/bolt")}, false},
		{edge{"internal/scan", true, ours("internal/store/storetest")}, true},
		{edge{"internal/scan", false, ours("internal/store/storetest")}, false},
		{edge{"internal/scan", false, ours("cmd/teller")}, false},
		{edge{"internal/scan", false, ours("internal/app")}, false},

		{edge{"internal/store/bolt", false, bbolt}, true},
		{edge{"internal/store/bolt", false, ours("internal/store")}, false},
		{edge{"internal/chain/btc", false, ours("internal/chain/sky")}, false},
		{edge{"internal/chain/btc", true, ours("internal/chain/btc/btcdtest")}, true},

		{edge{"internal/store/storetest", false, modulePath}, true},
		{edge{"internal/store/storetest", false, ours("internal/chain/chaintest")}, true},
		{edge{"internal/store/storetest", false, ours("internal/store/bolt")}, false},

		{edge{"internal/exchange/c2cx", true, ours("internal/exchange/c2cxsim")}, true},
		{edge{"internal/exchange/c2cx", false, ours("internal/exchange/c2cxsim")}, false},
		{edge{"internal/exchange/c2cxsim", true, ours("internal/exchange/c2cx")}, false},

		{edge{"internal/app", false, ours("internal/scan")}, true},
		{edge{"internal/app", true, ours("internal/chain/btc/btcdtest")}, true},
		{edge{"internal/app", false, ours("internal/chain/btc/btcdtest")}, false},
		{edge{"internal/application", false, ours("internal/scan")}, false},
		{edge{"internal/sim", false, ours("internal/settle")}, true},
		{edge{"cmd/teller", false, ours("internal/app")}, true},
		{edge{"cmd/teller", false, ours("internal/store/storetest")}, false},
		{edge{"cmd/teller", false, "github.com/spf13/cobra"}, true},
	} {
		t.Run(fmt.Sprintf("%s imports %s, test %v", c.from, c.to, c.inTest), func(t *testing.T) {
			if wrong := judge(c.edge); (wrong == "") != c.allowed {
				t.Errorf("allowed should be %v, judged %q", c.allowed, wrong)
			}
		})
	}
}

func TestImportsAreRead(t *testing.T) {
	dir := t.TempDir()
	for name, src := range map[string]string{
		"internal/a/a.go":            "package a\n\nimport \"" + modulePath + "/internal/b\"\n",
		"internal/a/testdata/bad.go": "not even Go",
		"other/go.mod":               "module other\n",
		"other/x.go":                 "package x\n\nimport \"example.org/x\"\n",
	} {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	edges, files := readImports(t, ".")
	if files != 1 || len(edges) != 1 {
		t.Fatalf("read %d files with imports %v, want the one of internal/a", files, edges)
	}
	if want := (edge{from: "internal/a", to: modulePath + "/internal/b"}); edges[0].edge != want {
		t.Errorf("read %+v, want %+v", edges[0], want)
	}
}
