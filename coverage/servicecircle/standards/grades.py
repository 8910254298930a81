"""Grades of facilities: 3A, 三级, 三星, and which is at least which."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["at_least", "parse_grade"]

_DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6}
_NUMBER = "([0-9一二两三四五六])"


def parse_grade(text: str) -> tuple[str, int] | None:
    """Return the scale of a grade (A, star, level) and its number; None if it has none.

    Examples
    --------
    >>> [parse_grade(text) for text in ("国家AAAA级", "3Ａ级", "国家三级", "五星级")]
    [('A', 4), ('A', 3), ('level', 3), ('star', 5)]
    >>> parse_grade("示范型") is None
    True
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    if found := re.search(_NUMBER + r"\s*A", plain):
        return "A", _number(found[1])
    if found := re.search(r"(?<![A-Z])(A{1,6})(?![A-Z])", plain):
        return "A", len(found[1])
    if found := re.search(_NUMBER + r"\s*(?:星|STAR)", plain):
        return "star", _number(found[1])
    found = re.search(_NUMBER + r"\s*(?:级|等)", plain) or re.search(r"LEVEL\s*([0-9])", plain)
    return ("level", _number(found[1])) if found else None


def _number(text: str) -> int:
    return _DIGITS.get(text) or int(text)


def at_least(grade: str, wanted: str) -> bool | None:
    """Return whether a grade reaches another one; None if the two cannot be compared.

    More A and more stars are better; of levels (一级, 二级, 三级) the first is the best.

    Examples
    --------
    >>> at_least("4A", "3A"), at_least("AA", "3A")
    (True, False)
    >>> at_least("二级", "三级"), at_least("四级", "三级")
    (True, False)
    >>> at_least("", "3A") is None
    True
    """
    have, want = parse_grade(grade), parse_grade(wanted)
    if have is None or want is None or have[0] != want[0]:
        return None
    return have[1] <= want[1] if want[0] == "level" else have[1] >= want[1]
