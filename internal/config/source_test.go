package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

// dummyFile is the smallest configuration that is valid without any other file; debug tells files apart.
const dummyFile = `
debug = false
[sky_exchanger]
sky_btc_exchange_rate = "500"
[dummy]
sender = true
scanner = true
`

// write makes files with their directories under a new directory, which it returns.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLookup(t *testing.T) {
	tests := []struct {
		name  string
		files []string // under a directory with home, data and work
		file  string   // -c; @ is the directory
		dir   string   // -d
		want  string   // file read
	}{
		{"default name in the data directory first", []string{"data/config.toml", "work/config.toml"}, "", "@/data", "data/config.toml"},
		{"default name in the working directory", []string{"work/config.toml"}, "", "@/data", "work/config.toml"},
		{"data directory in the home", []string{"home/.teller-skycoin/config.toml", "work/config.toml"}, "", "", "home/.teller-skycoin/config.toml"},
		{"relative data directory", []string{"work/d/config.toml"}, "", "d", "work/d/config.toml"},
		{"name in the data directory first", []string{"data/my.toml", "work/my.toml"}, "my", "@/data", "data/my.toml"},
		{"name in the working directory", []string{"work/my.toml"}, "my", "@/data", "work/my.toml"},
		{"file name that exists is a path", []string{"data/my.toml", "work/my.toml"}, "my.toml", "@/data", "work/my.toml"},
		{"file name in the data directory", []string{"data/my.toml"}, "my.toml", "@/data", "data/my.toml"},
		{"relative path", []string{"work/etc/my.conf"}, "etc/my.conf", "@/data", "work/etc/my.conf"},
		{"absolute path", []string{"home/my"}, "@/home/my", "@/data", "home/my"},
		{"a named file, not the default one", []string{"data/config.toml", "data/my.toml"}, "my", "@/data", "data/my.toml"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"data/keep": "", "work/keep": "", "home/keep": ""}
			for _, f := range tt.files {
				files[f] = dummyFile
			}
			dir := write(t, files)
			c, err := Load(Source{
				File:    strings.ReplaceAll(tt.file, "@", dir),
				Dir:     strings.ReplaceAll(tt.dir, "@", dir),
				WorkDir: filepath.Join(dir, "work"),
				Environ: []string{"HOME=" + filepath.Join(dir, "home")},
			})
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(dir, tt.want); c.SourceFile != want {
				t.Errorf("read %s, want %s", c.SourceFile, want)
			}
			if c.Debug {
				t.Error("the file was not read")
			}
			if !filepath.IsAbs(c.DataDir) {
				t.Errorf("data directory %s is not absolute", c.DataDir)
			}
		})
	}
}

func TestFileNotFound(t *testing.T) {
	dir := write(t, map[string]string{"data/config.toml": dummyFile, "work/keep": ""})
	src := Source{Dir: filepath.Join(dir, "data"), WorkDir: filepath.Join(dir, "work")}
	tests := []struct {
		file string
		want []string // where it was looked for
	}{
		{"my", []string{"data/my.toml", "work/my.toml"}},
		{"my.toml", []string{"work/my.toml", "data/my.toml"}},
		{"./my.toml", []string{"work/my.toml"}},
		{"etc/my", []string{"work/etc/my"}},
	}
	for _, tt := range tests {
		src.File = tt.file
		_, err := Load(src)
		if teller.CodeOf(err) != teller.CodeNotFound {
			t.Errorf("%s: got %v, want not found", tt.file, err)
			continue
		}
		for i, p := range tt.want {
			tt.want[i] = filepath.Join(dir, p)
		}
		if want := strings.Join(tt.want, " and "); !strings.HasSuffix(err.Error(), "looked for "+want) {
			t.Errorf("%s: %v, want to be told %s", tt.file, err, want)
		}
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := write(t, map[string]string{
		"dir/config.toml/x": "", "big.toml": strings.Repeat("#", maxFileSize+1), "bad.toml": "debug = true\n=",
	})
	tests := []struct {
		src  Source
		want string
	}{
		{Source{Dir: filepath.Join(dir, "dir")}, "is a directory"},
		{Source{Dir: dir, File: filepath.Join(dir, "big.toml")}, "larger than 1 MiB"},
		{Source{Dir: dir, File: filepath.Join(dir, "bad.toml")}, filepath.Join(dir, "bad.toml") + ":2:1: not valid TOML"},
		{Source{WorkDir: dir}, "HOME is not set"},
	}
	for _, tt := range tests {
		if _, err := Load(tt.src); err == nil || !strings.Contains(err.Error(), tt.want) || teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%+v: got %v, want %s", tt.src, err, tt.want)
		}
	}
}

// TestNoFileSaysWhatToDo is the first thing that an operator sees.
func TestNoFileSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	src := Source{Dir: filepath.Join(dir, "data"), WorkDir: dir}
	_, err := Load(src)
	var mistakes Mistakes
	if !errors.As(err, &mistakes) || teller.CodeOf(err) != teller.CodeInvalid {
		t.Fatalf("got %v, want mistakes", err)
	}
	var keys []string
	for _, m := range mistakes {
		keys = append(keys, m.Key)
	}
	want := []string{"btc_rpc.user", "btc_rpc.pass", "sky_exchanger.sky_btc_exchange_rate", "btc_addresses", "sky_exchanger.wallet"}
	if !reflect.DeepEqual(keys, want) {
		t.Errorf("mistakes in %q, want %q", keys, want)
	}
	head, _, _ := strings.Cut(err.Error(), "\n")
	for _, s := range []string{filepath.Join(dir, "data/config.toml"), filepath.Join(dir, "config.toml"), "config.example.toml"} {
		if !strings.Contains(head, s) {
			t.Errorf("%q does not mention %s", head, s)
		}
	}
	c, err := Read(src)
	if err != nil {
		t.Fatalf("Read, which demands nothing: %v", err)
	}
	if c.SourceFile != "" || c.DBPath() != filepath.Join(dir, "data/teller.db") {
		t.Errorf("file %q, database %q", c.SourceFile, c.DBPath())
	}
}

// TestLoadReportsEverythingAtOnce mixes mistakes of every stage; each is named once, as the file spells it.
func TestLoadReportsEverythingAtOnce(t *testing.T) {
	dir := write(t, map[string]string{"config.toml": `
btc_addresses = "no.txt"
[btc_scanner]
scan_perod = "5s"
confirmations_required = -1
[btc_rpc]
user = "u"
[sky_exchanger]
sky_btc_exchange_rate = "many"
wallet = "."
[sky_exchanger.c2cx]
check_order_wait = 0
`})
	_, err := Load(Source{Dir: dir, WorkDir: dir, Environ: []string{"TELLER_BTC_RPC_PASS=p", "TELLER_EXCHANGE_SECRET=s", "TELLER_ADMIN_TOKEN=a b"}})
	want := filepath.Join(dir, "config.toml") + `:
btc_scanner.scan_perod: unknown key; did you mean btc_scanner.scan_period? (line 4)
sky_exchanger.sky_btc_exchange_rate: "many" is not an exchange rate: write an integer, a decimal or a fraction greater than 0 (line 9)
btc_scanner.confirmations_required: must not be negative, is -1 (line 5)
sky_exchanger.exchange_client.key: needed: the API key of the account, here or in TELLER_EXCHANGE_KEY
sky_exchanger.c2cx.check_order_wait: must be longer than 0, is 0s (line 12)
admin_panel.token: must consist of printable ASCII characters without blanks: it travels in a header (TELLER_ADMIN_TOKEN)
btc_addresses: there is no ` + filepath.Join(dir, "no.txt") + ` (line 2)
sky_exchanger.wallet: ` + dir + ` is a directory, not a file (line 10)`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	dir := write(t, map[string]string{"pass.txt": "", "config.toml": dummyFile + `
[btc_rpc]
user = "file"
pass = "file"
[admin_panel]
token = "file"
`})
	c, err := Load(Source{Dir: dir, WorkDir: dir, Environ: []string{
		"TELLER_BTC_RPC_USER=env", "TELLER_BTC_RPC_PASS=", "TELLER_ADMIN_TOKEN=a=b", "TELLER_WALLET_PASSPHRASE_FILE=pass.txt",
		"=strange", "noequals", "TELLER_=x", "TELLER_BTC_RPC_PASSWORD=oops", "TELLER_TOOLS=/x", "PASS=x",
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.BTCRPC.User.Reveal(), c.BTCRPC.Pass.Reveal(), c.AdminPanel.Token.Reveal(), c.SkyExchanger.WalletPassphraseFile}
	if want := []string{"env", "file", "a=b", "pass.txt"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	warnings := strings.Join(c.Warnings(), "\n")
	if !strings.Contains(warnings, "TELLER_BTC_RPC_PASSWORD, which teller does not read; did you mean TELLER_BTC_RPC_PASS?") ||
		strings.Contains(warnings, "TELLER_TOOLS") || strings.Contains(warnings, "oops") {
		t.Errorf("warnings: %s", warnings)
	}
}

func TestEveryEnvironmentVariable(t *testing.T) {
	var environ []string
	c := Default()
	for _, f := range schemaOf(&c).fields {
		if f.env != "" {
			environ = append(environ, f.env+"=of "+f.env)
		}
	}
	if len(environ) != 9 {
		t.Fatalf("%d variables: %q", len(environ), environ)
	}
	c, err := Read(Source{Dir: t.TempDir(), WorkDir: t.TempDir(), Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range schemaOf(&c).fields {
		got := f.value.Interface()
		if s, ok := got.(Secret); ok {
			got = s.Reveal()
		}
		if f.env != "" && got != "of "+f.env {
			t.Errorf("%s: %v", f.env, got)
		}
	}
}

// TestDummyModeFromTheReadme uses no key that the original's README does not list.
func TestDummyModeFromTheReadme(t *testing.T) {
	dir := write(t, map[string]string{"work/config.toml": readmeDummy, "work/web/index.html": "hi",
		"work/btc_addresses.json": `{"btc_addresses": []}`, "work/eth_addresses.json": `{"eth_addresses": []}`})
	c, err := Load(Source{File: "config", Dir: filepath.Join(dir, "data"), WorkDir: filepath.Join(dir, "work")})
	if err != nil {
		t.Fatal(err)
	}
	if c.DBPath() != filepath.Join(dir, "data", "data") || c.LogPath() != "" {
		t.Errorf("database %s, log %q", c.DBPath(), c.LogPath())
	}
	btc := c.Terms().Coins[teller.BTC]
	if !btc.Enabled || btc.Rate.String() != "500" || btc.MinimumVolume != "0.005" {
		t.Errorf("terms for BTC: %+v", btc)
	}
	if len(c.Warnings()) != 2 { // its Docker example opens the admin and dummy interfaces to everybody
		t.Errorf("warnings: %q", c.Warnings())
	}
}

const readmeDummy = `
debug = true
profile = false
logfile = ""
dbfile = "/data"
pidfile = "teller.pid"
btc_addresses = "btc_addresses.json"
eth_addresses = "eth_addresses.json"

[teller]
max_bound_addrs = 5
bind_enabled = true

[sky_rpc]
address = "127.0.0.1:6420"

[btc_rpc]
server = "127.0.0.1:8334"
user = ""
pass = ""
cert = ""

[btc_scanner]
scan_period = "20s"
initial_scan_height = 492478
confirmations_required = 1

[eth_rpc]
server = "127.0.0.1"
port = "8545"

[eth_scanner]
scan_period = "5s"
initial_scan_height = 4654259
confirmations_required = 1

[sky_exchanger]
max_decimals = 3
sky_btc_exchange_rate = "500"
sky_eth_exchange_rate = "100/3"
wallet = "example.wlt"
tx_confirmation_check_wait = "5s"
send_enabled = true
buy_method = "direct"

[sky_exchanger.exchange_client]
key = ""
secret = ""
request_failure_wait = "10s"
ratelimit_wait = "30s"
check_order_wait = "2s"
btc_minimum_volume = 0.005

[web]
behind_proxy = false
static_dir = "./web"
throttle_max = 60
throttle_duration = 60
http_addr = "0.0.0.0:7071"
https_addr = ""
auto_tls_host = ""
tls_cert = ""
tls_key = ""
cors_allowed = []

[admin_panel]
host = "0.0.0.0:7711"

[dummy]
sender = true
scanner = true
http_addr = "0.0.0.0:4121"
`
