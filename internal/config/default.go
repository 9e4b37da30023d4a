package config

import (
	"time"

	"github.com/skycoin/teller"
)

// MainGenesis is the hash of block 0 of Skycoin's main chain. The chain's publisher signed it; a test checks that.
const MainGenesis = "0551a1e5af999fe8fff529f6f2ab341e1e33db95135eef1b2be44fe6981349f3"

// Default is the configuration of an empty file. It is not enough to serve with: rates, deposit addresses, a wallet and
// the Bitcoin node's login have no default that could be right.
func Default() Config {
	return Config{
		Debug:   true,
		LogFile: "./teller.log",
		DBFile:  "teller.db",
		Teller:  Teller{MaxBoundAddrs: 5, BindEnabled: true},
		SkyRPC:  SkyRPC{Address: "127.0.0.1:6420", Genesis: MainGenesis, MinPeers: 1},
		BTCRPC:  BTCRPC{Server: "127.0.0.1:8334", Network: "mainnet", Filters: FiltersAuto},
		ETHRPC:  ETHRPC{Server: "127.0.0.1", Port: "8545", ChainID: 1, Trace: TraceAuto},
		BTCScanner: Scanner{
			Enabled: true, ScanPeriod: 20 * time.Second, InitialScanHeight: 492478, ConfirmationsRequired: 1,
		},
		ETHScanner: Scanner{ScanPeriod: 5 * time.Second, InitialScanHeight: 4654259, ConfirmationsRequired: 1},
		SkyScanner: Scanner{ScanPeriod: 5 * time.Second, InitialScanHeight: 17000},
		SkyExchanger: SkyExchanger{
			MaxDecimals:             teller.MaxDecimals,
			MaxTransactionSize:      24000, // a transaction that fills a block is pushed out of it by any small one
			TxConfirmationCheckWait: 5 * time.Second,
			SendEnabled:             true,
			BuyMethod:               teller.BuyDirect,
			ExchangeClient: ExchangeClient{
				Name:               ExchangeC2CX,
				OnFailure:          FailureHold,
				MaxAttempts:        3,
				RequestTimeout:     10 * time.Second,
				RequestFailureWait: 10 * time.Second,
				RatelimitWait:      30 * time.Second,
				CheckOrderWait:     2 * time.Second,
				BTCMinimumVolume:   "0.005",
				ETHMinimumVolume:   "0",
			},
		},
		Web:        Web{ThrottleMax: 60, ThrottleDuration: time.Minute, HTTPAddr: "127.0.0.1:7071"},
		AdminPanel: AdminPanel{Host: "127.0.0.1:7711"},
		Dummy:      DummyMode{HTTPAddr: "127.0.0.1:4121", Coins: 100 * teller.DropletsPerSKY, Hours: 100},
	}
}

// Dummy is the configuration of a demonstration that needs no file, node, wallet or address: everything outside is
// simulated, all coins are accepted at sample rates, the log goes to standard output and the data into dir.
func Dummy(dir string) Config {
	c := Default()
	c.DataDir = dir
	c.LogFile = ""
	c.BTCScanner.Enabled = true
	c.ETHScanner.Enabled = true
	c.SkyScanner.Enabled = true
	c.SkyExchanger.SkyBTCExchangeRate = teller.MustRate("500")
	c.SkyExchanger.SkyETHExchangeRate = teller.MustRate("50")
	c.SkyExchanger.SkySkyExchangeRate = teller.MustRate("1")
	c.Dummy.Sender = true
	c.Dummy.Scanner = true
	return c
}
