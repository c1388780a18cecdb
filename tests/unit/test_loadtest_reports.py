"""Reports: table, page, JUnit, and the result as it is kept."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import msgspec
import pytest

from loadtest.report.junit import junit
from loadtest.report.page import page
from loadtest.report.table import table
from loadtest.result import decode, encode
from loadtest.thresholds import Judged
from tests.support.load_results import load_result


def test_runs_stand_side_by_side_with_what_was_nearest_to_its_threshold() -> None:
    near = [Judged("say.seen p99 <= 100 ms", 90, 100, True), Judged("dropped <= 1 %", 0.005, 0.01, True)]
    silent = [*near, Judged("join p99 <= 1 s", None, 1000, False)]
    lines = table(
        [load_result(20, 1, thresholds=near), load_result(20, 1, thresholds=silent, verdict="failed")]
    ).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2] == ("| `big-sale` | 10 | 60 | passed | say.seen p99 <= 100 ms: 90 ms | 1 of 2 kept | 0.20 | 0.50 |")
    assert "failed | join p99 <= 1 s: nothing was measured" in lines[3]


class _Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not any(name in ("src", "href", "onload") for name, _ in attrs), "it needs nothing else"
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_needs_nothing_else_and_shows_text_as_text() -> None:
    html = page(load_result(20, 1))
    parser = _Balanced()
    parser.feed(html)
    assert parser.open == []
    assert {"svg", "path", "table", "figure"} <= parser.seen
    assert "script" not in parser.seen
    assert "kill gateway" in html
    assert "well again after 1.5 s" in html
    assert ">0:00 talk<" in html, "phases tell when they began"
    assert "<b>text</b>" not in html


def test_junit_has_a_case_for_each_threshold_and_promise() -> None:
    suite = ET.fromstring(junit(load_result(20, 1)))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")
    assert [case.get("name") for case in suite if case.find("failure") is not None] == ["kept"]
    void = ET.fromstring(junit(load_result(20, 1, verdict="void", reasons=["late"])))
    assert void.get("failures") == "2"


def test_a_result_is_read_as_it_was_written() -> None:
    result = load_result(20, 1)
    assert decode(encode(result)) == result
    with pytest.raises(ValueError, match="not a result"):
        decode(b"{}")
    with pytest.raises(ValueError, match="format 9"):
        decode(encode(msgspec.structs.replace(result, format=9)))
