// Package c2cxsim is a simulator of C2CX, the exchange that passthrough was written for and whose public service is
// closed: a real HTTP server with an order book, accounts, orders and everything that goes wrong. Dummy mode buys on it,
// tests are run against it, and what it knows of its orders is what an audit of a run is made with. All arithmetic is
// exact. It shares no code with the adapter that speaks to it.
//
// # The exchange
//
// Under /v1/ it speaks C2CX's protocol: POST forms, signed; HTTP status 200 with the real code in the body; numbers
// written as numbers in one answer and as strings in the next, as orders with odd and even ids are. The one market is
// BTC_SKY, and only others sell: the book holds their asks. Accounts buy, by
//
//   - market orders, which spend a sum of BTC at whatever price. The sum may stand in quantity or in price, because
//     C2CX's documentation and its known clients disagree. One that finds too little on offer waits for more.
//   - limit orders, for a quantity at a price or a better one. What finds none waits.
//
// A market order that the account can not pay is accepted and cancelled at once, and such a limit order is accepted and
// suspended until the account can pay it: so did C2CX. Options.RefuseShort makes it refuse both instead. Fees are taken
// in SKY. A client id (cid) that an order was ever accepted under is refused for ever.
//
// # Steering it in process
//
// SetBook, Deposit, End, Suspend, Resume and Fill change the world; AddFault says what goes wrong next; Orders, Order,
// Accounts, Book and Totals read everything back exactly; Check holds all of it against what came in and went out. With
// Options.FaultPercent faults come by themselves, the same ones for the same seed and the same order of requests.
// Transport serves an HTTP client without a network.
//
// # Steering it by HTTP
//
// Under /sim/ it takes and gives JSON, without authentication: do not let it listen to others. Amounts are strings.
//
//	GET    /sim/state                     accounts, orders, book, faults that wait, totals
//	GET    /sim/orders/{order}            one order, by its cid or its orderId
//	GET    /sim/check                     {"ok": true, "wrong": []}
//	POST   /sim/book                      {"asks": [{"price": "0.001", "quantity": "10"}], "add": false}
//	POST   /sim/deposit                   {"key": "K", "coin": "btc", "amount": "1.5"}; a negative amount withdraws
//	POST   /sim/orders/{order}/end        {"status": "cancelled" | "error" | "expired"}
//	POST   /sim/orders/{order}/suspend    until it is resumed
//	POST   /sim/orders/{order}/resume
//	POST   /sim/orders/{order}/fill       {"price": "0.001", "quantity": "2"}, past the book
//	POST   /sim/faults                    {"kind": "lose_reply", "endpoint": "createorder", "times": 1}; see Fault
//	DELETE /sim/faults                    forget those that wait
//	POST   /sim/fault-percent             {"percent": 10}
//
// Success is 200 with what was changed, refusal 400 with {"error": "..."}.
//
// # Storage
//
// With Options.Journal all of it is kept in a file: every change is one line of JSON, written before the answer goes out,
// so that a killed and restarted server has forgotten no order. It is not synced to disk: nobody's money depends on it.
// Faults that wait are not kept. Only one process may have a journal open.
package c2cxsim
