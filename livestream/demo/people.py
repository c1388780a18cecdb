"""People: who a simulated viewer is: a language, a name, and sentences of that language. The dice are an argument."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.resources import files
from random import Random

#: language and its share of the audience, in percent
LANGUAGES = {"en": 40, "zh": 30, "fr": 15, "pl": 15}
_SHORT_CHARS = 24  #: what is typed in the heat of the moment

#: first names, what may follow them, and what stands between
_NAMES = {
    "en": (
        "Ava, Ben, Chloe, Dan, Ellie, Finn, Grace, Hank, Isla, Jack, Kayla, Liam, Maya, Noah, Olive, Priya, Quinn, "
        "Ruby, Sam, Tess, Umar, Violet, Will, Zoe",
        "B., Carter, from Leeds, H., K, Mills, Okafor, Patel, R., Stone, T., Young, ☀️, 88",
        " ",
    ),
    "zh": (
        "王, 李, 张, 刘, 陈, 杨, 黄, 赵, 周, 吴, 徐, 孙, 马, 朱, 胡, 林, 何, 高, 罗, 郑, 梁, 谢",
        "小雨, 晓明, 思琪, 子涵, 阿强, 丽丽, 雨桐, 建国, 欣怡, 浩然, 大宝, 梦瑶, 静, 磊",
        "",
    ),
    "fr": (
        "Amélie, Baptiste, Camille, Damien, Élodie, Florian, Gaëlle, Hugo, Inès, Jules, Karim, Léa, Manon, Noé, "
        "Océane, Pauline, Romain, Sarah, Théo, Yasmine, Zoé",
        "B., Dubois, de Lyon, Fontaine, G., Lefèvre, M., Moreau, Petit, R., 🌸, 33",
        " ",
    ),
    "pl": (
        "Agnieszka, Bartek, Celina, Darek, Ewa, Filip, Gosia, Hania, Irek, Jola, Kasia, Łukasz, Magda, Natalia, Ola, "
        "Piotrek, Renata, Staszek, Tomek, Ula, Wojtek, Zosia, Żaneta",
        "B., Kowalska, K., Lis, M., Nowak, z Gdyni, Wrona, Zając, ♥, 77",
        " ",
    ),
}


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    language: str


def audience(count: int, random: Random) -> list[Person]:
    """So many people; no two of the same name."""
    people: list[Person] = []
    taken: set[str] = set()
    languages, weights = list(LANGUAGES), list(LANGUAGES.values())
    for number in range(count):
        language = random.choices(languages, weights)[0]
        name = _name(language, random)
        if name in taken:
            name += f" {number + 1}" if name.isascii() else str(number + 1)
        taken.add(name)
        people.append(Person(name, language))
    return people


def _name(language: str, random: Random) -> str:
    firsts, lasts, between = _NAMES[language]
    first, last = random.choice(firsts.split(", ")), random.choice(lasts.split(", "))
    return first if between and random.random() < 0.3 else first + between + last


@functools.cache
def sentences(language: str) -> tuple[str, ...]:
    """What people of a language write."""
    text = (files("livestream.demo") / "corpus" / f"{language}.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line)


@functools.cache
def exclamations(language: str) -> tuple[str, ...]:
    """The short ones, which follow within seconds on what a host says."""
    return tuple(line for line in sentences(language) if len(line) <= _SHORT_CHARS)
