"""Fonts of charts: Chinese ones where there are, and names that can be written with what is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from servicecircle.messages import Language
from servicecircle.outputs.figures.chart import short

__all__ = ["chart_font", "font_families", "readable"]

# Families with Chinese letters that systems bring along, the plainest first.
_CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK JP",
    "Noto Serif CJK SC",
    "SimSun",
)
_PLAIN = "DejaVu Sans"


def chart_font(language: Language) -> tuple[str, Language]:
    """Return a font for charts and the language that it can write.

    Parameters
    ----------
    language : {"zh", "en"}

    Returns
    -------
    family : str
    language : {"zh", "en"}
        English where no font of this machine has Chinese letters: boxes say nothing.

    Examples
    --------
    >>> chart_font("en")
    ('DejaVu Sans', 'en')
    """
    found = _chinese()
    return (found, "zh") if language == "zh" and found else (_PLAIN, "en")


def font_families(language: Language) -> tuple[tuple[str, ...], Language]:
    """Return the fonts of charts, the first for most letters, and the language of their words.

    English charts have a Chinese font too, where there is one: names of units are what they are.

    Parameters
    ----------
    language : {"zh", "en"}

    Examples
    --------
    >>> font_families("en")[0][0], font_families("en")[1]
    ('DejaVu Sans', 'en')
    """
    first, spoken = chart_font(language)
    return tuple(dict.fromkeys(filter(None, (first, _PLAIN, _chinese())))), spoken


def readable(
    names: Iterable[str], others: Iterable[str], families: Sequence[str], *, most: int = 24
) -> list[str]:
    """Return names, and in the place of those that no font can write something else.

    Parameters
    ----------
    names, others : iterable of str
        Names, and what to call each instead, such as its code.
    families : sequence of str
        Fonts.
    most : int
        Letters; longer names are cut.

    Returns
    -------
    list of str
        Where ``others`` cannot be written either, ``No. 3`` by the place in the list.

    Examples
    --------
    >>> readable(["North", "北镇"], ["01", "02"], ["DejaVu Sans"])
    ['North', '02']
    >>> readable([], [], ["DejaVu Sans"])
    []
    """
    letters = _letters(families)
    found = []
    for number, pair in enumerate(zip(names, others, strict=True), start=1):
        texts = (short(text, most) for text in pair)
        fit = (text for text in texts if text and all(ord(one) in letters for one in text))
        found.append(next(fit, f"No. {number}"))
    return found


def _chinese() -> str:
    """Return the plainest Chinese font of this machine, "" where there is none."""
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return next((family for family in _CHINESE if family in there), "")


def _letters(families: Sequence[str]) -> frozenset[int]:
    """Return the letters that fonts have, but for separators, which need no shape."""
    from matplotlib.font_manager import fontManager

    files = {font.name: font.fname for font in reversed(fontManager.ttflist)}
    found = (_of_file(str(files[family])) for family in families if family in files)
    return frozenset({0x20}).union(*found)


@cache
def _of_file(file: str) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    font: Any = get_font(file)
    return frozenset(font.get_charmap())
