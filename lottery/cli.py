"""`livestream draw`: check a lucky draw from its proof."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from livestream.config import ConfigError

from .proof import schema
from .receipt import Held, Receipt, Witness
from .steps import STEPS, Report, Result
from .verify import verify as check

T = TypeVar("T")
_MARK = {Result.OK: ("✓", "green"), Result.FAILED: ("✗", "red"), Result.NOT_COVERED: ("–", "yellow")}
_FILE = click.Path(path_type=Path, allow_dash=True, exists=True, dir_okay=False)


@click.group()
def draw() -> None:
    """Check lucky draws."""


@draw.command()
@click.argument("proof", type=_FILE)
@click.option("--receipt", "receipt_file", type=_FILE, help="Your receipt, alone or with its inclusion proof.")
@click.option("--witness", "witness_file", type=_FILE, help="What your page kept of the root: was it out in time?")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.pass_context
def verify(
    ctx: click.Context, proof: Path, receipt_file: Path | None, witness_file: Path | None, as_json: bool
) -> None:
    """Recompute a draw from PROOF, a file or - for standard input.

    PROOF is what `GET /v1/draws/{id}/proof` gives. Nothing else is asked, no
    server and no network: rules, entries, root, beacon, seed, winners and
    reserves are computed anew and compared. The first step that fails is
    named, and the exit code is 1; 0 means that no step failed.

    \b
    ✓  recomputed and the same
    ✗  not the same: the draw is not what it claims
    –  nothing wrong, but the document alone cannot show it

    \b
    livestream draw verify proof.json
    livestream draw verify proof.json --receipt receipt.json
    curl -s https://shop.example/v1/draws/ID/proof | livestream draw verify -
    livestream draw verify proof.json --json | jq .failed
    """
    mine = _held(receipt_file)
    witness = _read(witness_file, Witness, "witness")
    report = check(_bytes(proof), mine, witness)
    click.echo(msgspec.json.encode(report) if as_json else _told(report))
    ctx.exit(0 if report.ok else 1)


@draw.command("schema")
def schema_of_proofs() -> None:
    """Print the JSON Schema of a proof."""
    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


def _bytes(path: Path) -> bytes:
    with click.open_file(str(path), "rb") as file:
        content: bytes = file.read()
        return content


def _read(path: Path | None, kind: type[T], name: str) -> T | None:
    return None if path is None else _decoded(_bytes(path), kind, path, name)


def _decoded(content: bytes, kind: type[T], path: Path, name: str) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no {name}: {error}") from None


def _held(path: Path | None) -> Held | None:
    """A receipt, alone or as the server gives it with its inclusion proof."""
    if path is None:
        return None
    content = _bytes(path)
    try:
        return msgspec.json.decode(content, type=Held)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
        alone = _decoded(content, Receipt, path, "receipt")
        return Held(alone)


def _told(report: Report) -> str:
    lines = []
    for step in report.steps:
        mark, colour = _MARK[step.result]
        lines += [
            f"{click.style(mark, fg=colour, bold=True)} {STEPS[step.name]}",
            _dim(f"    {step.name}: {step.text}"),
        ]
    if report.not_proven:
        lines += ["", "What this does not prove:", *(_dim(f"  · {text}") for text in report.not_proven)]
    verdict: dict[str, Any] = {"fg": "green" if report.ok else "red", "bold": True}
    lines += ["", click.style("The draw holds." if report.ok else f"The draw fails at: {report.failed}", **verdict)]
    return "\n".join(lines)


def _dim(text: str) -> str:
    return click.style(text, dim=True)
