// Package sim proves the engine on simulated days: the real scanners, settlement, counter, wallet and bolt ledger, joined
// as internal/app joins them, over chains, nodes and a disk that do whatever may go wrong.
package sim
