"""Merkle tree and picks against the plainest thing that could work; and that the two checkers never crash."""

from __future__ import annotations

import hmac
import itertools
import json
from hashlib import sha256
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lottery import merkle
from lottery.canonical import canonical
from lottery.merkle import Inclusion
from lottery.picks import picks
from lottery.verify import verify
from lottery.weighing import spans
from tests.support import tampering

LEAVES = st.integers(0, 70).map(lambda count: [sha256(bytes([number])).digest() for number in range(count)])


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 as it is written: split at the greatest power of two below the count."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + plain_root(leaves[:split]) + plain_root(leaves[split:])).digest()


def plain_picks(seed: bytes, weights: list[int]) -> list[int]:
    """The protocol's words, one by one."""
    pool, drawn, counter = dict(enumerate(weights)), [], 0
    while pool:
        left = sum(pool.values())
        value = int.from_bytes(hmac.digest(seed, b"pick" + counter.to_bytes(4, "big"), "sha256")[:8], "big")
        counter += 1
        if value >= 2**64 // left * left:
            continue
        running = itertools.accumulate(pool.values())
        index = next(index for index, total in zip(pool, running, strict=True) if total > value % left)
        drawn.append(index)
        del pool[index]
    return drawn


@given(LEAVES)
def test_the_root_is_that_of_rfc_6962(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == plain_root(leaves)


@given(LEAVES.filter(bool), st.data())
def test_an_inclusion_proof_holds_for_its_leaf_and_place_only(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, proof = merkle.root(leaves), merkle.inclusion(leaves, index)
    assert merkle.included(root, leaves[index], proof)
    other = data.draw(st.integers(-1, len(leaves) + 1).filter(lambda number: number != index))
    assert not merkle.included(root, leaves[index], Inclusion(other, len(leaves), proof.path))
    assert not merkle.included(root, sha256(b"another").digest(), proof)
    assert not merkle.included(sha256(b"another").digest(), leaves[index], proof)
    assert not merkle.included(root, leaves[index], Inclusion(index, len(leaves), (*proof.path, "00" * 32)))
    if proof.path:
        assert not merkle.included(root, leaves[index], Inclusion(index, len(leaves), proof.path[:-1]))


@given(st.binary(min_size=32, max_size=32), st.lists(st.integers(1, 2**32 - 1), max_size=40))
def test_picks_are_those_of_the_protocols_words(seed: bytes, weights: list[int]) -> None:
    assert list(picks(seed, weights)) == plain_picks(seed, weights)


@given(st.binary(min_size=32, max_size=32), st.lists(st.integers(2**60, 2**61), min_size=1, max_size=7))
def test_values_that_would_favour_some_are_thrown_away(seed: bytes, weights: list[int]) -> None:
    """With such weights about every fourth value is, which no real draw ever meets."""
    assert list(picks(seed, weights)) == plain_picks(seed, weights)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 60))
def test_everybody_is_picked_once(seed: bytes, count: int) -> None:
    assert sorted(picks(seed, [1] * count)) == list(range(count))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_canonical_text_means_the_same_and_is_the_only_one(value: Any) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@given(st.data())
def test_a_checker_answers_whatever_one_field_of_a_proof_becomes(data: st.DataObject) -> None:
    case = tampering.case(tampering.DRAND)
    part: Any = case.proof
    while True:
        name = data.draw(st.sampled_from(list(part) if isinstance(part, dict) else list(range(len(part)))))
        if not isinstance(part[name], dict | list) or not part[name] or data.draw(st.integers(0, 3)) == 0:
            break
        part = part[name]
    before = part[name]
    part[name] = data.draw(JSON.filter(lambda value: value != before))
    report = verify(json.dumps(case.proof).encode())
    # what no hash covers is the shop's word, and its own page shows it: when what happened happened
    assert not report.ok or name in {"opened_ms", "published_ms", "drawn_ms", "frozen_ms", "why", "closed_ms"}


@given(st.integers(0, 200_000))
def test_spans_cover_all_ids_one_after_the_other(entries: int) -> None:
    found = spans(entries)
    assert (found[0][0], found[-1][1]) == (b"", b"\xff" * 17)
    assert all(low < high for low, high in found)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(found))
    assert len(found) == max(1, -(-entries // 2000))
