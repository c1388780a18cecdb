"""Targets of webhooks: nothing inside the network is reached, by whatever name or address it is asked for."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from livestream.config import ConfigError, Settings, load
from livestream.webhooks.resolver import CheckedResolver, Targets
from livestream.webhooks.target import Rules, TargetRefused, is_inside

OPEN = Rules.of(Settings())
INSIDE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255",
    "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192",
    "192.0.2.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::10.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
]  # fmt: skip
OUTSIDE = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.0.0.1", "128.0.0.1",
    "169.253.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "192.169.0.1", "223.255.255.255",
    "2606:4700:4700::1111", "2a00:1450:4001:80b::200e", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
]  # fmt: skip


def refusal(url: str, rules: Rules = OPEN) -> str:
    with pytest.raises(TargetRefused) as caught:
        rules.check_url(url)
    return str(caught.value)


def targets(*answers: list[str], **settings: object) -> Targets:
    """Targets whose name server gives these answers, one after another, the last for ever."""
    waiting = list(answers)

    def lookup(host: str) -> list[str]:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return Targets(Rules.of(Settings(**settings)), lookup)  # type: ignore[arg-type]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_in_the_url_and_behind_a_name(address: str) -> None:
    assert is_inside(ipaddress.ip_address(address))
    plain = address.partition("%")[0]
    shown = f"[{plain}]" if ":" in plain else plain
    assert "inside the network" in refusal(f"https://{shown}/hook")
    with pytest.raises(TargetRefused, match="inside the network"):
        OPEN.check_address("shop.example", ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_of_the_internet_is_allowed(address: str) -> None:
    assert not is_inside(ipaddress.ip_address(address))
    shown = f"[{address}]" if ":" in address else address
    assert ipaddress.ip_address(OPEN.check_url(f"https://{shown}/hook").host or "") == ipaddress.ip_address(address)


def test_every_address_that_python_takes_for_special_is_inside() -> None:
    for first in range(256):
        for second in range(256):
            address = ipaddress.IPv4Address(f"{first}.{second}.0.1")
            assert is_inside(address) or (address.is_global and not address.is_multicast), address


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "no URL"),
        ("shop.example/hook", "no URL"),
        ("https://", "no URL"),
        ("https:///hook", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://a:99999/", "no URL"),
        ("ftp://shop.example/", "https://"),
        ("file:///etc/passwd", "no URL"),
        ("javascript:alert(1)", "no URL"),
        ("https://ann:pw@shop.example/", "user or password"),
        ("https://ann@shop.example/", "user or password"),
        ("https://shop.example/#part", "fragment"),
        ("https://shop.example/a b", "no spaces"),
        ("https://shop.example/\n", "no spaces"),
        ("https://shop.example/\0", "no spaces"),
        ("https://shop.example/" + "x" * 2048, "2048 characters"),
        *((f"https://shop.example:{port}/", "port") for port in (0, 22, 25, 53, 81, 444, 1023)),
    ],
)
def test_a_url_that_is_none_or_asks_for_more_is_refused(url: str, says: str) -> None:
    assert says in refusal(url)


@pytest.mark.parametrize("port", [80, 443, 1024, 8080, 8443, 65535])
def test_ports_of_the_web_and_above_1023_are_allowed(port: int) -> None:
    assert OPEN.check_url(f"http://shop.example:{port}/hook").port == port


def test_production_wants_https() -> None:
    production = Rules(https_only=True)
    assert "https://" in refusal("http://shop.example/", production)
    assert production.check_url("https://shop.example/").scheme == "https"
    settings = Settings(profile="production")
    assert Rules.of(settings).https_only
    assert OPEN.check_url("http://shop.example/").scheme == "http"


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f.0.0.1", "017700000001", "localhost", "localhost."])
async def test_other_spellings_of_loopback_lead_to_the_look_up_and_are_refused_there(host: str) -> None:
    asked = targets(["127.0.0.1"])
    with pytest.raises(TargetRefused, match="inside the network"):
        await asked.check(f"https://{host}/")


async def test_settings_allow_networks_and_hosts_inside() -> None:
    allowed = {"webhook_inside": ("10.1.0.0/16", "erp.internal", "fd00::1")}
    near = targets(["10.1.2.3"], **allowed)
    await near.check("https://any.example/")
    await near.check("https://10.1.2.3/")
    await near.check("https://[fd00::1]/")
    await near.check("https://[::ffff:10.1.2.3]/")
    with pytest.raises(TargetRefused):
        await targets(["10.2.2.3"], **allowed).check("https://any.example/")
    await targets(["10.2.2.3"], **allowed).check("https://ERP.internal/")
    for other in ("xerp.internal", "x.erp.internal", "erp.internal.example"):
        with pytest.raises(TargetRefused):
            await targets(["10.2.2.3"], **allowed).check(f"https://{other}/")


async def test_one_address_inside_makes_a_name_refused() -> None:
    with pytest.raises(TargetRefused, match="inside the network"):
        await targets(["8.8.8.8", "10.0.0.1"]).check("https://shop.example/")


@pytest.mark.parametrize("trouble", [socket.gaierror("no"), UnicodeError("label too long"), TimeoutError()])
async def test_a_name_that_leads_nowhere_is_refused(trouble: Exception) -> None:
    def lookup(host: str) -> list[str]:
        raise trouble

    with pytest.raises(TargetRefused, match="leads nowhere"):
        await Targets(OPEN, lookup).check("https://shop.example/")
    with pytest.raises(TargetRefused, match="leads nowhere"):
        await targets([]).check("https://shop.example/")


async def test_a_name_that_changes_its_mind_is_judged_again_at_every_connection() -> None:
    rebinding = targets(["8.8.8.8"], ["127.0.0.1"])
    await rebinding.check("https://shop.example/")
    with pytest.raises(TargetRefused, match="inside the network"):
        await CheckedResolver(rebinding).resolve("shop.example", 443)


async def test_the_client_is_given_the_very_addresses_that_were_judged() -> None:
    found = await CheckedResolver(targets(["8.8.8.8", "2606:4700::1"], ["127.0.0.1"])).resolve("shop.example", 443)
    assert [(each["host"], each["port"], each["family"]) for each in found] == [
        ("8.8.8.8", 443, socket.AF_INET),
        ("2606:4700::1", 443, socket.AF_INET6),
    ]
    assert all(each["flags"] & socket.AI_NUMERICHOST for each in found)


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "10.0.0.1/8", "300.1.1.1", "a b", "https://x", ""])
def test_a_setting_that_is_no_host_and_no_network_is_an_error(entry: str) -> None:
    with pytest.raises(ConfigError, match="webhook_inside"):
        load(flags={"webhook_inside": [entry]})
    assert load(environ={"LIVESTREAM_WEBHOOK_INSIDE": "10.0.0.0/8, ::1, erp.internal,erp"}).webhook_inside[3] == "erp"
