"""The simulated audience: its sentences, names, numbers, and its screen."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from rich.console import Console

from livestream.config import Settings
from livestream.demo import run
from livestream.demo.people import LANGUAGES, audience, exclamations, sentences
from livestream.demo.screen import panel
from livestream.demo.tally import Tally
from livestream.moderation import wordlist
from livestream.moderation.wordlist import Wordlist, starter
from livestream.protocol import limits


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_many_sentences_that_a_room_takes(language: str) -> None:
    found = sentences(language)
    assert len(found) >= 120
    assert len(set(found)) == len(found)
    assert all(0 < len(sentence) <= 200 and sentence == sentence.strip() for sentence in found)
    assert all(sentence.isprintable() for sentence in found)


def test_no_sentence_is_stopped_by_the_words_that_come_with_us() -> None:
    words = Wordlist(starter(wordlist.LANGUAGES))
    assert {sentence for each in LANGUAGES for sentence in sentences(each) if words.find(sentence)} == set()


def test_no_words_stand_in_two_languages() -> None:
    places = Counter(sentence for language in LANGUAGES for sentence in sentences(language))
    assert [text for text, count in places.items() if count > 1 and any(map(str.isalpha, text))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_of_many_lengths(language: str) -> None:
    lengths = sorted(len(sentence) for sentence in sentences(language))
    assert lengths[0] <= 4
    assert lengths[-1] >= (30 if language == "zh" else 70)
    assert len(exclamations(language)) >= 20


def test_an_audience_has_names_that_a_join_takes_and_no_two_the_same() -> None:
    people = audience(3000, Random(1))
    names = [person.name for person in people]
    assert len(set(names)) == 3000
    assert all(0 < len(name) <= limits.NAME_CHARS for name in names)
    assert {person.language for person in people} == set(LANGUAGES)


def test_the_same_seed_makes_the_same_audience() -> None:
    assert audience(50, Random(7)) == audience(50, Random(7)) != audience(50, Random(8))


def test_line_summary_and_panel_tell_every_number() -> None:
    tally = Tally(wanted=900, arrived=811, connected=807, sent=703, shown=401, left_out=219, likes=557, failed=3)
    tally.reconnects, tally.lag_ms, tally.elapsed_s = 29, 171.0, 62.0
    tally.refusals["rate_limited"] = 83
    tally.received["live"] = 9137
    tally.troubles["HTTP 503"] = 3
    console = Console(width=120, record=True)
    with console.capture() as captured:
        console.print(panel(tally, "a title"))
    for number in ("703", "401", "219", "557", "29", "83", "9137"):
        assert number in tally.line(), number
        assert number in tally.summary(), number
        assert number in captured.get(), number
    assert "620" in tally.summary()  # acknowledged: shown + left out
    assert "171 ms" in captured.get()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "ws://127.0.0.1:8080/v1/ws"),
        ("0.0.0.0", "ws://127.0.0.1:8080/v1/ws"),
        ("::", "ws://[::1]:8080/v1/ws"),
        ("::1", "ws://[::1]:8080/v1/ws"),
        ("show.example", "ws://show.example:8080/v1/ws"),
    ],
)
def test_the_crowd_goes_where_a_server_of_these_settings_listens(host: str, url: str) -> None:
    assert run._url_here(Settings(host=host, port=8080)) == url
