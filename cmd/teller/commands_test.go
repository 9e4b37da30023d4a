package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/config"
)

// run executes a command line in this process and returns what it prints.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	out, err := run(t, args...)
	if err != nil {
		t.Fatalf("teller %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func TestNewAddressIsTheSameForTheSameSeedInBothForms(t *testing.T) {
	for coin, prefix := range map[string]string{"btc": "1", "eth": "0x", "sky": "2"} {
		text := strings.Fields(mustRun(t, "new"+coin+"address", "a seed", "3"))
		var doc map[string][]string
		if err := json.Unmarshal([]byte(mustRun(t, "new"+coin+"address", "a seed", "3", "--json")), &doc); err != nil {
			t.Fatal(err)
		}
		list := doc[coin+"_addresses"]
		if len(text) != 3 || len(list) != 3 || text[0] != list[0] || text[2] != list[2] || text[0] == text[1] {
			t.Errorf("%s: text %v, JSON %v", coin, text, list)
		}
		if keys := strings.Fields(mustRun(t, "new"+coin+"address", "a seed", "3", "--keys")); len(keys) != 6 || keys[0] != text[0] || keys[4] != text[2] {
			t.Errorf("%s: keys of %d words, not those of %v", coin, len(keys), text)
		}
		if !strings.HasPrefix(text[0], prefix) && coin != "sky" {
			t.Errorf("%s address %s", coin, text[0])
		}
	}
}

func TestNewAddressRefusesASillyNumber(t *testing.T) {
	for _, n := range []string{"0", "-1", "many", "99999999999"} {
		if _, err := run(t, "newbtcaddress", "seed", "--", n); err == nil {
			t.Errorf("NUM %s is accepted", n)
		}
	}
}

func TestAddAndGetAddress(t *testing.T) {
	for _, name := range []string{"btc.txt", "btc.json"} {
		file := filepath.Join(t.TempDir(), name)
		made := strings.Fields(mustRun(t, "newbtcaddress", "seed", "3"))
		mustRun(t, "addbtcaddress", "--file", file, made[0], made[1])
		mustRun(t, "addbtcaddress", "--file", file, made[2])
		if got := strings.Fields(mustRun(t, "getbtcaddress", "--file", file)); strings.Join(got, " ") != strings.Join(made, " ") {
			t.Errorf("%s has %v, want %v", name, got, made)
		}
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for what, address := range map[string]string{"one that is there": made[0], "a broken one": made[0] + "x"} {
			if _, err := run(t, "addbtcaddress", "--file", file, address); err == nil {
				t.Errorf("%s: %s is accepted", name, what)
			}
		}
		if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s was changed by a refused address (%v)", name, err)
		}
	}
}

func TestNewKeys(t *testing.T) {
	var pair struct{ Pubkey, Seckey string }
	if err := json.Unmarshal([]byte(mustRun(t, "newkeys")), &pair); err != nil {
		t.Fatal(err)
	}
	if len(pair.Pubkey) != 66 || len(pair.Seckey) != 64 {
		t.Errorf("keys of %d and %d hex digits", len(pair.Pubkey), len(pair.Seckey))
	}
}

func TestServeReportsEveryMistakeBeforeAnythingStarts(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "wrong.toml")
	content := "debgu = true\n[web]\nhttp_addr = 'nowhere'\n[sky_exchanger]\nmax_decimals = 7\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := run(t, "-c", file, "-d", filepath.Join(dir, "data"))
	if err == nil {
		t.Fatal("it started")
	}
	for _, key := range []string{"debgu", "web.http_addr", "sky_exchanger.max_decimals", "btc_addresses"} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not named in:\n%v", key, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); !os.IsNotExist(err) {
		t.Error("the data directory was made although the configuration is wrong")
	}
}

// An operator finds what is held and ends it with a reason; it is gone from the list and shows as an error.
// Whoever ends teller while it is starting has asked for it: that is no failure.
func TestEndedWhileStarting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := config.Dummy(t.TempDir())
	c.Web.HTTPAddr, c.AdminPanel.Host, c.Dummy.HTTPAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	c.LogFile = "teller.log"
	if err := serve(ctx, c, func(*app.App) { t.Error("it was opened") }); err != nil {
		t.Error(err)
	}
	log, err := os.ReadFile(c.LogPath())
	if err != nil || strings.Contains(string(log), "ERROR") {
		t.Errorf("the log: %s, %v", log, err)
	}
}

func TestHolds(t *testing.T) {
	p := newProcess(t)
	db, err := os.ReadFile("../../internal/store/bolt/testdata/original/teller.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(p.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.data(), "teller.db"), db, 0o600); err != nil {
		t.Fatal(err)
	}
	p.start()
	const lost = "a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4:0"
	holds := func(args ...string) (string, error) { return run(t, append(append([]string{}, p.args...), args...)...) }
	p.eventually("the lost one is listed", func() bool {
		out, err := holds("holds", "list")
		return err == nil && strings.Contains(out, lost) && strings.Contains(out, "import_unknown")
	})
	out, err := holds("holds", "list")
	seen := regexp.MustCompile(lost + ` +version (\d+)`).FindStringSubmatch(out)
	if err != nil || seen == nil {
		t.Fatalf("no version is listed: %v: %s", err, out)
	}
	for says, args := range map[string][]string{
		"can only be closed": {"--seen", seen[1]},
		"changed meanwhile":  {"--seen", seen[1] + "0"},
		`"seen" not set`:     nil,
	} {
		if _, err := holds(append([]string{"holds", "release", lost, "--reason", "I am sure"}, args...)...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("a deposit that may have been paid, released with %q: %v", args, err)
		}
	}
	if _, err := holds("holds", "close", lost); err == nil {
		t.Error("closed without a reason")
	}
	if _, err := holds("holds", "paid", lost, "--reason", "by hand", "--txid", strings.Repeat("ab", 32)); err == nil || !strings.Contains(err.Error(), "does not know") {
		t.Errorf("marked as paid by a transaction that does not exist: %v", err)
	}
	if out, err := holds("holds", "close", lost, "--reason", "paid by hand"); err != nil || !strings.Contains(out, "done") {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := holds("holds", "list"); err != nil || !strings.Contains(out, "nothing is held") {
		t.Errorf("%v: %s", err, out)
	}
	var errored struct {
		Deposits []struct {
			DepositID string `json:"deposit_id"`
			Error     string
		}
	}
	p.get(p.admin+"/api/deposits/errored", &errored)
	found := false
	for _, d := range errored.Deposits {
		found = found || (d.DepositID == lost && d.Error == "paid by hand")
	}
	if !found {
		t.Errorf("errored deposits %+v lack the closed one", errored.Deposits)
	}
	p.kill(syscall.SIGTERM)
	if _, err := holds("holds", "list"); err == nil || !strings.Contains(err.Error(), "is it running") {
		t.Errorf("without a running teller: %v", err)
	}
}

// Every reason for a hold is explained where the operator meets it: in the list, and in the table of the documentation.
func TestEveryHoldReasonIsExplained(t *testing.T) {
	source, err := os.ReadFile("../../deposit.go")
	if err != nil {
		t.Fatal(err)
	}
	manual, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`HoldReason = "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(found) < 12 {
		t.Fatalf("only %d reasons are found", len(found))
	}
	for _, m := range found {
		if nextSteps[teller.HoldReason(m[1])] == "" {
			t.Errorf("%s is not explained by `teller holds list`", m[1])
		}
		if !strings.Contains(string(manual), "\n| `"+m[1]+"` | ") {
			t.Errorf("%s is not in the table of docs/operations.md", m[1])
		}
	}
}
