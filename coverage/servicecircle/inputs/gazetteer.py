"""The units of all levels as a book to look codes and names up in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from servicecircle.inputs.values import is_empty
from servicecircle.project import LEVELS

__all__ = ["Gazetteer", "by_id", "gazetteer", "normalise_name", "search_order", "unit_list"]

_SEPARATORS = ";；/／、|,，\r\n"
_SPLIT = re.compile(f"[{_SEPARATORS}]+")
_LISTED = re.compile(rf"[^{_SEPARATORS}()（）]*[(（]([^()（）]*[{_SEPARATORS}][^()（）]*)[)）]")
_SHORTEST = 2
_ENDINGS = (
    *("省", "市", "县", "縣", "区", "區"),
    *("镇", "鎮", "乡", "鄉", "街道", "村", "社区", "社區", "里"),
)
# What addresses put in front of a unit though the project has no such units.
_FAR_ABOVE = re.compile(r"(?:[^省市区县]{2,8}(?:省|自治区|市)){1,2}")
_LONGEST_NAME = 60
_STATISTICAL = 12
_CODE_LENGTHS = (2, 4, 6, 9, _STATISTICAL)
_OFFICES = (
    ("街道办事处", "街道"),
    ("街道办", "街道"),
    ("镇人民政府", "镇"),
    ("乡人民政府", "乡"),
    ("镇政府", "镇"),
    ("乡政府", "乡"),
    ("社区居民委员会", "社区"),
    ("社区居委会", "社区"),
    ("村民委员会", "村"),
    ("村委会", "村"),
    ("居民委员会", ""),
    ("居委会", ""),
)


@lru_cache(maxsize=100_000)
def normalise_name(name: str) -> str:
    """Return a unit's name as it is compared: width, spaces, end marks and offices taken off.

    Examples
    --------
    >>> normalise_name(" 中央里；"), normalise_name("大桥村村民委员会"), normalise_name("")
    ('中央里', '大桥村', '')
    >>> normalise_name("望澜街道办事处")
    '望澜街道'
    """
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", name)).casefold().strip(";,.、。:")
    for office, kept in _OFFICES:
        if text.endswith(office) and len(text) > len(office):
            stem = text.removesuffix(office)
            return stem if stem.endswith(kept or "\0") else stem + kept
    return text


def unit_list(text: str) -> list[str]:
    """Return the names or codes in a cell that lists units.

    Names are set apart by ``;``, ``、``, ``,``, ``/``, ``|`` or line breaks. A name in front of a
    list in brackets is a heading: the units are those in the brackets.

    Examples
    --------
    >>> unit_list("中央里;"), unit_list("甲村、乙村，丙村/丁村"), unit_list(" ")
    (['中央里'], ['甲村', '乙村', '丙村', '丁村'], [])
    >>> unit_list("卧龙分区(卧龙里、芳和里)、学府里（部分）")
    ['卧龙里', '芳和里', '学府里（部分）']
    """
    parts = (part.strip() for part in _SPLIT.split(_LISTED.sub(r";\1;", text)))
    return list(dict.fromkeys(part for part in parts if part and not is_empty(part)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gazetteer:
    """Units by code and by name, and the way up from each."""

    level_of: dict[str, str]
    parent_of: dict[str, str]
    name_of: dict[str, str]
    by_code: dict[tuple[str, str], list[str]]
    by_name: dict[tuple[str, str], list[str]]
    words: dict[str, frozenset[str]]
    hints: dict[str, frozenset[str]]
    known: frozenset[str]
    levels: tuple[str, ...]

    def ancestors(self, unit: str) -> Iterator[str]:
        """Yield the unit, its parent and so on; a circle of parents ends it."""
        seen: set[str] = set()
        while unit and unit in self.level_of and unit not in seen:
            seen.add(unit)
            yield unit
            unit = self.parent_of[unit]

    def title(self, unit: str) -> str:
        """Return the name of a unit, its id where it has none."""
        return self.name_of[unit] or unit

    def climb(self, unit: str, level: str) -> str:
        """Return the unit of a level that a unit is or lies in, "" without one."""
        return next((one for one in self.ancestors(unit) if self.level_of[one] == level), "")

    def resolve(self, text: str, *, levels: tuple[str, ...], parent: str = "") -> str:
        """Return the one unit that a code or a name stands for, "" for none or several."""
        text = text.strip()
        if not text:
            return ""
        within = self._bare(parent)
        for level in levels:
            found = self._matches(text, level)
            if within:
                found = [one for one in found if self._lies_in(one, within)]
            if len(found) == 1:
                return found[0]
        return ""

    def resolve_list(
        self, text: str, *, levels: tuple[str, ...], parents: Sequence[str] = ("",)
    ) -> list[str]:
        """Return the units that one part of a list stands for, none if any of them is unknown.

        The parents are tried in turn. A remark in brackets behind the name is left out; names
        that are set apart by blanks or by 和, 及, 与 are taken where each of them is known.

        Examples
        --------
        >>> units = pd.DataFrame({
        ...     "unit_id": ["1", "2"], "code": ["1", "2"], "name": ["和平村", "东村"],
        ...     "level": "village_level", "parent_id": "",
        ... })
        >>> book = gazetteer(units)
        >>> book.resolve_list("和平村和东村（部分）", levels=("village_level",))
        ['1', '2']
        >>> book.resolve_list("和平村和西村", levels=("village_level",))
        []
        """

        def one(part: str) -> str:
            tried = (self.resolve(part, levels=levels, parent=parent) for parent in parents)
            return next(filter(None, tried), "")

        bare = re.sub(r"[(（][^()（）]*[)）]$", "", text.strip())
        if unit := one(text) or one(bare):
            return [unit]
        for way in (r"\s+", r"\s+|[和及与]", r"\s+|(?<=[村里社区])[和及与]"):
            found = [one(part) for part in re.split(way, bare) if part]
            if len(found) > 1 and all(found):
                return found
        return []

    def matches(self, text: str, *, levels: tuple[str, ...]) -> list[str]:
        """Return every unit that a code or a name may stand for."""
        text = text.strip()
        return [one for level in levels for one in self._matches(text, level)] if text else []

    def knows(self, parent: str) -> bool:
        """Tell whether a text stands for any unit, or for a parent that units name."""
        return self._bare(parent) in self.known

    def names_above(self, text: str, unit: str) -> bool:
        """Tell whether a text names what a unit lies in, itself a unit or only named by one."""
        return self._lies_in(unit, self._bare(text))

    def full_name(self, text: str, *, level: str = "") -> str:
        """Return the one known name that is a text and an ending (松山 for 松山区), else "".

        Known are units and what they say they lie in, so that 大同 stands neither for 大同里 nor
        for 大同区 where there are both. With a level, units of other levels are none.
        """
        short = normalise_name(text)
        if len(short) < _SHORTEST:
            return ""
        found = [short + ending for ending in _ENDINGS if short + ending in self.known]
        if level:
            found = [one for one in found if self._may_be_of(one, level)]
        return found[0] if len(found) == 1 else ""

    def _matches(self, text: str, level: str) -> list[str]:
        by_code = self.by_code.get((level, text)) or self.by_code.get((level, _padded(text)), [])
        short = normalise_name(text)
        return by_code or self.by_name.get((level, short)) or self._qualified(short, level)

    def _may_be_of(self, name: str, level: str) -> bool:
        """Tell whether a known name is one of a level, or of no unit of ours at all."""
        return (level, name) in self.by_name or not any(
            (one, name) in self.by_name for one in self.levels
        )

    def _qualified(self, short: str, level: str) -> list[str]:
        """Return the units of a level whose name comes behind those of what they lie in."""
        if not _SHORTEST < len(short) <= _LONGEST_NAME:
            return []
        for begin in range(1, len(short) - _SHORTEST + 1):
            units = self.by_name.get((level, short[begin:]), [])
            found = [one for one in units if self._lies_below(one, short[:begin])]
            if found:
                return found
        return []

    def _lies_below(self, unit: str, prefix: str) -> bool:
        """Tell whether a text is the names of what a unit lies in, one behind the other."""
        chain = list(self.ancestors(unit))
        names = {normalise_name(self.name_of[one]) for one in chain[1:]}
        names |= {name for one in chain for name in self.hints[one]}
        for name in sorted(names - {""}, key=len):
            if prefix == name or (
                prefix.endswith(name) and self._lies_below(unit, prefix.removesuffix(name))
            ):
                return True
        far = not {"province", "prefecture"} & set(self.levels)
        return far and _FAR_ABOVE.fullmatch(prefix) is not None

    def _bare(self, text: str) -> str:
        """Return a text as names are compared, without the names of what its unit lies in."""
        short = normalise_name(text)
        if not short or short in self.known:
            return short
        found = self.matches(text, levels=self.levels)
        return normalise_name(self.name_of[found[0]]) or short if found else short

    def _lies_in(self, unit: str, parent: str) -> bool:
        """Tell whether a unit lies in a parent, which its source may name though it is no unit."""
        chain = list(self.ancestors(unit))
        return any(parent in self.words[one] for one in chain[1:]) or any(
            parent in self.hints[one] for one in chain
        )


def _padded(code: str) -> str:
    """Return a code of a division with the zeros of its twelve digits, "" for any other text."""
    plain = code.isascii() and code.isdigit() and len(code) in _CODE_LENGTHS
    return f"+{code.ljust(_STATISTICAL, '0')}" if plain else ""


def by_id(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a table with its ids as the index, whether they are a column or not."""
    return table.set_index(name) if name in table.columns else table


def gazetteer(units: pd.DataFrame) -> Gazetteer:
    """Return the units of all levels as a book to look codes and names up in."""
    units = by_id(units, "unit_id")
    by_code: dict[tuple[str, str], list[str]] = {}
    by_name: dict[tuple[str, str], list[str]] = {}
    words: dict[str, frozenset[str]] = {}
    ids = [str(one) for one in units.index]
    for unit, code, name, level in zip(
        ids, units["code"], units["name"], units["level"], strict=True
    ):
        short = normalise_name(str(name))
        for text in {str(code), unit, _padded(str(code))} - {""}:
            by_code.setdefault((level, text), []).append(unit)
        if short:
            by_name.setdefault((level, short), []).append(unit)
        words[unit] = frozenset({short, normalise_name(str(code)), normalise_name(unit)} - {""})
    above = zip(_texts(units, "parent_hint"), _texts(units, "parent_name"), strict=True)
    hints = {
        unit: frozenset(map(normalise_name, texts)) - {""}
        for unit, texts in zip(ids, above, strict=True)
    }
    return Gazetteer(
        level_of=dict(zip(ids, units["level"].astype(str), strict=True)),
        name_of=dict(zip(ids, units["name"].fillna("").astype(str), strict=True)),
        parent_of=dict(zip(ids, units["parent_id"].fillna("").astype(str), strict=True)),
        by_code=by_code,
        by_name=by_name,
        words=words,
        hints=hints,
        known=frozenset().union(*words.values(), *hints.values()) - {""},
        levels=tuple(level for level in LEVELS if (units["level"] == level).any()),
    )


def search_order(level: str, stated: str | None, present: tuple[str, ...]) -> tuple[str, ...]:
    """Return the levels to look a name up in: the stated one, else this one, then the finer.

    Examples
    --------
    >>> search_order("township", None, ("county", "township", "village_level"))
    ('township', 'village_level', 'county')
    >>> search_order("township", "county", ())
    ('county',)
    """
    if stated is not None:
        return (stated,)
    rank = LEVELS.index(level) if level in LEVELS else 0
    finer = [one for one in present if LEVELS.index(one) > rank]
    coarser = [one for one in reversed(present) if LEVELS.index(one) < rank]
    return (level, *finer, *coarser)


def _texts(table: pd.DataFrame, name: str) -> list[str]:
    if name not in table.columns:
        return [""] * len(table)
    return [str(one) for one in table[name].fillna("")]
