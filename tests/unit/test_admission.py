"""Admission: hosts, origins, room in the process, sockets an address, and whose address it is."""

from __future__ import annotations

import pytest

from gateway.admission import Admission, fit
from livestream.config import Settings

HOST = "localhost:8000"


def judge(admission: Admission, host: str = HOST, origin: str | None = None, address: str = "10.0.0.1") -> int | None:
    refusal = admission.judge(address, host, origin)
    return None if refusal is None else refusal[0]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", None),
        ("LOCALHOST", None),
        ("127.0.0.1:1", None),
        ("[::1]:8000", None),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("localhost@evil.example", 421),
        ("", 421),
        ("[", 421),
    ],
)
def test_only_hosts_that_are_served_come_in(host: str, status: int | None) -> None:
    assert judge(Admission(Settings()), host) == status


def test_with_no_hosts_set_any_will_do() -> None:
    assert judge(Admission(Settings(allowed_hosts=())), "shop.example") is None


@pytest.mark.parametrize(
    ("allowed", "origin", "status"),
    [
        (("same",), None, None),
        (("same",), "http://localhost:8000", None),
        (("same",), "http://localhost:8001", 403),
        (("same",), "http://evil.example", 403),
        (("same",), "null", 403),
        (("https://shop.example",), "https://shop.example", None),
        (("https://shop.example",), "http://localhost:8000", 403),
        (("https://shop.example",), "https://shop.example.evil.example", 403),
        (("*",), "null", None),
    ],
)
def test_only_pages_of_known_origins_connect(allowed: tuple[str, ...], origin: str | None, status: int | None) -> None:
    assert judge(Admission(Settings(allowed_origins=allowed)), origin=origin) == status


@pytest.mark.parametrize(
    ("peer", "origin", "allowed"),
    [
        ("10.0.0.9", "https://localhost:8000", True),
        ("10.0.0.9", "http://localhost:8000", False),  # a page that anybody on the line may have changed
        ("192.0.2.1", "http://localhost:8000", True),  # whoever says it is no proxy of ours
        ("10.0.0.9", "http://[", False),
    ],
)
def test_a_page_over_plain_http_is_not_of_a_site_behind_tls(peer: str, origin: str, allowed: bool) -> None:
    admission = Admission(Settings(allowed_origins=("same",), trusted_proxies=("10.0.0.0/8",)))
    scheme = admission.forwarded_scheme(peer, ["https"])
    assert admission.origin_allowed(origin, "localhost:8000", scheme) is allowed


def test_a_full_process_refuses_and_takes_again_who_comes_after_one_left() -> None:
    admission = Admission(Settings(max_connections=2))
    admission.entered("10.0.0.1")
    admission.entered("10.0.0.2")
    assert judge(admission, address="10.0.0.3") == 503
    admission.left("10.0.0.2")
    assert judge(admission, address="10.0.0.3") is None


def test_an_address_has_so_many_sockets_and_others_are_not_concerned() -> None:
    admission = Admission(Settings(sockets_per_address=2))
    admission.entered("10.0.0.1")
    assert judge(admission) is None
    admission.entered("10.0.0.1")
    assert judge(admission) == 429
    assert judge(admission, address="10.0.0.2") is None
    admission.left("10.0.0.1")
    assert judge(admission) is None


def test_a_whole_64_of_ipv6_is_one_subscriber() -> None:
    admission = Admission(Settings(sockets_per_address=50))
    for number in range(50):
        admission.entered(admission.client_address(f"2001:db8:0:1::{number:x}", []))
    assert judge(admission, address=admission.client_address("2001:db8:0:1:ffff::1", [])) == 429
    assert judge(admission, address=admission.client_address("2001:db8:0:2::1", [])) is None
    assert admission.client_address("::ffff:10.0.0.1", []) == "10.0.0.1"


def test_http_has_a_share_and_an_address_no_more_than_half_of_it() -> None:
    admission = Admission(Settings(max_connections=100, sockets_per_address=20))  # HTTP may have 25
    answers = {number: [_http(admission, f"10.0.0.{number}") for _ in range(14)] for number in range(3)}
    assert answers[0] == answers[1] == [200] * 12 + [429] * 2
    assert answers[2] == [200] + [503] * 13
    admission.departed("10.0.0.0", http=True)
    assert [_http(admission, f"10.0.0.{number}") for number in (1, 0, 2)] == [429, 200, 503]


def test_a_proxy_of_ours_may_have_all_of_http() -> None:
    admission = Admission(Settings(max_connections=100, trusted_proxies=("10.0.0.0/8",)))
    assert [_http(admission, "10.0.0.1") for _ in range(26)] == [200] * 25 + [503]


def test_an_address_with_too_many_sockets_gets_no_http_either() -> None:
    admission = Admission(Settings(sockets_per_address=2))
    assert [_http(admission, "10.0.0.1") for _ in range(3)] == [200, 200, 429]


def _http(admission: Admission, peer: str) -> int:
    """One more socket with a request for a page; the status of its answer."""
    assert admission.arrived(peer)
    return (admission.take_http(peer) or (200, ""))[0]


def test_a_socket_far_over_a_limit_is_not_listened_to_and_a_proxy_of_ours_has_no_limit() -> None:
    admission = Admission(Settings(sockets_per_address=2, trusted_proxies=("10.0.0.0/8",)))
    assert sum(admission.arrived("1.2.3.4") for _ in range(200)) < 50
    assert all(admission.arrived("10.0.0.1") for _ in range(200))


@pytest.mark.parametrize("descriptors", [100, 256, 1024, 4096, 20_000, 1 << 20])
def test_all_sockets_that_are_let_in_have_a_descriptor(descriptors: int) -> None:
    most = fit(15_000, descriptors)
    admission = Admission(Settings(max_connections=most, sockets_per_address=100_000))
    while admission.arrived("10.0.0.1"):
        pass
    assert 0 < most <= 15_000
    assert admission._sockets <= max(descriptors - 50, 52)
    assert descriptors < 20_000 or most == 15_000


def test_who_drains_takes_nobody() -> None:
    admission = Admission(Settings())
    admission.draining = True
    assert judge(admission) == 503


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.9", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.9", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.9", "1.2.3.4, 10.0.0.8", "1.2.3.4"),
        ("10.0.0.9", "10.0.0.7, 10.0.0.8", "10.0.0.7"),
        ("10.0.0.9", "", "10.0.0.9"),
        ("10.0.0.9", " , ", "10.0.0.9"),
        ("8.8.8.8", "1.2.3.4", "8.8.8.8"),
        ("10.0.0.9", "6.6.6.6, not-an-address", "not-an-address"),
    ],
)
def test_a_forwarded_address_counts_as_far_as_our_proxies_vouch_for_it(peer: str, forwarded: str, address: str) -> None:
    admission = Admission(Settings(trusted_proxies=("10.0.0.0/8",)))
    assert admission.client_address(peer, [forwarded]) == address


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert Admission(Settings()).client_address("10.0.0.9", ["1.2.3.4"]) == "10.0.0.9"
