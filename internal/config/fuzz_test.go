package config

import (
	"reflect"
	"testing"
)

// FuzzConfig reads arbitrary bytes as a configuration file. Nothing panics; the same bytes give the same answer; what is
// accepted means the same when it is written out and read again.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(dummyFile))
	f.Add([]byte(readmeDummy))
	f.Add([]byte(Default().Redacted()))
	f.Add([]byte("[sky_exchanger.c2cx]\nkey = 1\n[sky_exchanger.exchange_client]\nkey = '2'"))
	f.Add([]byte("web = { cors_allowed = [ \"a\", 1 ], x.y = 1e9 }\n[[dummy]]\ncoins = 0x_1"))
	f.Add([]byte("\"a.b\".c = \"\"\"\n\\u0000\"\"\"\ndebug.x = 1979-05-27"))
	f.Add([]byte("[ssc_rpc]\nx = 1")) // as near to one section as to another
	f.Fuzz(func(t *testing.T, data []byte) {
		c, mistakes, ok := decodeBytes(data)
		again, mistakesAgain, okAgain := decodeBytes(data)
		if ok != okAgain || !reflect.DeepEqual(c, again) || !reflect.DeepEqual(mistakes, mistakesAgain) {
			t.Fatalf("read twice, it differs:\n%s%v\n%s%v", c, mistakes, again, mistakesAgain)
		}
		_ = c.Warnings()
		_ = c.Terms()
		if !ok || len(mistakes) > 0 {
			return
		}
		back, mistakes, ok := decodeBytes([]byte(c.Redacted()))
		if !ok || len(mistakes) > 0 {
			t.Fatalf("%v\n%s", mistakes, c)
		}
		back.BTCRPC, back.AdminPanel.Token = c.BTCRPC, c.AdminPanel.Token // the secrets were hidden
		back.SkyExchanger.ExchangeClient.Key = c.SkyExchanger.ExchangeClient.Key
		back.SkyExchanger.ExchangeClient.Secret = c.SkyExchanger.ExchangeClient.Secret
		if !reflect.DeepEqual(c, back) {
			t.Fatalf("written out\n%s\nread back\n%s", c, back)
		}
	})
}

// decodeBytes is what Load does, without the file system. It is not ok when the bytes are no TOML.
func decodeBytes(data []byte) (Config, Mistakes, bool) {
	c := Default()
	entries, err := parseDocument("fuzz.toml", data)
	if err != nil {
		return c, nil, false
	}
	d := newDecoder(&c)
	d.apply(entries)
	d.mistakes.addNew(c.check())
	return c, d.mistakes, true
}
