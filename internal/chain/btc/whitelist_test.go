package btc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
)

// Bitcoin Core answers 403 without a body to a method that its rpcwhitelist leaves out: filters then are not to be had,
// and blocks are read.
func TestFiltersThatTheWhitelistLeavesOut(t *testing.T) {
	params := chaincfg.RegressionNetParams
	var raw bytes.Buffer
	if err := params.GenesisBlock.Serialize(&raw); err != nil {
		t.Fatal(err)
	}
	block := hex.EncodeToString(raw.Bytes())
	answers := map[string]string{"getblockhash": params.GenesisHash.String(), "getblockheader": block[:160], "getblock": block}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			ID     uint64
			Method string
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		answer, listed := answers[q.Method]
		if !listed {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, `{"result":%q,"error":null,"id":%d}`, answer, q.ID)
	}))
	defer srv.Close()
	c := newChain(t, Config{Server: strings.TrimPrefix(srv.URL, "http://"), Network: "regtest"})
	for range 3 {
		if _, err := c.Block(t.Context(), 0, listed{scripts{"\x51\x01": true}}); err != nil {
			t.Fatal(err)
		}
	}
}
