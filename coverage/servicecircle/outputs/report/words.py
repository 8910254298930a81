"""The words and numbers of a report, in the language of the run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from servicecircle.inputs.report import words_of
from servicecircle.messages import Language
from servicecircle.outputs.escape import clean_text
from servicecircle.standards.registry import load_registry

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["NONE", "Words", "figure", "layer_titles", "plain", "rate", "share"]

NONE = "–"
"""What stands where there is nothing: unknown, never 0."""
_LONGEST = 200
_MOST_DIGITS = 6
_SLACK = 1e-6
"""Of the last digit: what a division may lose."""
# From this size on so many digits after the point.
_DIGITS = ((1000.0, 0), (10.0, 1), (1.0, 2), (0.0, 3))
# What turns the direction of the letters that follow, and what XML forbids.
_TURNING = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_NO_XML = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")
_BLANK = re.compile(r"\s+")


def plain(value: object, most: int = _LONGEST) -> str:
    r"""Return a text of data as one short line that any format can hold.

    Parameters
    ----------
    value : object
        None and NaN give a dash, as an empty text does.
    most : int
        Letters at most; what is longer ends in an ellipsis.

    Examples
    --------
    >>> plain("a\n\tb\x00"), plain("\u202etxt.exe"), plain("long name", 5), plain(None)
    ('a b\ufffd', 'txt.exe', 'long…', '–')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NONE
    text = _NO_XML.sub("\ufffd", clean_text(str(value)[: 10 * most]))
    text = _BLANK.sub(" ", _TURNING.sub("", text)).strip()
    if len(text) > most:
        text = text[: most - 1].rstrip() + "…"
    return text or NONE


def figure(value: float, *, percent: bool = False, apart_from: float = math.nan) -> str:
    """Return a number as people read it, with as many digits as it takes to tell it from another.

    Parameters
    ----------
    value : float
        Of per cent: 81.2 for 81.2 %.
    percent : bool
    apart_from : float
        A target: 94.97 is not shown as the 95.0 that it falls short of.

    Examples
    --------
    >>> figure(12345.6), figure(648.18), figure(4.212), figure(0.30199), figure(3.0)
    ('12,346', '648.2', '4.21', '0.302', '3')
    >>> figure(94.97, percent=True, apart_from=95.0), figure(95.0, percent=True)
    ('94.97%', '95%')
    >>> figure(float("nan")), figure(float("inf"))
    ('–', '∞')
    """
    if math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    digits = 1 if percent else next(most for least, most in _DIGITS if size >= least)
    while (
        value != apart_from
        and _written(value, digits) == _written(apart_from, digits)
        and digits < _MOST_DIGITS
    ):
        digits += 1
    text = _written(value, digits)
    return f"{text}%" if percent else text


def rate(part: float, whole: float = 1.0) -> str:
    """Return a rate of coverage in per cent, cut to a tenth as on the page and in the figures.

    Cut, not rounded: 79.96 % is not shown as the 80 % that it falls short of, nor 99.97 % as all.

    Parameters
    ----------
    part, whole : float
        0.5 of 1 for 50 %; a dash where there is no whole.

    Examples
    --------
    >>> rate(0.7996), rate(0.9997), rate(29, 100), rate(3, 3), rate(1, 3000), rate(0, 3), rate(0, 0)
    ('79.9%', '99.9%', '29%', '100%', '<0.1%', '0%', '–')
    """
    if not whole > 0.0 or math.isnan(part):
        return NONE
    tenths = math.floor(1000.0 * part / whole + _SLACK)
    if tenths == 0 and part > 0.0:
        return "<0.1%"
    return f"{_written(tenths / 10.0, 1)}%"


def _written(value: float, digits: int) -> str:
    """Return a number with so many digits after the point, without zeros at its end."""
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def share(part: float, whole: float) -> str:
    """Return a part of a whole in per cent; a dash where there is no whole.

    Examples
    --------
    >>> share(1, 3), share(1, 9000), share(0, 0)
    ('33.3%', '<0.1%', '–')
    """
    if not whole > 0.0:
        return NONE
    text = f"{part / whole:.1%}"
    return "<0.1%" if part > 0.0 and text == "0.0%" else text


def layer_titles(results: Results) -> dict[str, str]:
    """Return what each facility layer is called, those of the registry and of the project."""
    language = results.language
    known = {name: words.title(language) for name, words in load_registry().layers.items()}
    own = {one.name: one.zh if language == "zh" else one.en for one in results.layers}
    return {name: plain(title, 60) for name, title in (known | own).items()}


class Words:
    """Says the texts of a report: the project's own where it has some.

    Examples
    --------
    >>> say = Words("en", {"problems": "What is wrong with the lists"})
    >>> say("problems"), say.listed(["a", "b"])
    ('What is wrong with the lists', 'a, b')
    """

    def __init__(self, language: Language, own: Mapping[str, str]) -> None:
        self.language: Language = language
        self._own = own

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its placeholders filled."""
        return words_of(key, self.language, self._own).format_map(values)

    def listed(self, parts: Iterable[str]) -> str:
        """Return several things as one list."""
        return ("、" if self.language == "zh" else ", ").join(parts)
