"""Examples: one canonical message of every kind, and inputs that must be refused. Golden vectors are made of them."""

from __future__ import annotations

import msgspec

from . import commands as c
from . import draws as d
from . import events as e
from . import groupbuy as g
from . import pushes as p
from . import replies as r
from .codec import Codec, encode, encode_all, plain
from .errors import CloseCode, ErrorCode
from .roles import Role
from .show import ShowState

_ID, _OTHER = "6h0h6cwr00000", "6h0h6jxng0600"
_AT = 1_795_440_663_984
_BIGGEST = 2**53 - 1
_MESSAGE = e.HostMessage(id=_ID, name="Ada", text="Witamy! 欢迎 👩‍👩‍👧 e\u0301", at=_AT)
_ANSWER = e.HostMessage(
    id=_OTHER, name="Ada", text="Yes, in blue too.", at=_AT, answers=_ID, answered_name="Łukasz", answered_text="Blue?"
)
_SHOW = e.Show(id=_ID, title="Tonight's show", state=ShowState.LIVE, starts_at=_AT, began_at=_AT, live_at=_AT)
_COMMENT = e.Commented(id=_OTHER, by="3vavcdxybr7f3", name="小明", text="这个多少钱？ <b>&amp;", role=Role.ANONYMOUS)
_ACTED = e.Acted(who="host-1", name="Ada", role=Role.HOST, command="say", what="said a message")
_WHO = "3vavcdxybr7f3"
_CHAT = e.Chat(comment_chars=300, anonymous=True, slow_mode_s=30, buyers_only=True, unattended=True)
_FREEZING = e.Freezing(at=_AT, message="Back in a minute", video_url="https://live.example/backup")
_CLOCK = e.Clock(id=_ID, title="Offer opens", ends_at=_AT)
_PRODUCT = e.Product(
    id="cup-01", title="Kubek", price=1999, currency="PLN", reference_price=2499, stock=12,
    pictures=[e.Picture(url="https://shop.example/cup.jpg", alt="A cup")], url="https://shop.example/cup",
    ar_model="https://shop.example/cup.glb",
    variants=[e.ProductVariant(id="blue", title="Blue", price=1999, stock=7)],
)  # fmt: skip
_SANCTION = e.Sanction(
    who=_WHO, name="小明", kind=e.SanctionKind.MUTE, at=_AT, until=_AT + 600_000, why="spam", by="Ada"
)
_HELD = e.HeldComment(id=_OTHER, by=_WHO, name="小明", text="加微信", at=_AT, why="words")
_POLICY = e.Policy(chat=_CHAT, display_per_s=5.5, reports_to_hold=2)
_REFUND = e.RefundRequest(
    id=_ID, purchase="A-1001", amount=1999, currency="PLN", why="broken", state=e.RefundState.ASKED, asked_by="Ada"
)
_INVITE = "Zm9vYmFyYmF6cXV4MTIzNA"
_DEAL = g.Deal(
    id=_ID, product="cup-01", variant="blue", title="Cup, blue", state=g.DealState.OPEN, currency="PLN",
    terms=g.DealTerms(
        single_price=1999, steps=[g.DealStep(people=2, price=1799), g.DealStep(people=3, price=1599)],
        leader_discount=100, life_s=600,
    ),
    closes_at=_AT, stock=120,
)  # fmt: skip
_TEAM = g.TeamView(id=_OTHER, deal=_ID, state=g.TeamState.FORMING, size=3, held=1, paid=1, deadline=_AT, names=["小明"])
_OWN = g.OwnSeat(
    seat=_ID, at=_AT, team=_TEAM, state=g.SeatState.HELD, leader=True, invite=_INVITE, hold_until=_AT, amount=1799
)
_DRAW_ID, _ENTRY_ID, _HASH, _ROOT = "01" * 16, "a5" * 16, "0f" * 32, "e3" * 32
_PRIZES = [
    d.PrizeTier(tier="First prize", name="Rower 🚲", value=199_900, currency="PLN"),
    d.PrizeTier(tier="Second prize", name="Kubek", quantity=3, value=1999, currency="PLN"),
]
_PLAN = d.DrawPlan(
    title="Friday draw", prizes=_PRIZES, entry=d.EntryKind.PASSWORD, password="红包 🧧",
    needs=d.DrawNeeds(commented=True, watched_s=60), seconds=60, weights=d.DrawWeights(bought=2), exclude_winners_of=3,
    organiser="Sklep", terms="https://shop.example/terms", region="PL", beacon=d.BeaconKind.COHOSTS,
)  # fmt: skip
_RECEIPT = d.DrawReceipt(
    protocol="LTD1", draw_id=_DRAW_ID, rules_hash=_HASH, entry_id=_ENTRY_ID, weight=3, entered_ms=_AT,
    signature="5a" * 64,
)  # fmt: skip
_QUEUED = d.Draw(
    id="02" * 16, title="Next draw", state=d.DrawState.ANNOUNCED, prizes=_PRIZES[:1], entry=d.EntryKind.CLICK,
    beacon=d.BeaconKind.DRAND, by_hand=True,
)  # fmt: skip
_OPEN = d.Draw(
    id=_DRAW_ID, title="Friday draw", state=d.DrawState.OPEN, prizes=_PRIZES, entry=d.EntryKind.PASSWORD,
    password="红包 🧧", needs=_PLAN.needs, beacon=d.BeaconKind.COHOSTS, rules='{"claim_s":604800}', rules_hash=_HASH,
    opened_at=_AT, closes_at=_AT + 60_000, parties=["server", "Ada"],
)  # fmt: skip
_WINNER = d.DrawWinner(prize=0, place=0, entry=_ENTRY_ID, name="Z•••")
_DRAWN = msgspec.structs.replace(
    _OPEN, state=d.DrawState.DRAWN, closed_at=_AT, root=_ROOT, entries=5, weight=9, rooted_at=_AT, revealed=[1, 2],
    value=_HASH, seed=_ROOT, winners=[_WINNER], claim_until=_AT,
)  # fmt: skip

MESSAGES: tuple[msgspec.Struct, ...] = (
    c.Join(ref=0, room="demo"),
    c.Join(ref=1, room="demo", token="a.b.c", name="Zoë"),
    c.Join(
        ref=2**32 - 1, room="demo",
        resume=c.Resume(token="dG9rZW4", epoch="f6906c1e8fbc063e", seq=_BIGGEST, staff_seq=3),
    ),
    c.Join(ref=2, room="demo", ticket="ABwjD6s7M-H8HkZX7vwaPQ"),
    c.Comment(ref=3, text="Ile kosztuje? 😀", key="k-1"),
    c.Like(ref=4, count=50),
    c.Say(ref=5, text="Bonjour à tous", pin=True, answers=_ID, key="k-2"),
    c.Pin(ref=6, message=_ID),
    c.Pin(ref=7, message=None, key="k-3"),
    c.Schedule(ref=8, title="Friday", starts_at=_AT),
    c.SetShow(ref=9, state=ShowState.WARM_UP),
    c.Seen(ref=10, notice=7),
    c.Report(ref=11, comment=_OTHER, why="spam"),
    c.Block(ref=12, who=_WHO),
    c.Unblock(ref=13, who=_WHO),
    c.Retract(ref=14, message=_ID, why="wrong price"),
    c.Unretract(ref=15, message=_ID),
    c.Feature(ref=16, product="cup-01"),
    c.Feature(ref=17, product=None),
    c.Countdown(ref=18, title="Offer opens", seconds=60),
    c.CancelCountdown(ref=19),
    c.Freeze(ref=20, message="Back in a minute", video_url="https://live.example/backup"),
    c.Unfreeze(ref=21, key="k-4"),
    c.Invite(ref=22, name="Bo", role="moderator"),
    c.HandOver(ref=23, to=_WHO),
    c.Delete(ref=24, comments=[_OTHER], why="insult"),
    c.Restore(ref=25, comments=[_OTHER]),
    c.Rule(ref=26, comments=[_OTHER], show=True),
    c.Mute(ref=27, who=_WHO, seconds=600, why="spam"),
    c.Mute(ref=28, who=_WHO, seconds=None),
    c.Unmute(ref=29, who=_WHO),
    c.Ban(ref=30, who=_WHO, seconds=None, delete=False),
    c.Unban(ref=31, who=_WHO),
    c.SetChat(ref=32, slow_mode_s=30, links=False),
    c.SetRoom(ref=33, title="Friday room", display_per_s=5.5, video_delay_s=2.5),
    c.Refund(ref=34, purchase="A-1001", amount=1999, why="broken", key="refund-A-1001"),
    c.DecideRefund(ref=35, refund=_ID, confirm=True),
    c.OpenDeal(
        ref=36, product="cup-01", steps=[g.DealStep(people=2, price=1799), g.DealStep(people=3, price=1599)],
        stock=120, closes_in_s=1200, reference="P-77", leader_discount=100, new_only=True,
    ),
    c.ChangeDeal(ref=37, deal=_ID, state="paused"),
    c.ExtendDeal(ref=38, deal=_ID, by_s=600),
    c.CloseDeal(ref=39, deal=_ID),
    c.VoidDeal(ref=40, deal=_ID, why="wrong price"),
    c.WaiveTeam(ref=41, deal=_ID, team=_OTHER, why="a gift"),
    c.RefundOrder(ref=47, deal=_ID, order=_OTHER, amount=500, why="a scratch", key="refund-1"),
    c.DecideOrderRefund(ref=48, deal=_ID, refund=_ID, confirm=True),
    c.OpenTeam(ref=42, deal=_ID, show_name=True, key="k-5"),
    c.JoinTeam(ref=43, deal=_ID, invite=_INVITE),
    c.JoinTeam(ref=44, deal=_ID, team=_OTHER, key="k-6"),
    c.LeaveTeam(ref=45, deal=_ID, seat=_ID),
    c.PaySeat(ref=46, deal=_ID, seat=_ID, reference="A-1002"),
    r.Seated(ref=42, own=_OWN),
    r.PayAt(ref=46, url="https://pay.example/checkout/1", expires_at=_AT, amount=1799),
    c.CreateDraw(ref=36, plan=_PLAN, key="k-5"),
    c.SaveTemplate(ref=37, name="Friday", plan=_PLAN),
    c.SaveTemplate(ref=38, name="Friday", plan=None),
    c.OpenDraw(ref=39, draw=_DRAW_ID, commitments=[_HASH], names=["Ada"]),
    c.CloseDraw(ref=40, draw=_DRAW_ID),
    c.CancelDraw(ref=41, draw=_DRAW_ID, why="wrong prize"),
    c.RevealDraw(ref=42, draw=_DRAW_ID, party=2, secret=_ROOT),
    c.EnterDraw(ref=43, draw=_DRAW_ID, key="k-6"),
    c.ClaimPrize(ref=44, draw=_DRAW_ID, form=c.ClaimForm(name="Zoë", address="ul. Długa 1"), receipt=_RECEIPT),
    c.DeclinePrize(ref=45, draw=_DRAW_ID),
    c.MarkClaimed(ref=46, draw=_DRAW_ID, prize=1),
    c.DisqualifyWinner(ref=47, draw=_DRAW_ID, prize=0, why="too young"),
    r.Joined(
        ref=1, room="demo", epoch="f6906c1e8fbc063e", now=_AT, resume="dG9rZW4",
        me=r.Me(id="3vavcdxybr7f3", role=Role.VIEWER, name="Zoë", expires_at=_AT),
    ),
    r.Joined(
        ref=1, room="demo", epoch="f6906c1e8fbc063e", now=_AT, resume="dG9rZW4", resumed=True,
        me=r.Me(id="3vavcdxybr7f3", role=Role.ANONYMOUS),
    ),
    r.Ok(ref=4),
    r.Ok(ref=6, seq=_BIGGEST),
    r.Posted(ref=3, id=_OTHER, shown=False),
    r.Posted(ref=5, id=_ID, seq=12),
    r.Posted(ref=3, id=_OTHER, shown=False, held=True),
    r.Invited(ref=22, ticket="ABwjD6s7M-H8HkZX7vwaPQ", expires_at=_AT),
    r.Joined(
        ref=1, room="demo", epoch="f6906c1e8fbc063e", now=_AT, resume="dG9rZW4",
        me=r.Me(id=_WHO, role=Role.VIEWER, name="Zoë", buyer=True, muted=_SANCTION, blocked=[_WHO]),
    ),
    r.Posted(ref=3, id=_OTHER, entered=_RECEIPT),
    r.Posted(ref=3, id=_OTHER, not_entered=ErrorCode.DRAW_NOT_ELIGIBLE, not_entered_why="watch for 9 s more"),
    r.Claimed(ref=44, delete_at=_AT),
    r.Announced(ref=36, draw=_DRAW_ID, seq=18),
    r.Entered(ref=43, receipt=_RECEIPT),
    r.Error(ref=3, code=ErrorCode.RATE_LIMITED, text="comment", temporary=True, retry_after_ms=1500),
    r.Error(
        ref=3, code=ErrorCode.SLOW_MODE, text="wait", temporary=True, retry_after_ms=9000,
        not_entered=ErrorCode.DRAW_NOT_ELIGIBLE, not_entered_why="watch for 9 s more",
    ),
    r.Error(
        ref=3, code=ErrorCode.BUSY, text="comments: too many wait", temporary=True, retry_after_ms=1000,
        entered=_RECEIPT,
    ),
    r.Error(ref=5, code=ErrorCode.FORBIDDEN, text="a viewer may not say"),
    p.Log(seq=1, at=_AT, event=e.ShowChanged(show=_SHOW)),
    p.Log(seq=2, at=_AT, event=e.Said(message=_MESSAGE)),
    p.Log(seq=3, at=_AT, event=e.Pinned(message=_ANSWER)),
    p.Log(seq=4, at=_AT, event=e.Pinned()),
    p.Log(seq=5, at=_AT, event=e.Retracted(message=_ID)),
    p.Log(seq=6, at=_AT, event=e.Unretracted(message=_MESSAGE)),
    p.Log(seq=7, at=_AT, event=e.Deleted(comments=[_OTHER])),
    p.Log(seq=8, at=_AT, event=e.Restored(comments=[_COMMENT])),
    p.Log(seq=9, at=_AT, event=e.ChatChanged(chat=_CHAT)),
    p.Log(seq=10, at=_AT, event=e.RoomChanged(title="Friday room", video_delay_ms=8000)),
    p.Log(seq=11, at=_AT, event=e.Frozen(freezing=_FREEZING)),
    p.Log(seq=12, at=_AT, event=e.Unfrozen(at=_AT, shifted_ms=90_000)),
    p.Log(seq=13, at=_AT, event=e.CountdownStarted(clock=_CLOCK)),
    p.Log(seq=14, at=_AT, event=e.CountdownEnded(id=_ID)),
    p.Log(seq=15, at=_AT, event=e.Featured(product=_PRODUCT)),
    p.Log(seq=16, at=_AT, event=e.Featured()),
    p.Log(seq=17, at=_AT, event=e.Presented(name="Bo")),
    p.Log(seq=18, at=_AT, event=g.DealOpened(deal=_DEAL)),
    p.Log(seq=19, at=_AT, event=g.DealChanged(deal=_DEAL)),
    p.Log(seq=20, at=_AT, event=g.TeamWaived(deal=_ID, team=_OTHER, seats=1, why="a gift")),
    p.Log(seq=21, at=_AT, event=g.DealClosed(id=_ID, voided=True, why="wrong price")),
    p.Live(events=[
        g.TeamCompleted(deal=_ID, people=3, names=["Ola"]), g.SeatLeft(deal=_ID, team=_OTHER, deadline=_AT),
        g.TeamsLeftOut(count=40),
    ]),
    p.Notice(notice=6, at=_AT, event=g.YourTeam(own=_OWN)),
    p.OwnSeats(seats=[_OWN]),
    p.YourSeat(own=_OWN),
    p.Log(seq=18, at=_AT, event=d.DrawAnnounced(draw=_QUEUED)),
    p.Log(seq=19, at=_AT, event=d.DrawOpened(draw=_OPEN)),
    p.Log(seq=20, at=_AT, event=d.DrawClosed(draw=_DRAW_ID, closed_at=_AT, round=9_000_000, beacon_at=_AT)),
    p.Log(seq=21, at=_AT, event=d.DrawRooted(draw=_DRAW_ID, root=_ROOT, entries=5, weight=9, at=_AT)),
    p.Log(seq=22, at=_AT, event=d.DrawRevealed(draw=_DRAW_ID, party=2, secret=_HASH)),
    p.Log(
        seq=23, at=_AT,
        event=d.DrawDrawn(draw=_DRAW_ID, value=_HASH, seed=_ROOT, winners=[_WINNER], claim_until=_AT),
    ),
    p.Log(
        seq=24, at=_AT,
        event=d.DrawPassedOn(
            draw=_DRAW_ID, winner=d.DrawWinner(prize=0, place=4, entry="a6" * 16, name="小•••"),
            why=d.PassedWhy.DECLINED,
        ),
    ),
    p.Log(seq=25, at=_AT, event=d.DrawPrizeLapsed(draw=_DRAW_ID, prize=0, why=d.PassedWhy.UNCLAIMED)),
    p.Log(seq=26, at=_AT, event=d.DrawSettled(draw=_DRAW_ID)),
    p.Log(seq=27, at=_AT, event=d.DrawCancelled(draw=_DRAW_ID, why="wrong prize")),
    p.Log(seq=28, at=_AT, event=d.DrawVoided(draw=_DRAW_ID, why=d.VoidWhy.LATE_ROOT)),
    p.Staff(seq=1, at=_AT, event=_ACTED),
    p.Staff(seq=2, at=_AT, event=e.Held(comments=[_HELD])),
    p.Staff(seq=3, at=_AT, event=e.Ruled(comments=[_OTHER], shown=True)),
    p.Staff(seq=4, at=_AT, event=e.Reported(comment=_HELD, reports=3)),
    p.Staff(seq=5, at=_AT, event=e.Sanctioned(sanction=_SANCTION)),
    p.Staff(seq=6, at=_AT, event=e.Lifted(who=_WHO, kind=e.SanctionKind.MUTE)),
    p.Staff(seq=7, at=_AT, event=e.PolicyChanged(policy=_POLICY)),
    p.Staff(seq=8, at=_AT, event=e.WordsChanged(version=2)),
    p.Staff(seq=9, at=_AT, event=e.RefundChanged(refund=_REFUND)),
    p.Staff(seq=10, at=_AT, event=e.Erased()),
    p.Live(events=[e.Echoed(comment=_OTHER, times=12)]),
    p.Live(events=[_COMMENT, e.Arrived(name="Ola")], left_out=12),
    p.Live(left_out=300),
    p.Gauge(values={"viewers": 10_000, "likes": _BIGGEST}),
    p.Notice(notice=1, at=_AT, event=e.Answered(comment=_ID, message=_ANSWER)),
    p.Notice(notice=2, at=_AT, event=e.YouWereMuted(until=_AT, why="spam")),
    p.Notice(notice=3, at=_AT, event=e.YouMayTalk()),
    p.Notice(notice=4, at=_AT, event=e.YourComment(comment=_OTHER, shown=True)),
    p.Notice(notice=5, at=_AT, event=e.YouBought()),
    p.Notice(
        notice=6, at=_AT,
        event=d.YouWon(draw=_DRAW_ID, title="Friday draw", prize=0, prize_title="Rower 🚲", claim_until=_AT),
    ),
    p.Notice(notice=7, at=_AT, event=d.YourPrizeWentOn(draw=_DRAW_ID, title="Friday draw", prize_title="Kubek")),
    p.Notice(
        notice=8, at=_AT,
        event=d.YourPrizeClaimed(draw=_DRAW_ID, title="Friday draw", prize=0, prize_title="Kubek", delete_at=_AT),
    ),
    p.Snapshot(epoch="f6906c1e8fbc063e", seq=0, room="demo", title="Demo room"),
    p.Snapshot(
        epoch="f6906c1e8fbc063e", seq=4, room="demo", title="Demo room", show=_SHOW, messages=[_MESSAGE, _ANSWER],
        pinned=_MESSAGE, comments=[_COMMENT], values={"viewers": 2, "likes": 0}, staff_seq=1,
        staff=[p.Staff(seq=1, at=_AT, event=_ACTED)],
    ),
    p.Snapshot(
        epoch="f6906c1e8fbc063e", seq=17, room="demo", title="Demo room", presenter="Bo", video_delay_ms=8000,
        rehearsal=True, chat=_CHAT, freezing=_FREEZING,
        breaks=[e.Break(at=_AT, shifted_ms=90_000)], countdown=_CLOCK, featured=_PRODUCT, deals=[_DEAL],
        deleted=[_OTHER],
        staff_seq=9,
        desk=p.StaffView(
            policy=_POLICY, held=[_HELD], reports=[e.Reported(comment=_HELD, reports=3)], sanctions=[_SANCTION],
            refunds=[_REFUND],
        ),
    ),
    p.Snapshot(epoch="f6906c1e8fbc063e", seq=23, room="demo", title="Demo room", draws=[_DRAWN, _QUEUED]),
    p.OwnDraws(
        entries=5,
        draws=[
            d.OwnDraw(
                draw=_DRAW_ID, title="Friday draw", receipt=_RECEIPT, prize=0, prize_title="Rower 🚲", claim_until=_AT
            )
        ],
    ),
    p.Heartbeat(now=_AT, seq=4),
    p.ComeBack(after_ms=1250),
    p.Renewed(resume="qmV3ZXI"),
)  # fmt: skip

#: name, codec, bytes, and what the server answers: an error code per message, or a close code
REFUSED: tuple[tuple[str, Codec, bytes, list[str] | int], ...] = (
    ("an unknown command", Codec.JSON, b'[{"t":"explode","ref":1}]', ["unknown_command"]),
    ("a field of the wrong type", Codec.JSON, b'[{"t":"like","ref":1,"count":"2"}]', ["invalid"]),
    ("a field out of range", Codec.JSON, b'[{"t":"like","ref":1,"count":51}]', ["invalid"]),
    ("a missing field", Codec.JSON, b'[{"t":"comment","ref":1}]', ["invalid"]),
    ("a blank text", Codec.JSON, b'[{"t":"comment","ref":1,"text":" \\t "}]', ["invalid"]),
    ("a NUL", Codec.JSON, b'[{"t":"comment","ref":1,"text":"a\\u0000b"}]', ["invalid"]),
    ("a room id in capitals", Codec.JSON, b'[{"t":"join","ref":1,"room":"Demo"}]', ["invalid"]),
    ("one bad among good", Codec.JSON, b'[{"t":"like","ref":1},{"t":"like","ref":2,"count":0}]', ["", "invalid"]),
    ("no ref", Codec.JSON, b'[{"t":"like"}]', int(CloseCode.BAD_FRAME)),
    ("a negative ref", Codec.JSON, b'[{"t":"like","ref":-1}]', int(CloseCode.BAD_FRAME)),
    ("no list", Codec.JSON, b'{"t":"like","ref":1}', int(CloseCode.BAD_FRAME)),
    ("no JSON", Codec.JSON, b"like", int(CloseCode.BAD_FRAME)),
    ("an unpaired surrogate", Codec.JSON, b'[{"t":"comment","ref":1,"text":"\\ud800"}]', int(CloseCode.BAD_FRAME)),
    ("too deep", Codec.JSON, b"[" * 2000 + b"]" * 2000, int(CloseCode.BAD_FRAME)),
    ("a list that claims too much", Codec.MSGPACK, b"\xdd\xff\xff\xff\xff", int(CloseCode.BAD_FRAME)),
    ("a string that is not UTF-8", Codec.MSGPACK, b"\x91\x82\xa1t\xa2\xff\xff\xa3ref\x01", int(CloseCode.BAD_FRAME)),
    ("too deep, packed", Codec.MSGPACK, b"\x91" * 2000 + b"\x01", int(CloseCode.BAD_FRAME)),
    ("an unknown command, packed", Codec.MSGPACK, b"\x91\x82\xa1t\xa1x\xa3ref\x05", ["unknown_command"]),
)


def vectors() -> str:
    """The golden file: each message as plain JSON and as the exact bytes of its frame in both codecs."""
    good = [
        {
            "kind": type(message).__name__,
            "plain": plain(message),
            "json": encode_all([message], Codec.JSON).decode(),
            "msgpack_hex": encode_all([message], Codec.MSGPACK).hex(),
        }
        for message in MESSAGES
    ]
    bad = [
        {"name": name, "codec": codec.value, "bytes_hex": data.hex(), "answer": answer}
        for name, codec, data, answer in REFUSED
    ]
    document = encode(msgspec.convert({"messages": good, "refused": bad}, _Document), Codec.JSON)
    return msgspec.json.format(document, indent=1).decode() + "\n"


class _Document(msgspec.Struct):
    messages: list[dict[str, object]]
    refused: list[dict[str, object]]
