"""The command line: help for everything, one line for what is wrong, exit codes, never a traceback."""

from __future__ import annotations

import socket
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner

from livestream import seed
from livestream.cli import cli
from livestream.config import Settings, load
from livestream.deployment import to_environ
from livestream.revocations import Revocations
from livestream.storage.pool import Database
from tests.support.commands import livestream, refusal
from tests.support.ports import free_port

OURS = ["serve", "gateway", "worker", "migrate", "token", "config"]
PLUGGED_IN = sorted(point.name for point in entry_points(group="livestream.commands"))


def test_help_lists_every_command() -> None:
    done = livestream("--help")
    assert done.returncode == 0
    for name in [*OURS, *PLUGGED_IN]:
        assert f"\n  {name} " in done.stdout
    assert "..." not in done.stdout.partition("Commands:")[2], "what a command does is said in a line of 80 characters"


@pytest.mark.parametrize("name", OURS)
def test_every_command_explains_itself(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"])
    assert shown.exit_code == 0, shown.output
    assert f"{name} [OPTIONS]" in shown.output
    assert "--port INTEGER" in shown.output, "settings' flags stand before a command and after it"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["--nonsense"], "No such option"),
        (["--port", "many", "config"], "'many' is not a valid integer"),
        (["token", "--role", "king"], "'king' is not one of"),
        (["token", "--ttl", "0"], "0 is not in the range"),
        (["token", "--count", "0"], "0 is not in the range"),
        (["token", "--role", "anonymous"], "'anonymous' is not one of"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_read_is_explained(arguments: list[str], says: str) -> None:
    done = livestream(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_key_is_retired_by_a_command_and_whoever_came_by_it_is_out(
    settings: Settings, seeded: str, database: Database
) -> None:
    environ = to_environ(settings)
    (first,) = await _keys(database)
    assert "is the last key" in refusal("shop", "retire-key", first, **environ)
    made = livestream("shop", "add-key", seed.SHOP, **environ)
    assert made.returncode == 0, made.stderr
    assert livestream("shop", "retire-key", first, **environ).returncode == 0
    assert await _keys(database) == [made.stdout.split()[1]]
    async with database.read() as connection:
        assert {each.kid for each in await Revocations().read(connection)} == {first}
    assert "no key" in refusal("shop", "retire-key", first, **environ)
    assert "no shop" in refusal("shop", "add-key", "none", **environ)


async def _keys(database: Database) -> list[str]:
    async with database.read() as connection:
        return [row["kid"] for row in await connection.fetch("SELECT kid FROM shop_key WHERE retired_at IS NULL")]


def test_a_setting_that_does_not_fit_is_named() -> None:
    assert "setting `port` = 0" in refusal("--port", "0", "config")
    assert "setting `gateways` = 'x'" in refusal("config", LIVESTREAM_GATEWAYS="x")
    assert "no setting is called `gatways`" in refusal("config", LIVESTREAM_GATWAYS="1")
    assert "cannot read the settings file" in refusal("--config", "/no/such/file.toml", "config")


@pytest.mark.parametrize("command", ["gateway", "worker", "migrate", "token"])
def test_without_a_show_and_without_addresses_a_command_says_what_to_do(command: str, tmp_path: object) -> None:
    assert "start `livestream serve`, or give DATABASE_URL" in refusal("--data-dir", f"{tmp_path}/none", command)


def test_the_demo_is_for_this_machine_alone() -> None:
    for command in ("serve", "gateway"):
        assert "a show for development is for this machine alone" in refusal("--host", "0.0.0.0", command)
    given = {
        "LIVESTREAM_PROFILE": "production",
        "DATABASE_URL": "postgresql://127.0.0.1:9/x",
        "REDIS_URL": "redis://127.0.0.1:9",
        "LIVESTREAM_SECRET": "s" * 32,
        "LIVESTREAM_METRICS_PORT": str(free_port()),
    }
    assert "refused in the production profile" in refusal("serve", "--demo", **given)


def test_production_refuses_a_database_with_a_demo_shop(settings: Settings, seeded: str) -> None:
    environ = to_environ(settings) | {
        "LIVESTREAM_PROFILE": "production",
        "LIVESTREAM_PORT": str(free_port()),
        "LIVESTREAM_METRICS_PORT": str(free_port()),
    }
    for command in ("serve", "gateway"):
        assert "a database with a demo shop (demo)" in refusal(command, **environ)


def test_a_secret_of_ones_own_does_not_take_the_demo_to_other_machines(settings: Settings, seeded: str) -> None:
    environ = to_environ(settings) | {"LIVESTREAM_PORT": str(free_port()), "LIVESTREAM_HOST": "0.0.0.0"}
    assert settings.secret
    for command in (("serve", "--no-demo"), ("gateway",)):
        said = refusal(*command, **environ)
        assert "that listens on 0.0.0.0 refuses a database with a demo shop (demo)" in said


def test_stores_that_are_away_are_one_line(settings: Settings, seeded: str) -> None:
    environ = to_environ(settings)
    away = {"LIVESTREAM_DATABASE_URL": "postgresql://127.0.0.1:9/x"}
    assert "is it running" in refusal("migrate", **environ | away)
    assert "is it running" in refusal("token", **environ | away)
    assert "redis" in refusal("token", "--link", **environ | {"LIVESTREAM_REDIS_URL": "redis://127.0.0.1:9"}).lower()


def test_a_gateway_whose_port_is_taken_says_so(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environ = to_environ(settings) | {"LIVESTREAM_PORT": str(taken.getsockname()[1])}
        assert "choose another with --port" in refusal("gateway", **environ)


def test_a_token_is_signed_for_whom_was_asked(settings: Settings, seeded: str) -> None:
    done = livestream("token", "--viewer", "ann", "--count", "3", **to_environ(settings))
    tokens = done.stdout.split()
    assert done.returncode == 0, done
    assert len(set(tokens)) == 3
    assert all(token.count(".") == 2 for token in tokens)
    assert "the shop 'none' is unknown" in refusal("token", "--shop", "none", **to_environ(settings))


def test_a_link_is_to_a_room_of_the_shop(settings: Settings, seeded: str) -> None:
    environ = to_environ(settings)
    assert f"/host/{seed.ROOM}#ticket=" in livestream("token", "--role", "host", "--link", **environ).stdout
    assert "has no room 'main'" in refusal("token", "--link", "--room", "main", **environ)
    assert "the shop 'none' has no room" in refusal("token", "--link", "--shop", "none", **environ)


def test_migrate_may_be_run_again(settings: Settings, seeded: str) -> None:
    assert livestream("migrate", **to_environ(settings)).stdout == "nothing to apply\n"
    done = livestream("migrate", "--new-epoch", **to_environ(settings))
    assert "new epoch: " in done.stdout


def test_the_printed_reference_is_toml_of_the_defaults() -> None:
    done = livestream("config")
    assert load(flags=tomllib.loads(done.stdout)) == Settings()


def test_config_check_shows_no_secret() -> None:
    secrets = {
        "LIVESTREAM_SECRET": "s" * 40,
        "DATABASE_URL": "postgresql://u:hunter2@h/d",
        "REDIS_URL": "redis://:hunter2@h",
    }
    done = livestream("--port", "1234", "config", "--check", **secrets)
    assert "port = 1234" in done.stdout
    assert "hunter2" not in done.stdout
    assert "s" * 40 not in done.stdout


def test_the_exit_code_is_the_commands(tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    proof.write_text("{}")
    done = livestream("draw", "verify", str(proof))
    assert done.returncode == 1
    assert "The draw fails at: document" in done.stdout
