"""Settings: every source is read, every setting documented, every error names its setting."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from livestream.config import ConfigError, Settings, load, reference
from livestream.deployment import to_environ

FIELDS = msgspec.structs.fields(Settings)


def wrong(**arguments: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(**arguments)  # type: ignore[arg-type]
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_the_reference_loads_to_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "livestream.toml"
    file.write_text(reference())
    assert load(file=str(file)) == Settings()


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_setting_is_in_the_reference_with_a_meaning(field: msgspec.structs.FieldInfo) -> None:
    lines = reference().splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith(f"{field.name} = ")]
    assert lines[place - 1].startswith("# ")
    assert len(lines[place - 1]) > 10


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_value_that_does_not_fit_is_an_error_that_names_the_setting(field: msgspec.structs.FieldInfo) -> None:
    assert f"setting `{field.name}`" in wrong(flags={field.name: {"not": "this"}})


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "0"), ("PORT", "70000"), ("PORT", "many"), ("PROFILE", "test"), ("DRAIN_S", "-1"), ("COMPRESS", "maybe")],
)
def test_a_bad_variable_is_an_error_that_names_the_setting(variable: str, value: str) -> None:
    assert f"setting `{variable.lower()}` = '{value}'" in wrong(environ={f"LIVESTREAM_{variable}": value})


def test_an_unknown_name_is_an_error_in_every_source(tmp_path: Path) -> None:
    file = tmp_path / "livestream.toml"
    file.write_text("prot = 8080\n")
    for arguments in ({"file": str(file)}, {"environ": {"LIVESTREAM_PROT": "1"}}, {"flags": {"prot": 1}}):
        assert "no setting is called `prot`" in wrong(**arguments)


def test_secrets_are_not_repeated_in_errors() -> None:
    for name in ("secret", "database_url", "redis_url"):
        assert "hunter2" not in wrong(flags={name: ["hunter2"]})
    assert "hunter2" not in wrong(flags={"secret": "hunter2"})


def test_later_sources_win(tmp_path: Path) -> None:
    file = tmp_path / "livestream.toml"
    file.write_text('port = 1001\nhost = "127.0.0.2"\ngateways = 3\n')
    environ = {"LIVESTREAM_CONFIG": str(file), "LIVESTREAM_PORT": "1002", "LIVESTREAM_HOST": "127.0.0.3"}
    loaded = load(environ=environ, flags={"port": 1003, "host": None})
    assert (loaded.port, loaded.host, loaded.gateways) == (1003, "127.0.0.3", 3)


def test_lists_are_separated_by_commas_in_the_environment() -> None:
    loaded = load(environ={"LIVESTREAM_ALLOWED_HOSTS": " a.example, b.example ,"})
    assert loaded.allowed_hosts == ("a.example", "b.example")


def test_the_stores_addresses_are_read_under_their_common_names() -> None:
    common = {"DATABASE_URL": "postgresql://a/b", "REDIS_URL": "redis://a"}
    assert load(environ=common).database_url == "postgresql://a/b"
    assert load(environ=common | {"LIVESTREAM_DATABASE_URL": "postgresql://c/d"}).database_url == "postgresql://c/d"


def test_a_child_process_reads_the_very_same_settings() -> None:
    settings = Settings(
        port=1234,
        compress=False,
        drain_s=0.25,
        allowed_hosts=(),
        trusted_proxies=("10.0.0.0/8", "::1"),
        secret="s" * 32,
    )
    assert load(environ=to_environ(settings)) == settings


@pytest.mark.parametrize("text", ["port = ", "port = 1\nport = 2", "[server]\nport = 1", "\x00"])
def test_a_file_that_is_not_right_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "livestream.toml"
    file.write_text(text)
    assert wrong(file=str(file))


def test_a_file_that_is_missing_is_an_error_that_names_it(tmp_path: Path) -> None:
    assert str(tmp_path / "none.toml") in wrong(file=str(tmp_path / "none.toml"))


def test_production_refuses_what_only_a_laptop_may_leave_open() -> None:
    given: dict[str, object] = {"profile": "production"}
    for name, value in [
        ("database_url", "postgresql://a/b"),
        ("redis_url", "redis://a"),
        ("secret", "s" * 32),
        ("metrics_port", 9100),
    ]:
        assert f"setting `{name}` must be given" in wrong(flags=given)
        given[name] = value
    assert load(flags=given).production


@pytest.mark.parametrize(
    "flags",
    [
        {"secret": "short"},
        {"soft_buffer_bytes": 100_000, "hard_buffer_bytes": 100_000},
        {"database_url": "mysql://a/b"},
        {"redis_url": "localhost:6379"},
        {"metrics_port": 8080},
    ],
    ids=str,
)
def test_settings_that_contradict_are_refused_by_name(flags: dict[str, object]) -> None:
    assert f"`{list(flags)[-1]}`" in wrong(flags=flags)
