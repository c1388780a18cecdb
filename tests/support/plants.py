"""Plants: what a feigned server does wrong, one thing at a time."""

from __future__ import annotations

import enum


class Plant(enum.Enum):
    """What it does wrong."""

    NOTHING = "nothing"
    DROPS_A_SEQ = "drops a seq for one viewer"
    REORDERS = "sends one viewer two events in the wrong order"
    REPEATS = "sends one viewer an event twice"
    KEEPS_THE_END = "one viewer never gets the last event"
    TELLS_TWO_STORIES = "one viewer is told other words under the same seq"
    LOSES_WHAT_THE_HOST_SAID = "acks before commit: a host message is acknowledged and lost"
    LOSES_COMMENTS = "acks before commit: a comment is acknowledged and lost"
    HIDES_LEFT_OUT = "does not tell how many comments were left out"
    LIES_ABOUT_FATES = "says of a comment that it is shown, and archives it as left out"
    SHOWS_NOTHING = "accepts as shown and shows no one"
    IS_SLOW_ONE_IN_A_HUNDRED = "adds 500 ms to one delivery in a hundred"
    IS_SLOW_TO_ANSWER = "adds 500 ms to one reply in twenty"
    STALLS = "stops for two seconds, once"
    IS_SILENT = "never answers one command in fifty"
    ANSWERS_TWICE = "answers some commands twice"
    INVENTS_CODES = "refuses with a code that is not the command's"
    BREAKS_LINES = "drops a line without a word"
    SWALLOWS_RESUMES = "brings who resumes to the top without what was missed"
    OVERSELLS_BY_ONE = "opens a team for which there is one unit too few"
    LOSES_A_SEAT = "acks before commit: a seat is acknowledged and lost"
    LOSES_A_PAYMENT = "acks before commit: a payment is told and lost"
    ENDS_A_TEAM_TWICE = "tells a member of a complete team that it failed"
    TAKES_TOO_MUCH = "takes one more than the price"
    LOSES_AN_ENTRY = "loses an entry of a draw that it acknowledged"
    PICKS_A_WRONG_WINNER = "gives the first prize to somebody whom the seed did not pick"
    ANNOUNCES_OTHERS = "announces the winners in another order than the proof has"
    LOSES_A_CLAIM = "acks before commit: a claim is acknowledged and lost"
