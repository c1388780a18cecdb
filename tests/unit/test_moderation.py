"""Moderation: spam is found however it is hidden, and what people write is left alone."""

from __future__ import annotations

import importlib.resources
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livestream.moderation import sameness
from livestream.moderation.links import has_link
from livestream.moderation.names import clean_name, passes_for_staff, screen_name
from livestream.moderation.normal import normal, spaced_out
from livestream.moderation.question import is_question
from livestream.moderation.wordlist import LANGUAGES, Entry, Wordlist, starter
from tests.support.spam import EVASIONS, OF_LINKS, SPAM

WORDS = Wordlist(starter(LANGUAGES))
#: ordinary, though a list that looks inside words, or for dots, would stumble over it
TRICKY = """
I live in Scunthorpe
my class has an assessment on Monday
that dress is classic
Shitake mushrooms look like that cup
Peacock blue would be great
does the cocktail glass come in a set of 6?
is it Pfister.Sale or another brand
size S/M or L/XL?
sounds good.me too
can you pin the colour chart again?
ok.thanks
is it 3.5 cm or 4.2 cm?
I paid 19.99 last time
version 2.0 or 1.5?
a.m. or p.m.?
U.S.A. or E.U. plug?
w o w
Y E S
b l a c k please
what time is it in N.Y.?
dot pattern or stripes?
polka dots!
il coûte 12.50 ou 15.00 ?
c'est la taille S.M.L. ?
kropka w nazwie?
rozmiar 38/40 czy 42?
这个尺码偏大吗
能送到北京吗
主播你好漂亮
这个多少钱
100%棉吗
""".strip().splitlines()


def people() -> list[str]:
    corpus = importlib.resources.files("livestream.demo") / "corpus"
    said = [line for file in corpus.iterdir() for line in file.read_text("utf-8").splitlines() if line.strip()]
    return said + TRICKY


def stopped(text: str) -> bool:
    return WORDS.find(text) is not None or has_link(text)


def test_spam_is_stopped_in_every_disguise() -> None:
    chance = Random(7)
    tried = missed = 0
    for line in SPAM:
        assert stopped(line), line
        for evade in OF_LINKS if has_link(line) else EVASIONS:
            for _ in range(3):
                tried += 1
                missed += not stopped(evade(line, chance))
    assert tried > 2000
    assert missed <= tried / 100


@pytest.mark.parametrize(
    "text", ["scam word", "scam-word", "scam.word", "ꜱᴄᴀᴍᴡᴏʀᴅ", "🆂🅲🅰🅼🆆🅾🆁🅳", "ՏcamwoՐd", "s    c    a    m    word"]
)
def test_a_word_is_known_cut_in_two_and_in_strange_letters(text: str) -> None:
    assert Wordlist([Entry("scamword", "hold")]).find(text) is not None


def test_what_people_write_is_left_alone() -> None:
    said = people()
    hit = [text for text in said if stopped(text)]
    assert len(said) > 500
    assert len(hit) <= len(said) / 100, hit


@pytest.mark.parametrize(
    "text",
    [
        "example.com", "https://a.b", "HTTPS : //x", "www.shop", "shop.example.pl/x", "t.me/x",
        "ｅｘａｍｐｌｅ。ｃｏｍ",
        "my-shop.live", "example dot com", "example (.) com", "example[dot]com", "sklep kropka pl",
        "exa\u200bmple.c\u00adom",
        "shop.ai", "foo.co", "foo.nl", "love1.it", "192.168.1.1", "go to 1.2.3.4/x", "例子.中国", "f o o . c o m",
        "https:\\\\x",
    ],
)  # fmt: skip
def test_an_address_is_known_however_it_is_written(text: str) -> None:
    assert has_link(text)


@pytest.mark.parametrize(
    "text",
    [
        "ok.",
        "3.5",
        "1.200.000 zł",
        "v1.2.3",
        "love.it",
        "come.in",
        "so.live it",
        "what...",
        "a.m.",
        "me.too",
        "dot com",
        "e.g. blue",
        "1.200,00",
    ],
)
def test_a_dot_makes_no_address(text: str) -> None:
    assert not has_link(text)


@given(st.text(max_size=60))
def test_normal_is_its_own_normal_and_knows_no_case(text: str) -> None:
    form = normal(text)
    assert normal(form) == form
    assert not form.startswith(" ")
    assert "  " not in form


@given(st.text(max_size=200))
def test_any_text_can_be_judged(text: str) -> None:
    stopped(text)
    is_question(text)
    clean_name(text)
    spaced_out(text)
    assert sameness.key(text) == sameness.key(text)


@given(
    st.sampled_from(["hold", "refuse"]), st.from_regex(r"([bdfg][aeio]){3,6}", fullmatch=True), st.integers(0, 2**16)
)
def test_an_entry_is_found_in_every_disguise(action: str, word: str, seed: int) -> None:
    words = Wordlist([Entry(word, action)])  # type: ignore[arg-type]
    for evade in EVASIONS:
        hidden = evade(f"x {word} y", Random(seed))
        assert words.find(hidden) is not None, hidden


@given(st.text("abcdefgh", min_size=3, max_size=8), st.text("abcdefgh", min_size=1, max_size=3))
def test_a_word_inside_another_is_another_word(word: str, more: str) -> None:
    longer = normal(word + more)
    if longer != normal(word):
        assert Wordlist([Entry(word, "refuse")]).find(longer) is None
    assert Wordlist([Entry(word + "*", "refuse")]).find(word + more) is not None


def test_of_two_hits_the_harder_counts() -> None:
    words = Wordlist([Entry("cup", "hold"), Entry("bowl", "refuse")])
    found = words.find("a cup and a bowl")
    assert found is not None
    assert found.action == "refuse"


def test_the_same_words_with_what_bots_vary_are_the_same() -> None:
    same = ["Best deal EVER 8372!!", "best deal ever", "BEST  deal, ever... a81c9", "bëst deal ever 🔥"]
    assert len({sameness.key(text) for text in same}) == 1
    assert sameness.key("size 38?") != sameness.key("size 40?")


def test_a_number_in_words_without_spaces_does_not_swallow_them() -> None:
    assert sameness.key("160穿S会不会太长") != sameness.key("170穿M会不会太短")
    assert sameness.key("今晚最便宜8372918") == sameness.key("今晚最便宜 a81c9") == sameness.key("今晚最便宜")


def test_after_a_while_the_same_may_be_said_again() -> None:
    said = sameness.Sameness(window_s=10)
    assert said.seen("k", "a", 0) == ("a", 1)
    assert said.seen("k", "b", 9) == ("a", 2)
    assert said.seen("k", "c", 18) == ("a", 3)
    assert said.seen("k", "d", 29) == ("d", 1)


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace", "ada lovelace", "Ada Lovelace1", "The Ada Lovelace", "Аda Lovelace", "Ada Lovelace (host)",
        "Host Ada", "Shop host", "官方客服", "主播小王", "Operator",
    ],
)  # fmt: skip
def test_nobody_passes_for_staff(name: str) -> None:
    found = screen_name(name, Wordlist([]))
    assert found.reason is not None or passes_for_staff(found.form, {"Ada Lovelace", "Bo"})


@pytest.mark.parametrize("name", ["Ada", "Adam", "Ghost", "Hostess", "Bob", "主人"])
def test_an_ordinary_name_is_anybodys(name: str) -> None:
    found = screen_name(name, Wordlist([]))
    assert found.reason is None
    assert not passes_for_staff(found.form, {"Ada Lovelace", "Bo"})
