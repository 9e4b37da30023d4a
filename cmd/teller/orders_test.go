package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/processtest"
	"github.com/skycoin/teller/internal/exchange/c2cx"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
)

// buyOnExchange has the process buy on the simulated exchange.
func (p *process) buyOnExchange() {
	p.t.Helper()
	path := filepath.Join(p.dir, "mine.toml")
	content, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	text := strings.Replace(string(content), "[sky_exchanger]\n", "[sky_exchanger]\nbuy_method = \"passthrough\"\n", 1)
	text += "[sky_exchanger.exchange_client]\ncheck_order_wait = \"1s\"\nrequest_failure_wait = \"1s\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) steer(path, body string) {
	p.t.Helper()
	resp, err := http.Post(p.control+"/dummy/exchange/"+path, "application/json", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	p.read(resp, nil)
}

// An operator sees a purchase that failed, what there is to do, and does it with the commands.
func TestOrdersCommands(t *testing.T) {
	p := newProcess(t)
	p.buyOnExchange()
	p.start()
	do := func(args ...string) (string, error) { return run(t, append(append([]string{}, p.args...), args...)...) }
	says := func(words string, args ...string) string {
		t.Helper()
		out, err := do(args...)
		if err != nil {
			t.Fatalf("teller %s: %v", strings.Join(args, " "), err)
		}
		for word := range strings.SplitSeq(words, "|") {
			if !strings.Contains(out, word) {
				t.Errorf("teller %s says nothing of %q:\n%s", strings.Join(args, " "), word, out)
			}
		}
		return out
	}
	refuses := func(word string, args ...string) {
		t.Helper()
		if out, err := do(args...); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("teller %s: %v, want %q\n%s", strings.Join(args, " "), err, word, out)
		}
	}
	says("there are none", "orders", "list")
	says("c2cx\nBTC_SKY|to spend: 1000.00000000 BTC|smallest deposit: 0.00500000 BTC|open orders: 0", "exchange")

	const buyer = "2Wbi4wvxC4fkTYMsS2f6HaFfW4pafDjXcQW"
	address := p.bind(buyer, "BTC")
	held := func() string {
		t.Helper()
		p.steer("faults", `{"kind":"end_expired","part":40}`)
		p.deposit("BTC", address, "1000000")
		var id string
		p.eventually("it is held", func() bool {
			out, err := do("holds", "list")
			id, _, _ = strings.Cut(out, " ")
			return err == nil && strings.Contains(out, "order_failed") && strings.Contains(out, "-> look at the market")
		})
		return id
	}
	first := held()
	says("final|c2cx|to spend 0.01000000 BTC|at any price|bought 2.006029 SKY for 0.00400000|deposit "+first+"|expired", "orders", "list")
	says("there are none", "orders", "list", "--pending")
	refuses("reason", "orders", "retry", first)
	refuses("no deposit", "orders", "retry", "nobody:0", "--reason", "why")
	says(first+" is waiting_passthrough", "orders", "retry", first, "--reason", "there are sellers again")
	p.eventually("the rest is bought", func() bool {
		out, err := do("orders", "list", "--deposit", first)
		return err == nil && strings.Count(out, "final") == 2 && strings.Contains(out, "completed")
	})

	second := held()
	says(second+" is waiting_send", "orders", "pay-instead", second, "--reason", "as we promised")
	refuses("403", "orders", "pay-instead", second, "--reason", "as we promised")

	third := held()
	refuses("txid", "orders", "refund", third, "--reason", "nobody sells")
	says(third+" is waiting_send", "orders", "refund", third, "--txid", "ab12", "--reason", "nobody sells")

	client := regexp.MustCompile(`t-[a-z2-7]+-1`).FindString(says("", "orders", "list", "--deposit", third))
	refuses("is final", "orders", "end", client, "--reason", "looked there")
	refuses("no order", "orders", "end", "t-nobody-1", "--reason", "looked there")
}

// started runs a command until the test ends, and returns what it has printed when a line with some words was among it.
func started(t *testing.T, words string, args ...string) string {
	t.Helper()
	out := new(safeBuffer)
	ctx, cancel := context.WithCancel(t.Context())
	root := newRoot()
	root.SetOut(out)
	root.SetErr(new(bytes.Buffer))
	root.SetArgs(args)
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("teller %s ended with %v", strings.Join(args, " "), err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(out.String(), words); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("teller %s says\n%s", strings.Join(args, " "), out)
		}
	}
	return out.String()
}

// The simulation that is served alone keeps its journal, and is what it says it is.
func TestExchangeSim(t *testing.T) {
	addr, journal := processtest.FreeAddr(t), filepath.Join(t.TempDir(), "sim.journal")
	buy := func(t *testing.T, n int) {
		out := started(t, "Ctrl-C ends it", "exchange-sim", "--addr", addr, "--journal", journal, "--key", "k", "--secret", "s", "--btc", "2", "--rate", "400")
		if !strings.Contains(out, `url = "http://`+addr+`"`) || !strings.Contains(out, `key = "k"`) || strings.Contains(out, "Beware") {
			t.Errorf("it says\n%s", out)
		}
		x, err := c2cx.New(c2cx.Config{URL: "http://" + addr, Key: "k", Secret: "s"})
		if err != nil {
			t.Fatal(err)
		}
		id, err := x.Place(t.Context(), teller.OrderRequest{ClientID: fmt.Sprint("t-", n), Coin: teller.BTC, Spend: teller.NewAmount(1_000_000)})
		if err != nil {
			t.Fatal(err)
		}
		r, err := x.Order(t.Context(), teller.BTC, id)
		if err != nil || !r.Filled || r.Bought != 4_012_059 { // 0.01 BTC at 402.01, less 0.2 %
			t.Errorf("%+v, %v", r, err)
		}
		balance, err := x.Balance(t.Context(), teller.BTC)
		if want := teller.NewAmount(uint64(200_000_000 - n*1_000_000)); err != nil || balance.Cmp(want) != 0 {
			t.Errorf("balance %s, want %s, %v", balance, want, err)
		}
		x.Close()
		http.DefaultClient.CloseIdleConnections()
	}
	t.Run("first", func(t *testing.T) { buy(t, 1) })
	t.Run("second", func(t *testing.T) { buy(t, 2) })
}

func TestExchangeSimRefuses(t *testing.T) {
	for word, args := range map[string][]string{
		"--btc":        {"--btc", "many"},
		"--rate":       {"--rate", "-1"},
		"faults":       {"--faults", "101"},
		"neither":      {"--fee", "x"},
		"needs a key":  {"--key", ""},
		"open the sim": {"--addr", "nowhere"},
	} {
		if out, err := run(t, append([]string{"exchange-sim"}, args...)...); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v: %v, want %q\n%s", args, err, word, out)
		}
	}
	help := mustRun(t, "exchange-sim", "--help")
	for _, kind := range []c2cxsim.FaultKind{
		c2cxsim.LoseRequest, c2cxsim.RateLimit, c2cxsim.XML, c2cxsim.HTML, c2cxsim.Error500, c2cxsim.LoseReply, c2cxsim.CutReply, c2cxsim.Late,
		c2cxsim.Slow, c2cxsim.EndCancelled, c2cxsim.EndError, c2cxsim.EndExpired, c2cxsim.HoldPending, c2cxsim.HoldSuspend, c2cxsim.HoldPartial, c2cxsim.HoldCancel,
	} {
		if !strings.Contains(help, string(kind)) {
			t.Errorf("--help does not tell of %s", kind)
		}
	}
}

// What dummy mode prints can be copied into a shell: each line names an address that answers.
func TestDummyIntroducesPassthrough(t *testing.T) {
	public, admin, control := processtest.FreeAddr(t), processtest.FreeAddr(t), processtest.FreeAddr(t)
	out := started(t, "Ctrl-C ends it", "dummy", "--passthrough", "-d", t.TempDir(), "--http-addr", public, "--admin-addr", admin, "--dummy-addr", control)
	for _, line := range []string{
		"http://" + control + "/dummy/exchange/state", "http://" + control + "/dummy/exchange/faults", "http://" + control + "/dummy/exchange/book",
		"http://" + admin + "/api/orders/retry", "when 40 % of it are bought",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("nothing is said of %s:\n%s", line, out)
		}
	}
	resp, err := http.Get("http://" + control + "/dummy/exchange/state")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the exchange answers %s", resp.Status)
	}
}
