"""Page: where the buyer pays play money. Pure: HTML from a payment."""

from __future__ import annotations

from html import escape

from groupbuy.payments.port import PaymentState, Way

from .cards import SAYS, Card
from .payment import Payment

_SAYS = {
    PaymentState.AUTHORISED: ("Paid", "The amount is held. You may go back to the show."),
    PaymentState.CAPTURED: ("Paid", "Thank you. You may go back to the show."),
    PaymentState.REFUNDED: ("Refunded", "You have your play money back."),
    PaymentState.VOIDED: ("Cancelled", "Nothing was taken."),
    PaymentState.REFUSED: ("Not paid", "The bank refused, or you cancelled; nothing was taken. Go back to try again."),
    PaymentState.EXPIRED: ("Too late", "The time to pay is over; nothing was taken."),
}
#: the page runs no script and may be framed by nobody
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1d22; --paper: #fff; --soft: #f2f3f6; --line: #d6d9e0; --dim: #5c6270;
  --go: #1f6f43; --mark: #1f6f43 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceef2; --paper: #1d2027; --soft: #13151a; --line: #3a3f4b; --dim: #a5abb8; --mark: #4fbf85 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--soft); color: var(--ink); font: 16px/1.45 system-ui, sans-serif;
  min-height: 100vh; min-height: 100dvh; display: grid; justify-items: center; align-items: start }
main { width: 100%; max-width: 420px; background: var(--paper); min-height: 100vh; min-height: 100dvh }
@media (min-width: 480px) { body { align-items: center; padding: 24px }
  main { min-height: 0; border: 1px solid var(--line); border-radius: 16px; overflow: hidden } }
.play { background: #f5c542; color: #241c00; padding: 10px 20px; font-weight: 700; text-align: center }
.due { padding: 20px; border-bottom: 1px solid var(--line) }
h1 { margin: 0; font-size: 16px; font-weight: 500; color: var(--dim); overflow-wrap: anywhere }
.sum { font-size: 34px; line-height: 1.2; font-weight: 700;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
section { padding: 20px; display: grid; gap: 16px }
p { margin: 0 }
.small { font-size: 14px; color: var(--dim) }
form { display: grid; gap: 16px }
fieldset { border: 0; margin: 0; padding: 0; display: grid; gap: 8px; min-width: 0 }
legend { padding: 0 0 8px; font-weight: 600 }
label { display: grid; grid-template-columns: auto 34px 1fr; gap: 12px; align-items: center; padding: 10px 12px;
  border: 1px solid var(--line); border-radius: 12px; cursor: pointer }
label:has(:checked) { border-color: var(--mark); box-shadow: inset 0 0 0 1px var(--mark) }
label:has(:focus-visible) { outline: 3px solid #5b9dff; outline-offset: 2px }
input { margin: 0; width: 18px; height: 18px; accent-color: var(--mark) }
label b { display: block; font-weight: 600 }
.chip { width: 34px; height: 23px; border-radius: 4px; background: linear-gradient(135deg, #5b6ee1, #2f3b8f) }
.chip.refused { background: linear-gradient(135deg, #c25b5b, #7c2b2b) }
.presses { display: grid; grid-template-columns: 1fr 1fr; gap: 10px }
button, a.button { font: inherit; font-weight: 600; padding: 13px; border-radius: 12px; border: 1px solid var(--line);
  background: transparent; color: inherit; cursor: pointer; text-align: center; text-decoration: none }
button.go { grid-column: 1 / -1; background: var(--go); border-color: var(--go); color: #fff }
button:focus-visible, a:focus-visible { outline: 3px solid #5b9dff; outline-offset: 2px }
.mark { width: 44px; height: 44px; border-radius: 50%; display: grid; place-items: center; font-size: 24px;
  color: #fff; background: var(--go) }
.mark.no { background: #8a3b3b }
"""


def money(amount: int, exponent: int, currency: str) -> str:
    """For a person: `12.34 EUR`."""
    if exponent == 0:
        return f"{amount} {currency}"
    whole, part = divmod(amount, 10**exponent)
    return f"{whole}.{part:0{exponent}d} {currency}"


def checkout(payment: Payment) -> str:
    """The page of one payment."""
    due = money(payment.amount, payment.exponent, payment.currency)
    head = f'<div class="due"><h1>{escape(payment.description)}</h1><div class="sum">{due}</div></div>'
    rest = _form(payment, due) if payment.state is PaymentState.OPENED else _outcome(payment)
    return _page("Sandbox checkout", f"{head}<section>{rest}</section>")


def _form(payment: Payment, due: str) -> str:
    if payment.way is Way.AUTHORISE:
        how = "The amount is held now and taken when your team is complete."
    else:
        how = "The amount is taken now and given back if your team does not fill."
    cards = "".join(
        f'<label><input type="radio" name="card" value="{card}"{" checked" if card is Card.GOOD else ""}>'
        f'<span class="chip {card}"></span><span><b>{name}</b><span class="small">{says}</span></span></label>'
        for card, (name, says) in SAYS.items()
    )
    return f"""<form method="post">
<fieldset><legend>Pay with a pretended card</legend>{cards}</fieldset>
<p class="small">{how}</p>
<div class="presses"><button class="go" name="do" value="pay">Pay {due}</button>
<button name="do" value="refuse">Have the bank refuse</button><button name="do" value="cancel">Cancel</button></div>
</form>"""


def _outcome(payment: Payment) -> str:
    title, text = _SAYS[payment.state]
    good = payment.state in (PaymentState.AUTHORISED, PaymentState.CAPTURED)
    mark = f'<div class="mark{"" if good else " no"}" aria-hidden="true">{"✓" if good else "×"}</div>'
    back = f'<a class="button" href="{escape(payment.return_url)}">Back to the show</a>'
    return f'{mark}<p role="status"><b>{title}.</b> {text}</p>{back}'


def missing() -> str:
    """For a reference that does not exist."""
    return _page(
        "No such payment", "<section><b>No such payment</b><p>Go back to the show and begin again.</p></section>"
    )


def home() -> str:
    """What stands at the root."""
    return _page(
        "Sandbox",
        "<section><b>Sandbox payments</b><p>Part of a live shopping test. Payments begin in the show;"
        " <code>livestream sandbox-pay --help</code> tells the rest.</p></section>",
    )


def _page(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{_STYLE}</style></head>
<body><main><div class="play">Sandbox: no real money moves</div>{body}</main></body></html>"""
