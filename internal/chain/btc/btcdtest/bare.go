package btcdtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// BareClient asks the node as plainly as can be. It is what adapters are measured against.
type BareClient struct{ Node *Node }

func (c BareClient) call(ctx context.Context, read func(io.Reader) error, method string, params ...any) error {
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.Node.Server, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	req.SetBasicAuth(c.Node.User, c.Node.Pass)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return read(resp.Body)
}

func (c BareClient) hash(ctx context.Context, height int64) (string, error) {
	var answer struct{ Result string }
	err := c.call(ctx, func(r io.Reader) error { return json.NewDecoder(r).Decode(&answer) }, "getblockhash", height)
	return answer.Result, err
}

// RawBlock reads a full block in hex and throws it away.
func (c BareClient) RawBlock(ctx context.Context, height int64) error {
	hash, err := c.hash(ctx, height)
	if err != nil {
		return err
	}
	return c.call(ctx, func(r io.Reader) error {
		n, err := io.Copy(io.Discard, r)
		if err == nil && n < 1_900_000 {
			err = fmt.Errorf("block %d has %d characters only", height, n)
		}
		return err
	}, "getblock", hash, 0)
}

// VerboseBlock scans a full block by the addresses in the node's JSON.
func (c BareClient) VerboseBlock(ctx context.Context, height int64) error {
	hash, err := c.hash(ctx, height)
	if err != nil {
		return err
	}
	var answer struct {
		Result struct {
			RawTx []struct {
				Txid string
				Vout []struct {
					Value        json.Number
					N            uint32
					ScriptPubKey struct{ Addresses []string }
				}
			}
		}
	}
	if err := c.call(ctx, func(r io.Reader) error { return json.NewDecoder(r).Decode(&answer) }, "getblock", hash, 2); err != nil {
		return err
	}
	watched, outputs := map[string]bool{"somebody's": true}, 0
	for _, tx := range answer.Result.RawTx {
		for _, out := range tx.Vout {
			outputs++
			for _, a := range out.ScriptPubKey.Addresses {
				if watched[a] {
					return fmt.Errorf("%s pays %s", tx.Txid, a)
				}
			}
		}
	}
	if outputs < FullPayments {
		return fmt.Errorf("block %d has %d outputs only", height, outputs)
	}
	return nil
}
