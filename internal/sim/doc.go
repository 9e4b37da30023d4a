// Package sim proves the engine on simulated days: the real scanners, settlement, counter, wallet and bolt ledger, joined
// as internal/app joins them, over chains, nodes and a disk that do whatever may go wrong.
//
// Begin with run.go and events.go: a run draws one event after the other from its seed, most of them a step of one of the
// engine's workers (engine.go), the others the world's turns (world.go, coinchain.go, skychain.go), buyers and an operator.
// Whatever the engine calls goes through a failpoint: a node's method (skynode.go and the chains), the wallet (signer.go),
// an operation of the ledger (ledger.go), a commit or a line of the journal (disk.go). faults.go lists them and decides
// which calls go wrong. A process that dies is a panic on the engine's goroutine, and a new engine on the same files.
//
// After every step that has made something durable the model (model.go, rows.go) looks at all rows and judges by the
// invariants I1 to I9. At the end (quiesce.go) the faults stop and all must be paid. Nothing but the seed decides, so a
// seed replays exactly: no part may draw from a map's order, the wall clock or a random source of its own.
package sim
