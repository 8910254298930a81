"""Names of units and streets found in the text of an address."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from servicecircle.inputs.gazetteer import normalise_name

__all__ = ["Hit", "WordBook", "fold_address", "word_book"]

_WIDE = r"\u3000-\u303f\u3400-\u9fff\uf900-\ufaff"
_WIDE_LETTER = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_NUMERALS = "零一二三四五六七八九"
_SECTION = re.compile(r"(?<!\d)([1-9])(?=段)")
_STREET_FOLLOWS = re.compile(r"(?:[东南西北中東]|[一二三四五六七八九])?[路街巷弄]|大道|胡同")
# What a name of a unit or a street may stand behind; 新钟楼街 is not 钟楼街.
_UNIT_WORDS = frozenset("省市县縣区區州盟旗镇鎮乡鄉道村里庄屯寨组队场路街巷弄号旁面侧边与和及")
_SHORTEST = 2
_LONGEST = 60


def fold_address(text: str) -> str:
    """Return a text as addresses are compared: narrow, no blanks between Chinese characters.

    Examples
    --------
    >>> fold_address("臺北市 南京東路5段２５１巷"), fold_address("12  Victoria Road")
    ('台北市南京東路五段251巷', '12 victoria road')
    >>> fold_address("")
    ''
    """
    plain = unicodedata.normalize("NFKC", text).casefold().replace("臺", "台")
    plain = re.sub(rf"(?<=[{_WIDE}])\s+|\s+(?=[{_WIDE}])", "", plain)
    plain = re.sub(r"\s+", " ", plain).strip()
    return _SECTION.sub(lambda found: _NUMERALS[int(found[1])], plain)


@dataclass(frozen=True, slots=True)
class Hit:
    """A name in a text: where it begins and ends, and what bears it."""

    begin: int
    end: int
    name: str
    bearers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WordBook:
    """Folded names and what bears each."""

    bearers: dict[str, tuple[str, ...]]
    longest: int

    def find(self, text: str, *, units: bool) -> list[Hit]:
        """Return the names in a folded text, each that lies in no longer one.

        Parameters
        ----------
        text : str
            From :func:`fold_address`.
        units : bool
            The names are of units: one that begins the name of a street (``凤林`` in ``凤林路``)
            is none.

        A name counts where the text begins, behind a unit or a mark, and behind another name;
        inside a word it does not.

        Examples
        --------
        >>> book = word_book([("东村", "a"), ("小东村", "b"), ("凤林", "c")])
        >>> [hit.bearers for hit in book.find("甲镇小东村凤林路3号", units=True)]
        [('b',)]
        >>> book.find("大东村", units=True)
        []
        """
        found: list[Hit] = []
        ends: set[int] = set()
        size = len(text)
        for begin in range(size):
            if not (begin in ends or _may_begin(text, begin)):
                continue
            for end in range(min(size, begin + self.longest), begin + _SHORTEST - 1, -1):
                bearers = self.bearers.get(text[begin:end])
                if bearers is None or _cuts_a_word(text, begin, end):
                    continue
                if units and _STREET_FOLLOWS.match(text, end):
                    continue
                ends.add(end)
                found.append(Hit(begin, end, text[begin:end], bearers))
                break
        return [
            hit
            for hit in found
            if not any(
                other.begin <= hit.begin
                and hit.end <= other.end
                and other.end - other.begin > hit.end - hit.begin
                for other in found
            )
        ]


def _may_begin(text: str, at: int) -> bool:
    """Tell whether a name may begin here: at the start, behind a unit's word, behind a mark."""
    before = text[at - 1 : at]
    return not before or before in _UNIT_WORDS or not _WIDE_LETTER.match(before)


def _cuts_a_word(text: str, begin: int, end: int) -> bool:
    """Tell whether a name would begin or end inside a word or a number of Latin letters."""

    def inner(one: str, other: str) -> bool:
        return one.isascii() and other.isascii() and one.isalnum() and other.isalnum()

    before = begin > 0 and inner(text[begin - 1], text[begin])
    return before or (end < len(text) and inner(text[end - 1], text[end]))


def word_book(names: Iterable[tuple[str, str]]) -> WordBook:
    """Return the book of some names, given with what bears each.

    Names of one character, and those longer than 60, are left out.

    Examples
    --------
    >>> word_book([("大桥村村委会", "a"), ("大桥村", "b"), ("村", "c")]).bearers
    {'大桥村': ('a', 'b')}
    """
    bearers: dict[str, list[str]] = {}
    for name, bearer in names:
        short = fold_address(_plain_name(name))
        if _SHORTEST <= len(short) <= _LONGEST:
            held = bearers.setdefault(short, [])
            if bearer not in held:
                held.append(bearer)
    longest = max((len(name) for name in bearers), default=0)
    return WordBook({name: tuple(held) for name, held in bearers.items()}, longest)


def _plain_name(name: str) -> str:
    """Take offices off a name; a Latin one keeps its blanks."""
    return name if name.isascii() else normalise_name(name)
