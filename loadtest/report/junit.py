"""Junit: thresholds and promises as test cases, for a build server. Pure."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from ..result import Result


def junit(result: Result) -> str:
    """The XML file."""
    cases = [_case("threshold", each.text, None if each.ok else f"was {each.shown}") for each in result.thresholds]
    failures = sum(not each.ok for each in result.thresholds)
    skipped = 0
    for finding in result.findings:
        if finding.ok is None:
            skipped += 1
            cases.append(
                f'  <testcase classname="promise" name={quoteattr(finding.name)}>'
                f"<skipped message={quoteattr(_clean(finding.text))}/></testcase>"
            )
            continue
        failures += not finding.ok
        text = None if finding.ok else "\n".join([finding.text, *finding.examples])
        cases.append(_case("promise", finding.name, text))
    if result.verdict in ("void", "interrupted"):
        failures += 1
        cases.append(_case("run", result.verdict, "; ".join(result.reasons) or result.verdict))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuite name={quoteattr("loadtest " + result.scenario)} tests="{len(cases)}" failures="{failures}" '
        f'skipped="{skipped}" time="{result.seconds:.1f}">\n' + "\n".join(cases) + "\n</testsuite>\n"
    )


def _case(kind: str, name: str, failure: str | None) -> str:
    head = f'  <testcase classname="{kind}" name={quoteattr(_clean(name))}'
    if failure is None:
        return head + "/>"
    return f"{head}><failure>{escape(_clean(failure))}</failure></testcase>"


def _clean(text: str) -> str:
    """XML knows no control characters."""
    return "".join(each for each in text if each >= " " or each in "\n\t")
