package config

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

func TestMainGenesisIsSignedByThePublisher(t *testing.T) {
	// The parameters are those of the node's own fiber.toml.
	owner := cipher.MustDecodeBase58Address("2jBbGxZRGoQG1mqhPBnXnLTxK6oxsTf8os6")
	block, err := coin.NewGenesisBlock(owner, 100e12, 1426562704)
	if err != nil {
		t.Fatal(err)
	}
	if got := block.HashHeader().Hex(); got != MainGenesis {
		t.Errorf("genesis hash is %s, MainGenesis is %s", got, MainGenesis)
	}
	signature := cipher.MustSigFromHex("eb10468d10054d15f2b6f8946cd46797779aa20a7617ceb4be884189f219bc9a" +
		"164e56a5b9f7bec392a804ff3740210348d73db77a37adb542a8e08d429ac92700")
	publisher := cipher.MustPubKeyFromHex("0328c576d3f420e7682058a981173a4b374c7cc5ff55bf394d3cf57059bbe6456a")
	if err := cipher.VerifyPubKeySignedHash(publisher, signature, cipher.MustSHA256FromHex(MainGenesis)); err != nil {
		t.Error(err)
	}
}

func TestPaths(t *testing.T) {
	c := Default()
	c.DataDir, c.workDir, c.home = "/data", "/elsewhere", "/home/op"
	tests := []struct{ name, got, want string }{
		{"database", c.DBPath(), "/data/teller.db"},
		{"default log", c.LogPath(), "/elsewhere/teller.log"},
		{"relative", c.Path("a/b.txt"), "/elsewhere/a/b.txt"},
		{"absolute", c.Path("/a//b.txt"), "/a/b.txt"},
		{"home", c.Path("~/.btcd/rpc.cert"), "/home/op/.btcd/rpc.cert"},
		{"tilde alone is a name", c.Path("~x"), "/elsewhere/~x"},
		{"unset", c.Path(""), ""},
	}
	for _, tt := range tests {
		if filepath.ToSlash(tt.got) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, tt.got, tt.want)
		}
	}

	c.LogFile, c.DBFile = "", "/data"
	if got := c.LogPath(); got != "" {
		t.Errorf("log to standard output: got path %q", got)
	}
	if got := c.DBPath(); got != "/data/data" {
		t.Errorf(`dbfile "/data": got %s, want /data/data`, got)
	}
}

func TestTerms(t *testing.T) {
	c := Dummy("/data")
	c.ETHScanner.Enabled = false
	c.SkyExchanger.SkyETHExchangeRate = teller.Rate{}
	c.SkyExchanger.SendEnabled = false
	want := teller.Terms{
		BindEnabled: true, SendEnabled: false, BuyMethod: teller.BuyDirect, MaxBoundAddrs: 5, MaxDecimals: 3,
		Coins: map[teller.Coin]teller.CoinTerms{
			teller.BTC: {Enabled: true, Confirmations: 1, Rate: teller.MustRate("500"), MinimumVolume: "0.005", Traded: true},
			teller.ETH: {Enabled: false, Confirmations: 1, MinimumVolume: "0"},
			teller.SKY: {Enabled: true, Confirmations: 0, Rate: teller.MustRate("1"), MinimumVolume: "0"},
		},
	}
	if got := c.Terms(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestPerCoin(t *testing.T) {
	c := Dummy("/data")
	c.BTCAddresses, c.ETHAddresses, c.SkyAddresses = "b", "e", "s"
	want := map[teller.Coin]struct {
		file, rate string
		height     int64
	}{
		teller.BTC: {"b", "500", 492478}, teller.ETH: {"e", "50", 4654259}, teller.SKY: {"s", "1", 17000},
	}
	for coin, w := range want {
		if got := c.Addresses(coin); got != w.file {
			t.Errorf("%s: addresses %q, want %q", coin, got, w.file)
		}
		if got := c.Rate(coin).String(); got != w.rate {
			t.Errorf("%s: rate %q, want %q", coin, got, w.rate)
		}
		if got := c.Scanner(coin).InitialScanHeight; got != w.height {
			t.Errorf("%s: height %d, want %d", coin, got, w.height)
		}
	}
}

func TestDummyIsValidAndQuiet(t *testing.T) {
	c := Dummy(t.TempDir())
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if ms := c.checkFiles(); len(ms) > 0 {
		t.Error(ms)
	}
	if ws := c.Warnings(); len(ws) > 0 {
		t.Errorf("warnings: %q", ws)
	}
	if c.LogPath() != "" {
		t.Errorf("log goes to %q, want standard output", c.LogPath())
	}
	for _, coin := range teller.Coins {
		if !c.Terms().Coins[coin].Enabled {
			t.Errorf("%s is not enabled", coin)
		}
	}
}

func TestDefaultIsQuiet(t *testing.T) {
	if ws := Default().Warnings(); len(ws) > 0 {
		t.Errorf("warnings: %q", ws)
	}
}
