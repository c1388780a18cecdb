"""Links: whether a text names an address to go to, however it is written. Pure."""

from __future__ import annotations

import re

from .normal import latin, visible

#: endings under which spam lives, and everyday ones; of those that are words only where something more says "address"
_ENDINGS = (
    "com|net|org|info|biz|shop|store|online|site|club|vip|top|xyz|live|link|click|icu|cc|tv|gg|ly|app|dev|io|pro|"
    "ru|cn|pl|fr|de|uk|eu|us|ua|tk|ml|ga|cf|gq|su|wang|ltd|cam|win|bet|fun|space|website|tech|asia|hk|tw|jp|kr|me|"
    "ai|co|nl|ch|fi|dk|cz|sk|hu|ro|bg|gr|pt|ie|lt|lv|ee|kz|br|mx|cl|nz|za|ng|ke|eg|tn|ae|ir|pk|lk|th|vn|sg|ph|sh|"
    "fm|ws|vc|es|it|in|at|be|se|no|ca|au|ma|sa|il|la|to|am|is|so|as|do|my|by|id|pe|"
    "shopping|agency|cloud|email|casino|porn|sex|adult|loans|bid|promo|deals|sale|gift|market|money|finance|trade|"
    "stream|download|review|party|date|work|world|today|life|page|zone|group|team|one|mobi|name|bar|buzz|rest|ink"
)
_ORDINARY = """
me us top live link fun win pro de space app club info es it in at be se no ca au ma sa il la to am is so as do my
by id pe fi shopping cloud email sex adult loans bid deals sale gift market money finance trade stream download
review party date work world today life page zone group team one name bar buzz rest ink bet
"""
_WORDS_TOO = frozenset(_ORDINARY.split())
_DOT = (
    r"\s*(?:\.|。|．|｡|·|•|\(\s*\.?\s*\)|\[\s*\.?\s*\]|[\(\[]\s*(?:dot|point|kropka|点)\s*[\)\]]"
    r"|\bdot\b|\bkropka\b|点)\s*"
)
_SCHEME = re.compile(
    r"\b(?:h[tx]{1,2}ps?|ftp)\s*:\s*[/\\]\s*[/\\]|\bwww\s*[.。．]\s*\w|\b(?:[a-z0-9-]{2,63}\.[a-z]{2,24}|t\.(?:me|co))/\w"
)
_PLAIN = re.compile(rf"(?<![\w@.])[a-z0-9][a-z0-9-]{{1,62}}(?:\.[a-z0-9-]{{1,63}}){{0,3}}\.({_ENDINGS})(?![\w-])")
_HIDDEN = re.compile(
    rf"\b[a-z0-9][a-z0-9-]{{1,62}}{_DOT}(com|net|org|ru|cn|xyz|shop|top|vip|club|online|site|info|pl|eu|uk)\b"
)
_NUMBERED = re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?[1-9]?\d)(?![\d.]*\d)")
_FOREIGN = re.compile(r"[\w-][.。．｡](?:中国|中國|公司|网络|网址|商店|购物|在线|рф|укр|бел)(?!\w)")
_LETTERS = re.compile(r"(?<!\w)\w(?:\s+[\w.]){4,}(?!\w)")
_SPLIT = re.compile(
    r"[a-z0-9-]{3,63}\s+\.\s*(?:com|net|org|ru|cn|xyz|shop)\b|[a-z0-9-]{3,63}\.\s+(?:com|net|ru|cn|xyz)\b"
)


def has_link(text: str) -> bool:
    """It names a web address. Cost: 10 µs a comment; linear in the text."""
    if not _may_have(text):
        return False
    form = visible(text)
    if not form.isascii():
        if _FOREIGN.search(form):
            return True
        form = latin(form)
    form = _LETTERS.sub(lambda found: "".join(found[0].split()), form)
    if _SCHEME.search(form) or _SPLIT.search(form) or _NUMBERED.search(form):
        return True
    for found in _PLAIN.finditer(form):
        # `so.live` may be a full stop without its space; `shop1.live`, `my-shop.live` and `a.b.live` are addresses.
        name = found[0].rpartition(".")[0]
        if found[1] not in _WORDS_TOO or not name.isalpha():
            return True
    return any(found[0].count(".") == 0 or "(" in found[0] or "[" in found[0] for found in _HIDDEN.finditer(form))


def _may_have(text: str) -> bool:
    # What is not ASCII may hold any of them in another form.
    return (
        not text.isascii()
        or any(sign in text for sign in ".:。．｡·•([点")
        or "dot" in text.lower()
        or "kropka" in text.lower()
    )
