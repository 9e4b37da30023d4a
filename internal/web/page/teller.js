"use strict";

// The page of the counter. It keeps the SKY address in the URL's fragment, which never leaves the browser, so that a
// reload or a bookmark shows the deposits again. Amounts are strings from the API and stay strings.

const POLL_MS = 5000; // well under the API's default of 60 requests a minute
const $ = (id) => document.getElementById(id);

let terms = null; // the last /api/config
let watched = ""; // the SKY address whose deposits are shown
let timer = 0;
let shown = ""; // what the list was made from, so that it is only touched when something changed

// call asks the API. A failure is an Error whose message can be shown, with the status, and retryAfter in seconds when it was
// given.
async function call(path, options) {
    let response;
    try {
        response = await fetch(path, { cache: "no-store", ...options });
    } catch {
        throw new Error("The counter can not be reached. Check your connection and try again.");
    }
    if (response.ok) {
        return response.json();
    }
    const text = (await response.text()).trim();
    const error = new Error(text || `The counter answered ${response.status}.`);
    error.status = response.status;
    error.retryAfter = Number(response.headers.get("Retry-After")) || 0;
    throw error;
}

function element(tag, className, text) {
    const e = document.createElement(tag);
    if (className) e.className = className;
    if (text) e.textContent = text;
    return e;
}

// plain takes the zeros off the end of a decimal number.
function plain(decimal) {
    return decimal.includes(".") ? decimal.replace(/\.?0+$/, "") : decimal;
}

function chosenCoin() {
    const input = document.querySelector("input[name=coin_type]:checked");
    return input ? input.value : "";
}

function blocks(n) {
    return n === 1 ? "1 confirmation" : `${n} confirmations`;
}

function coinChoice(coin, offer) {
    const usable = terms.enabled && offer.enabled && offer.available;
    const label = element("label", usable ? "coin" : "coin off");
    const input = element("input");
    Object.assign(input, { type: "radio", name: "coin_type", value: coin, disabled: !usable });
    const text = element("span");
    text.append(element("strong", "", coin));
    const price = offer.buy_method === "passthrough"
        ? "Buys SKY on an exchange, at its price."
        : `1 ${coin} buys ${plain(offer.fixed_exchange_rate)} SKY.`;
    let line = `${price} At least ${plain(offer.minimum)} ${coin}.`;
    if (!offer.enabled) line = "Not accepted here.";
    else if (!offer.available) line = "No deposit address is free just now.";
    text.append(element("span", "hint", line));
    label.append(input, text);
    return label;
}

async function loadTerms() {
    try {
        terms = await call("api/config");
    } catch (error) {
        $("coins-loading").textContent = error.message;
        setTimeout(loadTerms, Math.max(POLL_MS, (error.retryAfter || 0) * 1000));
        return;
    }
    const choices = Object.entries(terms.deposits).map(([coin, offer]) => coinChoice(coin.toUpperCase(), offer));
    $("coins").replaceChildren($("coins").querySelector("legend"), ...choices);
    const first = document.querySelector("input[name=coin_type]:not(:disabled)");
    if (first) first.checked = true;
    $("bind-button").disabled = !first;
    if (!terms.enabled) showError("New deposit addresses are not given out at the moment. Deposits under way go on.");
}

function showError(message) {
    $("bind-error").textContent = message;
    $("skyaddr").removeAttribute("aria-invalid");
}

// typedAddress returns the SKY address in the form, or "" after it has said what is wrong.
function typedAddress() {
    const value = $("skyaddr").value.trim();
    if (!value) {
        showError("Enter your SKY address first.");
        $("skyaddr").setAttribute("aria-invalid", "true");
        $("skyaddr").focus();
    }
    return value;
}

function complain(error) {
    showError(error.message);
    if (/skycoin address|skyaddr/i.test(error.message)) {
        $("skyaddr").setAttribute("aria-invalid", "true");
        $("skyaddr").focus();
    }
}

async function bind(event) {
    event.preventDefault();
    showError("");
    const skyaddr = typedAddress();
    const coin = chosenCoin();
    if (!skyaddr || !coin) return;
    $("bind-button").disabled = true;
    try {
        const bound = await call("api/bind", {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ skyaddr, coin_type: coin }),
        });
        showDeposit(bound, skyaddr);
        watch(skyaddr);
    } catch (error) {
        complain(error);
    } finally {
        $("bind-button").disabled = false;
    }
}

function showDeposit(bound, skyaddr) {
    const coin = bound.coin_type;
    const offer = terms.deposits[coin.toLowerCase()];
    $("deposit-title").textContent = `Send ${coin} to this address`;
    $("deposit-address").textContent = bound.deposit_address;
    $("copy-done").textContent = "";
    const wait = offer.confirmations_required === 0
        ? "As soon as your payment is in a block, we send your SKY."
        : `When your payment has ${blocks(offer.confirmations_required)}, we send your SKY.`;
    const price = bound.buy_method === "passthrough"
        ? `Your ${coin} buy SKY on an exchange when they have arrived. You get what they buy there at that time, less its fees.`
        : `You get ${plain(offer.fixed_exchange_rate)} SKY for 1 ${coin}. A later payment gets the rate of its own time.`;
    $("deposit-steps").replaceChildren(
        element("li", "", `Send at least ${plain(offer.minimum)} ${coin}; less buys no SKY. Note the address: it is not shown again.`),
        element("li", "", price),
        element("li", "", `${wait} They go to ${skyaddr}.`),
        element("li", "", "This page follows your deposit below. You may close it and come back."),
    );
    $("deposit").hidden = false;
    $("deposit").focus();
}

async function copyAddress() {
    const address = $("deposit-address");
    try {
        await navigator.clipboard.writeText(address.textContent);
        $("copy-done").textContent = "Copied.";
    } catch {
        window.getSelection().selectAllChildren(address); // browsers copy by themselves only over HTTPS and on localhost
        $("copy-done").textContent = "Selected. Copy it with your keyboard or menu.";
    }
}

// words says what a status means to a buyer.
function words(s) {
    switch (s.status) {
    case "waiting_deposit":
        if (!s.seen) return "Waiting for your payment.";
        if (s.seen === "mempool") return "Payment seen, not in a block yet.";
        return `Payment seen in a block: ${s.confirmations} of ${blocks(s.confirmations_required)}.`;
    case "waiting_decide":
        return "Payment received. Your SKY are being worked out.";
    case "waiting_passthrough":
    case "waiting_passthrough_order_complete":
        return "Payment received. Your SKY are being bought.";
    case "waiting_send":
        return "Payment received. Your SKY are about to be sent.";
    case "waiting_confirm":
        return "Your SKY are on their way.";
    case "done":
        return s.txid ? "Done: your SKY have arrived." : "Closed without sending SKY. Ask the operator if you expected some.";
    default:
        return s.status;
    }
}

function statusItem(s) {
    const failed = s.status === "done" && !s.txid;
    const item = element("li", failed ? "failed" : s.status);
    item.append(element("span", "state", `${s.coin_type}: ${words(s)}`));
    if (s.txid) item.append(element("span", "hint", `Skycoin transaction ${s.txid}`));
    if (s.status !== "waiting_deposit") {
        item.append(element("span", "hint", `Last change: ${new Date(s.updated_at * 1000).toLocaleString()}`));
    }
    return item;
}

function showStatuses(skyaddr, statuses) {
    // a waiting entry's time is that of the request: no change
    const key = JSON.stringify(statuses.map((s) => (s.status === "waiting_deposit" ? { ...s, updated_at: 0 } : s)));
    $("deposits-note").textContent = statuses.length ? `To ${skyaddr}` : `Nothing is bound to ${skyaddr} yet.`;
    if (key !== shown) {
        $("deposits-list").replaceChildren(...statuses.map(statusItem));
        shown = key;
    }
    $("deposits").hidden = false;
}

// watch shows the deposits of a SKY address and goes on asking for them.
function watch(skyaddr) {
    watched = skyaddr;
    shown = "";
    $("deposits-list").replaceChildren();
    history.replaceState(null, "", `#${encodeURIComponent(skyaddr)}`);
    return poll();
}

// poll asks once, arranges to be called again, and returns whether the address was good.
async function poll() {
    clearTimeout(timer);
    const skyaddr = watched;
    let wait = POLL_MS;
    if (!document.hidden) {
        try {
            const answer = await call(`api/status?skyaddr=${encodeURIComponent(skyaddr)}`);
            if (skyaddr === watched) showStatuses(skyaddr, answer.statuses);
        } catch (error) {
            if (skyaddr !== watched) return false;
            if (error.status === 400) { // asking again would not help
                watched = "";
                $("deposits").hidden = true;
                complain(error);
                return false;
            }
            wait = Math.max(2 * POLL_MS, (error.retryAfter || 0) * 1000);
            $("deposits-note").textContent = error.message;
            $("deposits").hidden = false;
        }
    }
    if (skyaddr === watched) {
        clearTimeout(timer);
        timer = setTimeout(poll, wait);
    }
    return true;
}

async function showMine() {
    showError("");
    const skyaddr = typedAddress();
    if (skyaddr && await watch(skyaddr)) $("deposits").focus();
}

function start() {
    $("bind").addEventListener("submit", bind);
    $("status-button").addEventListener("click", showMine);
    $("copy-button").addEventListener("click", copyAddress);
    document.addEventListener("visibilitychange", () => { if (!document.hidden && watched) poll(); });
    loadTerms();
    let remembered = "";
    try {
        remembered = decodeURIComponent(location.hash.slice(1));
    } catch {
        // somebody else's fragment
    }
    if (remembered) {
        $("skyaddr").value = remembered;
        watch(remembered);
    }
}

start();
