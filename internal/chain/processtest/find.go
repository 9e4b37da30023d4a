package processtest

import (
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Find finds a node's binary: in $TELLER_TOOLS, else in .tools/bin beside go.mod, else in the PATH. Without it the test is
// skipped, and told which make target installs it; "" if none does.
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
		how := "install it there"
		if target != "" {
			how = "make " + target + " installs it"
		}
		t.Skipf("no %s binary in %s or the PATH: %s", name, strings.Join(slices.Compact(dirs), ", "), how)
	}
	return path
}

// The ports that FreeAddr chooses from. They lie below those that systems take for outgoing connections (on Linux from 32768
// on): one of these could take a port before the process that it was chosen for listens there.
const (
	lowestPort = 12_000
	portCount  = 20_000
)

// FreeAddr is a loopback address that nothing listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	var err error
	for range 100 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(lowestPort+rand.IntN(portCount)))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err != nil {
			continue // somebody listens there
		}
		if err = l.Close(); err == nil {
			return addr
		}
	}
	t.Fatalf("no port is free: %v", err)
	return ""
}
