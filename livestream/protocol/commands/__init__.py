"""Commands: everything a client may ask in a room.

A command is a map with its name in `t` and a `ref`. Every ref gets exactly one
reply: the command's own reply, or `error`. Fields are only added, never
repurposed; unknown fields are ignored. The same commands come over HTTP.
"""

from __future__ import annotations

import typing

from .base import COMMON_ERRORS as COMMON_ERRORS
from .base import Command as Command
from .draws import CancelDraw as CancelDraw
from .draws import ClaimForm as ClaimForm
from .draws import ClaimPrize as ClaimPrize
from .draws import CloseDraw as CloseDraw
from .draws import CreateDraw as CreateDraw
from .draws import DeclinePrize as DeclinePrize
from .draws import DisqualifyWinner as DisqualifyWinner
from .draws import EnterDraw as EnterDraw
from .draws import MarkClaimed as MarkClaimed
from .draws import OpenDraw as OpenDraw
from .draws import RevealDraw as RevealDraw
from .draws import SaveTemplate as SaveTemplate
from .groupbuy import ChangeDeal as ChangeDeal
from .groupbuy import CloseDeal as CloseDeal
from .groupbuy import DecideOrderRefund as DecideOrderRefund
from .groupbuy import ExtendDeal as ExtendDeal
from .groupbuy import GroupBuyCommand as GroupBuyCommand
from .groupbuy import JoinTeam as JoinTeam
from .groupbuy import LeaveTeam as LeaveTeam
from .groupbuy import OpenDeal as OpenDeal
from .groupbuy import OpenTeam as OpenTeam
from .groupbuy import PaySeat as PaySeat
from .groupbuy import RefundOrder as RefundOrder
from .groupbuy import VoidDeal as VoidDeal
from .groupbuy import WaiveTeam as WaiveTeam
from .moderation import Ban as Ban
from .moderation import Delete as Delete
from .moderation import Mute as Mute
from .moderation import Restore as Restore
from .moderation import Rule as Rule
from .moderation import SetChat as SetChat
from .moderation import Unban as Unban
from .moderation import Unmute as Unmute
from .operator import DecideRefund as DecideRefund
from .operator import Refund as Refund
from .operator import SetRoom as SetRoom
from .stage import CancelCountdown as CancelCountdown
from .stage import Countdown as Countdown
from .stage import Feature as Feature
from .stage import Freeze as Freeze
from .stage import HandOver as HandOver
from .stage import Invite as Invite
from .stage import Pin as Pin
from .stage import Retract as Retract
from .stage import Say as Say
from .stage import Schedule as Schedule
from .stage import SetShow as SetShow
from .stage import Unfreeze as Unfreeze
from .stage import Unretract as Unretract
from .viewer import Block as Block
from .viewer import Comment as Comment
from .viewer import Join as Join
from .viewer import Like as Like
from .viewer import Report as Report
from .viewer import Resume as Resume
from .viewer import Seen as Seen
from .viewer import Unblock as Unblock

ViewerCommand = Join | Comment | Like | Report | Block | Unblock | Seen
StageCommand = (
    Say | Retract | Unretract | Pin | Feature | Schedule | SetShow | Countdown | CancelCountdown
    | Freeze | Unfreeze | Invite | HandOver
)  # fmt: skip
ModerationCommand = Delete | Restore | Rule | Mute | Unmute | Ban | Unban | SetChat
OperatorCommand = SetRoom | Refund | DecideRefund
DrawCommand = (
    CreateDraw | SaveTemplate | OpenDraw | CloseDraw | CancelDraw | RevealDraw | EnterDraw | ClaimPrize
    | DeclinePrize | MarkClaimed | DisqualifyWinner
)  # fmt: skip
AnyCommand = (
    ViewerCommand | StageCommand | ModerationCommand | OperatorCommand | GroupBuyCommand | DrawCommand
)  # fmt: skip
COMMANDS: tuple[type[Command], ...] = typing.get_args(AnyCommand)
