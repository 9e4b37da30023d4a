package chaintest

import (
	"context"

	"github.com/skycoin/teller"
)

// follower follows a chain in the plainest way that is right: one block after the other, each the child of the one
// before it, and back to the common block when the chain has turned. It is what the suite takes for a ledger.
type follower struct {
	chain   teller.Chain
	watched teller.Watched
	saved   []teller.Block // without gaps
	reads   int            // of blocks, since it was made
	rewinds int            // in this catchUp
}

// manyRewinds are more than any test's chain turns: the adapter says now this and now that.
const manyRewinds = 100

// follow makes a follower that begins at a height and brings it to the tip.
func (x *trial) follow(from int64, watched teller.Watched) *follower {
	x.Helper()
	f := &follower{chain: x.chain, watched: watched, saved: []teller.Block{{BlockRef: teller.BlockRef{Height: from - 1}}}}
	parent, err := x.chain.BlockHash(x.ctx, from-1)
	x.must(err)
	f.saved[0].Hash = parent
	x.must(f.catchUp(x.ctx))
	return f
}

// restart is a follower that knows what f stored, with an adapter of its own.
func (f *follower) restart(chain teller.Chain) *follower {
	return &follower{chain: chain, watched: f.watched, saved: f.saved}
}

func (f *follower) cursor() teller.Block { return f.saved[len(f.saved)-1] }

// catchUp follows the chain to its tip.
func (f *follower) catchUp(ctx context.Context) error {
	for f.rewinds = 0; f.rewinds < manyRewinds; {
		moved, err := f.step(ctx)
		if err != nil || !moved {
			return err
		}
	}
	return teller.Errorf(teller.CodeInternal, "the chain turns for ever, at %s", show(f.cursor()))
}

// step reads one block or goes back. It reports whether there may be more to do.
func (f *follower) step(ctx context.Context) (bool, error) {
	tip, err := f.chain.Tip(ctx)
	if err != nil {
		return false, err
	}
	cursor := f.cursor()
	switch {
	case tip.Height < cursor.Height && f.hash(tip.Height) == tip.Hash:
		return false, teller.Errorf(teller.CodeNodeBehind, "the node is at block %d, we are at %d", tip.Height, cursor.Height)
	case tip.Height < cursor.Height, tip.Height == cursor.Height && tip.Hash != cursor.Hash:
		return true, f.rewind(ctx)
	case tip.Height == cursor.Height:
		return false, nil
	}
	f.reads++
	b, err := f.chain.Block(ctx, cursor.Height+1, f.watched)
	if teller.CodeOf(err) == teller.CodeNotFound {
		if now, tipErr := f.chain.Tip(ctx); tipErr == nil && now == tip {
			return false, err
		}
		return true, nil // the chain became shorter meanwhile
	}
	if err != nil {
		return false, err
	}
	if b.Height != cursor.Height+1 || b.Hash == "" {
		return false, teller.Errorf(teller.CodeInternal, "asked for block %d, got %s", cursor.Height+1, show(b))
	}
	if b.Parent != cursor.Hash {
		if err := f.rewind(ctx); err != nil {
			return false, err
		}
		if now, err := f.chain.Tip(ctx); err == nil && now == tip && f.cursor().Hash == cursor.Hash {
			return false, teller.Errorf(teller.CodeInternal, "%s is not the child of block %s, and both are on the chain", show(b), cursor.Hash)
		}
		return true, nil
	}
	f.saved = append(f.saved, b)
	return true, nil
}

// rewind goes back to the last block that is on the node's chain. That the chain turns again meanwhile does no harm:
// then the next block's parent is another one again.
func (f *follower) rewind(ctx context.Context) error {
	f.rewinds++
	for i := len(f.saved) - 1; i >= 0; i-- {
		hash, err := f.chain.BlockHash(ctx, f.saved[i].Height)
		if err != nil && teller.CodeOf(err) != teller.CodeNotFound {
			return err
		}
		if err == nil && hash == f.saved[i].Hash {
			f.saved = f.saved[: i+1 : i+1]
			return nil
		}
	}
	return teller.Errorf(teller.CodeWrongNetwork, "the chain has none of the saved blocks")
}

// hash is the hash of a saved block, "" of any other.
func (f *follower) hash(height int64) string {
	if i := height - f.saved[0].Height; i >= 0 && i < int64(len(f.saved)) {
		return f.saved[i].Hash
	}
	return ""
}

// transfers are all payments found, and all of them again for a payment that was found twice.
func (f *follower) transfers() []teller.Transfer {
	var ts []teller.Transfer
	for _, b := range f.saved {
		ts = append(ts, b.Transfers...)
	}
	return ts
}

// wantFound checks that a follower found these payments and no others.
func (x *trial) wantFound(f *follower, want []teller.Transfer) {
	x.Helper()
	if got := f.transfers(); describe(got) != describe(want) {
		x.Errorf("found\n%s\nup to %s, want\n%s", describe(got), f.cursor().Hash, describe(want))
	}
}
