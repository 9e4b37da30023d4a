package config

import (
	"strings"
	"testing"
)

func TestWarnings(t *testing.T) {
	const danger = "DANGER: "
	tests := []struct {
		name string
		base func() Config
		edit func(*Config)
		want string // beginning of the only warning, "" = none
	}{
		{"admin open to all", serving, func(c *Config) { c.AdminPanel.Host = "0.0.0.0:7711" }, danger + "anyone who reaches 0.0.0.0:7711"},
		{"admin on every interface", serving, func(c *Config) { c.AdminPanel.Host = ":7711" }, danger + "anyone who reaches :7711"},
		{"admin on a name", serving, func(c *Config) { c.AdminPanel.Host = "example.com:7711" }, danger + "anyone who reaches example.com:7711"},
		{"admin with a token", serving, func(c *Config) {
			c.AdminPanel.Host, c.AdminPanel.Token = "0.0.0.0:7711", NewSecret("0123456789abcdef")
		}, ""},
		{"admin on loopback", serving, func(c *Config) { c.AdminPanel.Host = "[::1]:7711" }, ""},
		{"admin on mapped loopback", serving, func(c *Config) { c.AdminPanel.Host = "[::ffff:127.0.0.1]:7711" }, ""},
		{"admin on localhost", serving, func(c *Config) { c.AdminPanel.Host = "localhost:7711" }, ""},
		{"short token", serving, func(c *Config) { c.AdminPanel.Token = NewSecret("0123456789abcde") }, "admin_panel.token has fewer than 16"},
		{"dummy scanner, real sender", serving, func(c *Config) { c.Dummy.Scanner = true }, danger + "real SKY is paid"},
		{"real scanner, dummy sender", serving, func(c *Config) { c.Dummy.Sender = true }, danger + "real deposits are taken"},
		{"dummy open to all", func() Config { return Dummy("") }, func(c *Config) { c.Dummy.HTTPAddr = "0.0.0.0:4121" }, "dummy.http_addr 0.0.0.0:4121"},
		{"dummy not opened", serving, func(c *Config) { c.Dummy.HTTPAddr = "0.0.0.0:4121" }, ""},
		{"public to all", serving, func(c *Config) { c.Web.HTTPAddr = "0.0.0.0:7071" }, ""},
		{"btc login in clear", serving, func(c *Config) { c.BTCRPC.Server = "10.0.0.1:8334" }, "btc_rpc.server 10.0.0.1:8334 is called without TLS"},
		{"btc login with TLS", serving, func(c *Config) { c.BTCRPC.Server, c.BTCRPC.Cert = "10.0.0.1:8334", "c" }, ""},
		{"unconfirmed deposits", serving, func(c *Config) { c.BTCScanner.ConfirmationsRequired = 0 }, "btc_scanner.confirmations_required is 0"},
		{"sky node elsewhere", serving, func(c *Config) { c.SkyRPC.Address = "10.0.0.1:6420" }, "sky_rpc.address 10.0.0.1:6420"},
		{"nothing sent", serving, func(c *Config) { c.SkyExchanger.SendEnabled = false }, "sky_exchanger.send_enabled is false"},
		{"unlimited", serving, func(c *Config) { c.Teller.MaxBoundAddrs = 0 }, "teller.max_bound_addrs is 0"},
		{"any price", buying, func(c *Config) { c.SkyExchanger.ExchangeClient.MaxSlippage = "" }, "sky_exchanger.exchange_client.max_slippage is not set"},
		{"any price that nobody asks for", serving, func(c *Config) { c.SkyExchanger.ExchangeClient.MaxSlippage = "" }, ""},
		{"nothing to buy with", onBinance, func(c *Config) {
			c.ETHScanner.Enabled, c.SkyExchanger.ExchangeClient.BTCSymbol = false, ""
		}, "sky_exchanger.buy_method is passthrough, and no coin"},
		{"exchange without TLS", buying, func(c *Config) { c.SkyExchanger.ExchangeClient.URL = "http://c2cx.example:80" }, "sky_exchanger.exchange_client.url is called without"},
		{"exchange on this machine", buying, func(c *Config) { c.SkyExchanger.ExchangeClient.URL = "http://[::1]:8080" }, ""},
		{"no coin", serving, func(c *Config) { c.BTCScanner.Enabled = false }, "no scanner is enabled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.base()
			tt.edit(&c)
			got := c.Warnings()
			switch {
			case tt.want == "" && len(got) > 0:
				t.Errorf("got %q, want none", got)
			case tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tt.want)):
				t.Errorf("got %q, want one, %s...", got, tt.want)
			}
		})
	}
}
