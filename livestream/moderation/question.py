"""Question: whether a comment asks something. Pure."""

from __future__ import annotations

import re

_MARKS = "?？¿"
_CHINESE = ("吗", "呢", "多少", "怎么", "什么", "几", "哪", "能不能", "有没有", "是不是", "可以吗")
_BEGINNINGS = re.compile(
    r"^\W*(?:how|what|when|where|which|who|why|is there|is it|are there|do you|does|can i|can you|could|will"
    r"|ile|czy|jak|kiedy|gdzie|kt[oó]r\w*|co|dlaczego|jaki\w*"
    r"|combien|est-ce|comment|quand|o[uù]|quel\w*|pourquoi|qui|y a-t-il|peut-on)\b",
    re.IGNORECASE,
)


def is_question(text: str) -> bool:
    """It asks, as far as marks and first words tell, in English, Chinese, French or Polish."""
    return (
        any(mark in text for mark in _MARKS) or any(word in text for word in _CHINESE) or bool(_BEGINNINGS.search(text))
    )
