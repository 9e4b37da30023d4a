package config

import (
	"errors"
	"io/fs"
	"os"

	"github.com/skycoin/teller"
)

// checkFiles finds the mistakes that only the file system knows: a file that a serving counter will open and that is
// not there. What the files contain is for those who read them.
func (c Config) checkFiles() Mistakes {
	var ms Mistakes
	for _, coin := range teller.Coins {
		if c.Scanner(coin).Enabled {
			ms.wantFile(coin.Lower()+"_addresses", c.Path(c.Addresses(coin)))
		}
	}
	if !c.Dummy.Sender {
		ms.wantFile("sky_exchanger.wallet", c.Path(c.SkyExchanger.Wallet))
		ms.wantFile("sky_exchanger.wallet_passphrase_file", c.Path(c.SkyExchanger.WalletPassphraseFile))
	}
	if !c.Dummy.Scanner && c.BTCScanner.Enabled {
		ms.wantFile("btc_rpc.cert", c.Path(c.BTCRPC.Cert))
	}
	ms.wantDir("web.static_dir", c.Path(c.Web.StaticDir))
	if info, err := os.Stat(c.DataDir); err == nil && !info.IsDir() { // that it is not there yet is no mistake
		ms.add("-d", "the data directory %s is not a directory", c.DataDir)
	}
	return ms
}

// wantFile adds a mistake unless path is "" or something that can be read like a file.
func (ms *Mistakes) wantFile(key, path string) {
	if info, ok := ms.stat(key, path); ok && info.IsDir() {
		ms.add(key, "%s is a directory, not a file", path)
	}
}

func (ms *Mistakes) wantDir(key, path string) {
	if info, ok := ms.stat(key, path); ok && !info.IsDir() {
		ms.add(key, "%s is not a directory", path)
	}
}

func (ms *Mistakes) stat(key, path string) (fs.FileInfo, bool) {
	if path == "" {
		return nil, false
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		ms.add(key, "there is no %s", path)
	case err != nil:
		ms.add(key, "%v", err)
	}
	return info, err == nil
}
