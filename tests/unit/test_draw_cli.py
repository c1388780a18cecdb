"""`livestream draw verify`: what it says, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from livestream.config import ConfigError
from lottery.cli import draw
from lottery.steps import STEPS
from tests.support import tampering
from tests.support.tampering import DRAND, Case


def run(*arguments: str, stdin: bytes | None = None, color: bool = False) -> Result:
    return CliRunner().invoke(draw, arguments, input=stdin, color=color)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return tampering.case(DRAND)


def written(folder: Path, name: str, value: Any) -> str:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(value), "utf-8")
    return str(path)


def test_a_proof_that_holds_ends_with_0(case: Case, tmp_path: Path) -> None:
    ran = run("verify", written(tmp_path, "proof", case.proof))
    assert ran.exit_code == 0, ran.output
    assert "The draw holds." in ran.output
    assert all(title in ran.output for title in STEPS.values())
    assert "What this does not prove:" in ran.output
    assert "\x1b" not in ran.output, "no colours where nobody looks"


def test_the_step_that_fails_is_named_and_it_ends_with_1(tmp_path: Path) -> None:
    ran = run("verify", written(tmp_path, "proof", tampering.tampered("entry").proof), color=True)
    assert ran.exit_code == 1
    assert "The draw fails at: root" in ran.output
    assert "\x1b[31m" in ran.output
    assert STEPS["seed"] not in ran.output


def test_it_reads_standard_input_and_answers_programs_in_json(case: Case) -> None:
    ran = run("verify", "-", "--json", stdin=json.dumps(case.proof).encode())
    report = json.loads(ran.output)
    assert (ran.exit_code, report["ok"], report["failed"]) == (0, True, None)
    assert [step["name"] for step in report["steps"]] == list(STEPS)
    broken = json.loads(run("verify", "-", "--json", stdin=b"nonsense").output)
    assert broken["failed"] == "document"


def test_receipt_and_witness_are_checked_too(case: Case, tmp_path: Path) -> None:
    proof = written(tmp_path, "proof", case.proof)
    mine = ["--receipt", written(tmp_path, "r", case.receipt), "--witness", written(tmp_path, "w", case.witness)]
    steps = json.loads(run("verify", proof, *mine, "--json").output)["steps"]
    assert {step["result"] for step in steps} == {"ok"}
    held = written(tmp_path, "held", {"receipt": case.receipt, "inclusion": case.inclusion})
    assert run("verify", proof, "--receipt", held).exit_code == 0
    lost = tampering.tampered("inclusion proof: another path")
    held = written(tmp_path, "held", {"receipt": lost.receipt, "inclusion": lost.inclusion})
    assert "does not lead to the root" in run("verify", proof, "--receipt", held).output
    forged = tampering.tampered("receipt: signature")
    ran = run("verify", proof, "--receipt", written(tmp_path, "r", forged.receipt))
    assert ran.exit_code == 1
    assert "The draw fails at: receipt" in ran.output


def test_a_file_that_is_no_receipt_is_the_users_mistake(case: Case, tmp_path: Path) -> None:
    proof = written(tmp_path, "proof", case.proof)
    ran = run("verify", proof, "--receipt", proof)
    assert isinstance(ran.exception, ConfigError)
    assert "is no receipt" in str(ran.exception)


def test_the_schema_is_printed() -> None:
    assert json.loads(run("schema").output)["$ref"].endswith("/Proof")


def test_its_help_teaches() -> None:
    text = run("verify", "--help").output
    assert "livestream draw verify proof.json --receipt receipt.json" in text
    assert "exit code is 1" in text
