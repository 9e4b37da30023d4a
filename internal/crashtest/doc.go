// Package crashtest kills the shipped teller at random moments, over and over, while buyers pay it on real nodes that are
// stopped, paused, made to fail and reorganised, and judges the outcome by the chains and the public API alone:
//
//	make crash KILLS=500
//
// One seed makes all choices; SEED=n makes the same ones again. What they meet is up to the processes, so that a failure
// may take some runs to come back: it tells its story in full.
package crashtest
