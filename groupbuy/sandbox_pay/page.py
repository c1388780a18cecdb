"""Page: where the buyer pays play money. Pure: HTML from a payment."""

from __future__ import annotations

from html import escape

from groupbuy.payments.port import PaymentState

from .payment import Payment

_SAYS = {
    PaymentState.AUTHORISED: ("Paid", "The amount is held. You may go back to the show."),
    PaymentState.CAPTURED: ("Paid", "Thank you. You may go back to the show."),
    PaymentState.REFUNDED: ("Refunded", "You have your play money back."),
    PaymentState.VOIDED: ("Cancelled", "Nothing was taken."),
    PaymentState.REFUSED: ("Not paid", "The payment was refused; nothing was taken. Go back to try again."),
    PaymentState.EXPIRED: ("Too late", "The time to pay is over; nothing was taken."),
}
#: the page runs no script and may be framed by nobody
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1d22; --paper: #fff; --soft: #f2f3f6; --line: #d6d9e0; --go: #1f6f43 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceef2; --paper: #1d2027; --soft: #13151a; --line: #3a3f4b; --go: #2f8f5b } }
* { box-sizing: border-box }
body { margin: 0; background: var(--soft); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  min-height: 100vh; display: grid; place-items: center; padding: 16px }
main { width: 100%; max-width: 400px; background: var(--paper); border: 1px solid var(--line); border-radius: 16px;
  overflow: hidden }
.play { background: #f5c542; color: #241c00; padding: 8px 20px; font-weight: 600; text-align: center }
section { padding: 20px; display: grid; gap: 14px }
h1 { margin: 0; font-size: 18px; font-weight: 600; overflow-wrap: anywhere }
.sum { font-size: 36px; font-weight: 700; font-variant-numeric: tabular-nums }
p { margin: 0 }
.small { font-size: 14px; opacity: .75 }
form { display: grid; gap: 10px }
label { display: flex; gap: 10px; align-items: center; padding: 12px; border: 1px solid var(--line);
  border-radius: 10px; cursor: pointer }
label:has(:checked) { outline: 2px solid var(--go) }
button, a.button { font: inherit; font-weight: 600; padding: 14px; border-radius: 10px; border: 1px solid var(--line);
  background: transparent; color: inherit; cursor: pointer; text-align: center; text-decoration: none }
button.go { background: var(--go); border-color: var(--go); color: #fff }
button:focus-visible, a:focus-visible { outline: 3px solid #5b9dff; outline-offset: 2px }
"""


def money(amount: int, exponent: int, currency: str) -> str:
    """For a person: `12.34 EUR`."""
    if exponent == 0:
        return f"{amount} {currency}"
    whole, part = divmod(amount, 10**exponent)
    return f"{whole}.{part:0{exponent}d} {currency}"


def checkout(payment: Payment) -> str:
    """The page of one payment."""
    what = f"<h1>{escape(payment.description)}</h1>"
    due = f'<div class="sum">{money(payment.amount, payment.exponent, payment.currency)}</div>'
    if payment.state is PaymentState.OPENED:
        held = payment.way.value == "authorise"
        how = "The amount is held now and taken when your team is complete." if held else (
            "The amount is taken now and given back if your team does not fill."
        )  # fmt: skip
        rest = f"""<p class="small">{how}</p>
<form method="post">
<label><input type="radio" name="card" value="good" checked> Card that pays</label>
<label><input type="radio" name="card" value="refused"> Card that the bank refuses</label>
<button class="go" name="do" value="pay">Pay {money(payment.amount, payment.exponent, payment.currency)}</button>
<button name="do" value="cancel">Cancel</button>
</form>"""
    else:
        title, text = _SAYS[payment.state]
        rest = f"""<p role="status"><b>{title}.</b> {text}</p>
<a class="button" href="{escape(payment.return_url)}">Back to the show</a>"""
    return _page("Sandbox checkout", what + due + rest)


def missing() -> str:
    """For a reference that does not exist."""
    return _page("No such payment", "<h1>No such payment</h1><p>Go back to the show and begin again.</p>")


def home() -> str:
    """What stands at the root."""
    return _page(
        "Sandbox",
        "<h1>Sandbox payments</h1><p>Part of a live shopping test. Payments begin in the show;"
        " <code>livestream sandbox-pay --help</code> tells the rest.</p>",
    )


def _page(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{_STYLE}</style></head>
<body><main><div class="play">Sandbox: no real money moves</div><section>{body}</section></main></body></html>"""
