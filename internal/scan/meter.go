package scan

import (
	"log/slog"
	"sync"
	"time"

	"github.com/skycoin/teller"
)

// Progress is how far a scan is and how fast it goes on.
type Progress struct {
	Height int64 // the last block stored; UnknownHeight before the first
	Tip    int64 // the node's height as last seen
	Blocks uint64
	// PerSecond is the pace of a catch-up, in blocks, and Remaining the time that it needs at this pace. Both are 0
	// when the scan has caught up, or has not gone on for long enough to tell.
	PerSecond float64
	Remaining time.Duration
}

const (
	// reportEvery is how often a catch-up is logged.
	reportEvery = 10 * time.Second
	// catchingUp is how many blocks behind the tip a scan is said to catch up.
	catchingUp = 10
)

// meter measures the pace of a scan between two reports. Nothing but what is shown depends on it.
type meter struct {
	clock teller.Clock
	log   *slog.Logger

	mu     sync.Mutex
	now    Progress
	since  time.Time // of the current stretch
	blocks uint64    // as of since
}

func newMeter(clock teller.Clock, log *slog.Logger) *meter {
	return &meter{clock: clock, log: log, now: Progress{Height: teller.UnknownHeight, Tip: teller.UnknownHeight}}
}

func (m *meter) progress() Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// passed notes that some blocks were stored, up to a height.
func (m *meter) passed(blocks int, height, tip int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := &m.now
	p.Height, p.Tip = height, max(tip, height)
	p.Blocks += uint64(blocks)
	if tip-height < catchingUp {
		if !m.since.IsZero() {
			m.log.Info("caught up", "height", height)
		}
		m.since, p.PerSecond, p.Remaining = time.Time{}, 0, 0
		return
	}
	now := m.clock.Now()
	if m.since.IsZero() {
		m.since, m.blocks = now, p.Blocks
		m.log.Info("catching up", "height", height, "behind", tip-height)
		return
	}
	took := now.Sub(m.since)
	if took < reportEvery {
		return
	}
	p.PerSecond = float64(p.Blocks-m.blocks) / took.Seconds()
	p.Remaining = time.Duration(float64(tip-height) / p.PerSecond * float64(time.Second)).Round(time.Second)
	m.since, m.blocks = now, p.Blocks
	m.log.Info("catching up", "height", height, "behind", tip-height, "blocks_per_second", int64(p.PerSecond), "eta", p.Remaining)
}
