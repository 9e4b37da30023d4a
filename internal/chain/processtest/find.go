package processtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Find finds a node's binary: in $TELLER_TOOLS, else in .tools/bin beside go.mod, else in the PATH. Without it the test is
// skipped, and told which make target installs it.
func Find(t testing.TB, name, target string) string {
	t.Helper()
	var dirs []string
	if tools := os.Getenv("TELLER_TOOLS"); tools != "" {
		dirs = append(dirs, tools)
	}
	if wd, err := os.Getwd(); err == nil {
		for dir := wd; ; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				dirs = append(dirs, filepath.Join(dir, ".tools", "bin"))
				break
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	for _, dir := range dirs {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s binary in %s or the PATH: make %s installs it", name, strings.Join(dirs, ", "), target)
	}
	return path
}

// FreeAddr is a loopback address that nothing listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(l.Addr())
}
