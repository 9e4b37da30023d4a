// Package bolt keeps the ledger in one bbolt file, and the bindings also in a journal beside it.
//
// # Reading guide
//
// schema.go lists every bucket with its keys and values. rows.go turns a deposit into the JSON row that the original
// teller wrote, with our own fields beside its, and back. Everything else about a deposit is derived from its row:
// indexes.go says in which indexes a row stands, counters.go what it adds to the totals, and txn.save brings indexes,
// counters and audit log in line with a changed row. So a step of the business is: load the row, call the Deposit's
// method, save it.
//
// The steps themselves are in the file of their part of the port: bindings.go, scan.go with credit.go, rewind.go,
// unbound.go, rescan.go and balances.go, deposits.go, orders.go, wallet.go and payouts.go, operator.go. However a transfer comes to
// light (in a block, in a block that is read again, with the binding of its address, by a balance), it becomes a row in
// txn.enter (arrival.go).
// imported.go takes over a database of the original, upgrade.go one of an older teller, backup.go copies the file.
//
// # How a write happens
//
// Every step is a function over a txn. One goroutine (writer.go) takes all the steps that wait, runs them in one bolt
// transaction, commits, appends the new bindings to the journal (journal.go), and only then answers: sixty-four callers
// share three fsyncs. A step that is refused before it wrote anything just gets its answer. When one fails after it
// wrote, the whole transaction is rolled back and the others run again, each on its own, so that a bad step never fails
// its neighbours. A step may therefore run twice, and must set its results anew each time.
//
// Reads are short read transactions of one page each, so that no reader keeps the file from growing.
package bolt
