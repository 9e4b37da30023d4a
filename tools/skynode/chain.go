package main

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/skycoin/skycoin/src/api"
	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/cipher/encoder"
	"github.com/skycoin/skycoin/src/coin"
	"github.com/skycoin/skycoin/src/daemon"
	"github.com/skycoin/skycoin/src/kvstorage"
	"github.com/skycoin/skycoin/src/params"
	"github.com/skycoin/skycoin/src/readable"
	"github.com/skycoin/skycoin/src/util/useragent"
	"github.com/skycoin/skycoin/src/visor"
	"github.com/skycoin/skycoin/src/visor/dbutil"
	"github.com/skycoin/skycoin/src/wallet"
)

// The main chain's own numbers for its first block.
const (
	genesisTime  = 1426562704
	genesisCoins = 100e6 * 1e6 // droplets
)

// version is what the node says of itself: the library's release.
const version = "0.27.1"

// chain is the node: Skycoin's visor and API around one database.
type chain struct {
	db     *dbutil.DB
	visor  *visor.Visor
	api    *api.Server
	secret cipher.SecKey // signs blocks
	inject *injector

	genesisAddress, genesisHash string

	mining sync.Mutex
}

func openChain(o Options) (*chain, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	db, err := visor.OpenDB(filepath.Join(o.Dir, "data.db"), false)
	if err != nil {
		return nil, err
	}
	c := &chain{db: db}
	if err := c.build(o); err != nil {
		_ = db.Close()
		return nil, err
	}
	return c, nil
}

func (c *chain) build(o Options) error {
	public, secret := cipher.MustGenerateDeterministicKeyPair([]byte(o.ChainSeed))
	c.secret = secret
	owner, _ := cipher.MustGenerateDeterministicKeyPair([]byte(o.GenesisSeed))
	genesis := cipher.AddressFromPubKey(owner)
	c.genesisAddress = genesis.String()

	wallets, err := wallet.NewService(wallet.NewConfig()) // its API stays disabled: the node holds no keys
	if err != nil {
		return err
	}
	vc := visor.NewConfig()
	vc.Distribution = params.MainNetDistribution
	vc.IsBlockPublisher, vc.Arbitrating = true, true
	vc.BlockchainPubkey, vc.BlockchainSeckey = public, secret
	vc.GenesisAddress, vc.GenesisTimestamp, vc.GenesisCoinVolume = genesis, genesisTime, genesisCoins
	if c.visor, err = visor.New(vc, c.db, wallets); err != nil {
		return err
	}
	if err := c.visor.Init(); err != nil {
		return err
	}
	first, err := c.visor.GetSignedBlockBySeq(0)
	if err != nil {
		return err
	}
	c.genesisHash = first.HashHeader().Hex()
	return c.serve(o, public, wallets)
}

// serve makes the REST API, with the checks that a node has by default.
func (c *chain) serve(o Options, public cipher.PubKey, wallets *wallet.Service) error {
	dc := daemon.NewConfig()
	dc.Pex.DataDirectory, dc.Pex.Disabled, dc.Pex.NetworkDisabled, dc.Pex.DownloadPeerList = o.Dir, true, true, false
	dc.Daemon.DisableNetworking = true
	dc.Daemon.DataDirectory = o.Dir
	dc.Daemon.BlockchainPubkey = public
	dc.Daemon.UserAgent = useragent.Data{Coin: "skycoin", Version: version}
	d, err := daemon.New(dc, c.visor) // never run: it only answers the API's questions about peers
	if err != nil {
		return err
	}
	storage, err := kvstorage.NewManager(kvstorage.NewConfig())
	if err != nil {
		return err
	}
	c.inject = &injector{Gateway: api.NewGateway(d, c.visor, wallets, storage)}
	c.api, err = api.Create(o.Address, api.Config{
		DisableCSRF:    o.NoCSRF,
		EnabledAPISets: map[string]struct{}{api.EndpointsRead: {}, api.EndpointsTransaction: {}, api.EndpointsStatus: {}},
		Health: api.HealthConfig{
			BuildInfo:       readable.BuildInfo{Version: version},
			Fiber:           readable.FiberConfig{Name: "skycoin"},
			DaemonUserAgent: dc.Daemon.UserAgent,
			BlockPublisher:  true,
		},
	}, c.inject)
	return err
}

// mined is the answer to POST /mine.
type mined struct {
	Seq   uint64 `json:"seq"`   // of the head block
	Count int    `json:"count"` // transactions in the new block, 0 when nothing was pending and no block was made
}

// nothingValid is the visor's word for "what is pending can not be in a block now".
const nothingValid = "No transactions after filtering for constraint violations"

// mine makes one block as a publisher does: what pays most hours a byte first, up to the block's size.
func (c *chain) mine(advance time.Duration) (mined, error) {
	c.mining.Lock()
	defer c.mining.Unlock()
	head, err := c.visor.GetHeadBlock()
	if err != nil {
		return mined{}, err
	}
	pending, err := c.visor.GetAllUnconfirmedTransactions()
	if err != nil {
		return mined{}, err
	}
	txns := make(coin.Transactions, 0, len(pending))
	for _, p := range pending {
		txns = append(txns, p.Transaction)
	}
	if len(txns) == 0 {
		return mined{Seq: head.Seq()}, nil
	}
	now := uint64(time.Now().Unix()) // #nosec G115 -- after 1970
	when := max(now, head.Time()+1) + uint64(advance/time.Second)
	b, err := c.visor.CreateBlockFromTxns(txns, when)
	if err != nil && err.Error() == nothingValid {
		return mined{Seq: head.Seq()}, nil
	}
	if err != nil {
		return mined{Seq: head.Seq()}, err
	}
	signed := coin.SignedBlock{Block: b, Sig: cipher.MustSignHash(b.HashHeader(), c.secret)}
	if err := c.visor.ExecuteSignedBlock(signed); err != nil {
		return mined{Seq: head.Seq()}, err
	}
	return mined{Seq: b.Head.BkSeq, Count: len(b.Body.Transactions)}, nil
}

// take adds a signed block that another node has made.
func (c *chain) take(raw []byte) error {
	var b coin.SignedBlock
	if err := encoder.DeserializeRawExact(raw, &b); err != nil {
		return err
	}
	c.mining.Lock()
	defer c.mining.Unlock()
	return c.visor.ExecuteSignedBlock(b)
}

// prune drops pending transactions that a block has made impossible.
func (c *chain) prune() error {
	_, err := c.visor.RemoveInvalidUnconfirmed()
	return err
}

func (c *chain) close() {
	c.api.Shutdown()
	_ = c.db.Close()
}
