"""Presence: which units have an open facility at a date (by assignment, declaration, geometry)."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from servicecircle.problems import Problem
from servicecircle.project import LEVELS

__all__ = [
    "Gazetteer",
    "gazetteer",
    "is_open",
    "normalise_name",
    "place_facilities",
    "presence",
]

_SPLIT = re.compile(r"[;；/／、|]")
_OFFICES = (
    ("社区居民委员会", "社区"),
    ("社区居委会", "社区"),
    ("村民委员会", "村"),
    ("村委会", "村"),
    ("居民委员会", ""),
    ("居委会", ""),
)


def normalise_name(name: str) -> str:
    """Return a unit's name as it is compared: width, spaces, end marks and offices taken off.

    Examples
    --------
    >>> normalise_name(" 中央里；"), normalise_name("大桥村村民委员会"), normalise_name("")
    ('中央里', '大桥村', '')
    """
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", name)).casefold().strip(";,.、。:")
    for office, kept in _OFFICES:
        if text.endswith(office) and len(text) > len(office):
            stem = text.removesuffix(office)
            return stem if stem.endswith(kept or "\0") else stem + kept
    return text


def is_open(facilities: pd.DataFrame, as_of: dt.date) -> pd.Series[bool]:
    """Return which facilities are open at a date.

    Open means: opened by the date or without an opening date, not closed by then, and neither
    planned nor closed by status. A closing date after ``as_of`` outweighs the status ``closed``,
    which describes a later day.

    Parameters
    ----------
    facilities : pandas.DataFrame
        Columns opened, closed (datetime64 or NaT) and status.
    as_of : datetime.date

    Returns
    -------
    pandas.Series of bool
        With the index of ``facilities``.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "opened": pd.to_datetime(["2020-01-01", None, "2026-01-01"]),
    ...     "closed": pd.to_datetime([None, "2025-12-31", None]),
    ...     "status": ["", "open", ""],
    ... })
    >>> is_open(table, dt.date(2025, 12, 31)).tolist()
    [True, False, False]
    >>> is_open(table.iloc[:0], dt.date(2025, 12, 31)).tolist()
    []
    """
    day = pd.Timestamp(as_of)
    opened = pd.to_datetime(facilities["opened"])
    closed = pd.to_datetime(facilities["closed"])
    status = facilities["status"].fillna("").astype(str)
    later = closed.notna() & (closed > day)
    found = (
        (opened.isna() | (opened <= day))
        & (closed.isna() | later)
        & (status != "planned")
        & ((status != "closed") | later)
    )
    return found.astype(bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gazetteer:
    """Units by code and by name, and the way up from each."""

    level_of: dict[str, str]
    parent_of: dict[str, str]
    by_code: dict[tuple[str, str], list[str]]
    by_name: dict[tuple[str, str], list[str]]
    words: dict[str, frozenset[str]]
    hints: dict[str, str]
    known: frozenset[str]
    levels: tuple[str, ...]

    def ancestors(self, unit: str) -> Iterator[str]:
        """Yield the unit, its parent and so on; a circle of parents ends it."""
        seen: set[str] = set()
        while unit and unit in self.level_of and unit not in seen:
            seen.add(unit)
            yield unit
            unit = self.parent_of[unit]

    def climb(self, unit: str, level: str) -> str:
        """Return the unit of a level that a unit is or lies in, "" without one."""
        return next((one for one in self.ancestors(unit) if self.level_of[one] == level), "")

    def resolve(self, text: str, *, levels: tuple[str, ...], parent: str = "") -> str:
        """Return the one unit that a code or a name stands for, "" for none or several."""
        text = text.strip()
        if not text:
            return ""
        within = normalise_name(parent)
        for level in levels:
            found = self._matches(text, level)
            if within:
                found = [one for one in found if self._lies_in(one, within)]
            if len(found) == 1:
                return found[0]
        return ""

    def matches(self, text: str, *, levels: tuple[str, ...]) -> list[str]:
        """Return every unit that a code or a name may stand for."""
        text = text.strip()
        return [one for level in levels for one in self._matches(text, level)] if text else []

    def knows(self, parent: str) -> bool:
        """Tell whether a text stands for any unit, or for a parent that units name."""
        return normalise_name(parent) in self.known

    def _matches(self, text: str, level: str) -> list[str]:
        by_code = self.by_code.get((level, text), [])
        return by_code or self.by_name.get((level, normalise_name(text)), [])

    def _lies_in(self, unit: str, parent: str) -> bool:
        """Tell whether a unit lies in a parent, which its source may name though it is no unit."""
        chain = list(self.ancestors(unit))
        return any(parent in self.words[one] for one in chain[1:]) or any(
            parent == self.hints[one] for one in chain
        )


def _by_id(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table.set_index(name) if name in table.columns else table


def gazetteer(units: pd.DataFrame) -> Gazetteer:
    """Return the units of all levels as a book to look codes and names up in."""
    units = _by_id(units, "unit_id")
    by_code: dict[tuple[str, str], list[str]] = {}
    by_name: dict[tuple[str, str], list[str]] = {}
    words: dict[str, frozenset[str]] = {}
    ids = [str(one) for one in units.index]
    for unit, code, name, level in zip(
        ids, units["code"], units["name"], units["level"], strict=True
    ):
        short = normalise_name(str(name))
        for text in {str(code), unit} - {""}:
            by_code.setdefault((level, text), []).append(unit)
        if short:
            by_name.setdefault((level, short), []).append(unit)
        words[unit] = frozenset({short, normalise_name(str(code)), normalise_name(unit)} - {""})
    hints = dict(zip(ids, map(normalise_name, _texts(units, "parent_hint")), strict=True))
    return Gazetteer(
        level_of=dict(zip(ids, units["level"].astype(str), strict=True)),
        parent_of=dict(zip(ids, units["parent_id"].fillna("").astype(str), strict=True)),
        by_code=by_code,
        by_name=by_name,
        words=words,
        hints=hints,
        known=frozenset().union(*words.values(), hints.values()) - {""},
        levels=tuple(level for level in LEVELS if (units["level"] == level).any()),
    )


def _search_order(level: str, stated: str | None, present: tuple[str, ...]) -> tuple[str, ...]:
    """Return the levels to look a name up in: the stated one, else this one, then the finer."""
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


def _by_geometry(facilities: pd.DataFrame, book: Gazetteer, level: str) -> list[str]:
    """Return the unit of a level that each facility stands in, from the finest level known."""
    found = [""] * len(facilities)
    for column in (level, *reversed(book.levels)):
        name = f"unit_{column}"
        if name not in facilities.columns:
            continue
        for row, unit in enumerate(facilities[name]):
            if not found[row] and isinstance(unit, str) and unit:
                found[row] = book.climb(unit, level)
    return found


def place_facilities(
    facilities: pd.DataFrame,
    units: pd.DataFrame,
    *,
    level: str,
    serves_level: str | None = None,
    declared_level: str | None = None,
    book: Gazetteer | None = None,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the units of a level that each facility belongs to.

    By ``serves`` (the units it is assigned to) where given, else by its declared unit, else by the
    unit it stands in. A unit of a finer level counts for the unit of ``level`` above it; where the
    declared one is none of the units, the declared parent counts. A text that stands for no unit,
    or for several of which the facility stands in none, is a problem record, and the next way is
    taken.

    Parameters
    ----------
    facilities : pandas.DataFrame
        The facilities contract without geometry, index or column facility_id, and unit_<level>.
    units : pandas.DataFrame
        The units contract without geometry, all levels, index or column unit_id.
    level : str
    serves_level, declared_level : str, optional
        Level of the units named in ``serves`` and in ``declared_unit``; looked up at ``level`` and
        below where not given.
    book : Gazetteer, optional
        Of the units, where the caller has made it already.

    Returns
    -------
    pairs : pandas.DataFrame
        Columns facility_id, unit_id, by (serves, declared, geometry); no pair twice.
    problems : list of Problem
        Texts that stand for no unit; declared units other than the one the facility stands in.

    Examples
    --------
    >>> units = pd.DataFrame({
    ...     "unit_id": ["township:1"], "code": ["1"], "name": ["东镇"], "level": ["township"],
    ...     "parent_id": [""],
    ... })
    >>> sites = pd.DataFrame({"facility_id": ["a", "b"], "serves": ["东镇", ""]})
    >>> pairs, problems = place_facilities(sites, units, level="township")
    >>> pairs.to_dict("list"), problems
    ({'facility_id': ['a'], 'unit_id': ['township:1'], 'by': ['serves']}, [])
    """
    facilities, units = _by_id(facilities, "facility_id"), _by_id(units, "unit_id")
    book = book or gazetteer(units)
    problems: list[Problem] = []
    pairs: dict[tuple[str, str], str] = {}
    parents = _texts(facilities, "declared_parent")
    stands = _by_geometry(facilities, book, level)
    serves_order = _search_order(level, serves_level, book.levels)
    declared_order = _search_order(level, declared_level, book.levels)
    wheres = list(
        zip(*(_texts(facilities, key) for key in ("source_file", "source_sheet")), strict=True)
    )
    numbers = facilities.get("source_row", pd.Series(pd.NA, index=facilities.index))

    def problem(code: str, row: int, column: str, value: str, **details: object) -> None:
        file, sheet = wheres[row]
        number = numbers.iloc[row]
        problems.append(
            Problem(
                code=code,
                severity="warning",
                file=file,
                sheet=sheet,
                row=None if pd.isna(number) else int(number),
                column=column,
                value=value,
                details={"level": level, **details},
            )
        )

    rows = zip(
        (str(one) for one in facilities.index),
        _texts(facilities, "serves"),
        _texts(facilities, "declared_unit"),
        strict=True,
    )
    for row, (facility, serves, declared) in enumerate(rows):
        assigned: list[str] = []
        for text in filter(None, (part.strip() for part in _SPLIT.split(serves))):
            # A name that several units have means the one in the facility's own unit or parent;
            # but the units served may lie outside of both.
            tried = (
                book.resolve(text, levels=serves_order, parent=parent)
                for parent in (declared, parents[row], "")
            )
            unit = next(filter(None, tried), "")
            if not unit:
                problem("presence.unknown_served_unit", row, "serves", text)
            assigned.append(book.climb(unit, level))
        assigned = [one for one in assigned if one]
        if assigned:
            for unit in assigned:
                pairs.setdefault((facility, unit), "serves")
            continue
        named = ""
        if declared.strip():
            unit = book.resolve(declared, levels=declared_order, parent=parents[row])
            known = book.matches(declared, levels=declared_order)
            if not unit and stands[row] and not book.knows(parents[row]):
                # Of several of the name, the place decides; nothing speaks against it.
                here = (one for one in known if book.climb(one, level) == stands[row])
                unit = next(here, "")
            parent = "" if known else book.resolve(parents[row], levels=book.levels)
            if not unit and parents[row] and book.resolve(declared, levels=declared_order):
                problem(
                    "presence.other_parent", row, "declared_unit", declared, parent=parents[row]
                )
            elif not unit and not (parent and book.level_of[parent] == book.levels[-1]):
                problem("presence.unknown_declared_unit", row, "declared_unit", declared)
            named = book.climb(unit or parent, level)
        if named and stands[row] and named != stands[row]:
            problem(
                "presence.declared_elsewhere",
                row,
                "declared_unit",
                declared,
                stands=str(units.at[stands[row], "name"]) or stands[row],
            )
        if unit_id := named or stands[row]:
            pairs.setdefault((facility, unit_id), "declared" if named else "geometry")
    table = pd.DataFrame(
        [(facility, unit, by) for (facility, unit), by in pairs.items()],
        columns=["facility_id", "unit_id", "by"],
    )
    return table, problems


def presence(
    facilities: pd.DataFrame,
    units: pd.DataFrame,
    *,
    level: str,
    layer: str,
    as_of: dt.date,
    serves_level: str | None = None,
    declared_level: str | None = None,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Count the distinct open facilities of a layer in each unit of a level.

    Parameters
    ----------
    facilities : pandas.DataFrame
        The facilities contract without geometry, index or column facility_id, and unit_<level>;
        the rows of other layers are left aside.
    units : pandas.DataFrame
        The units contract without geometry, all levels, index or column unit_id.
    level, layer : str
    as_of : datetime.date
        A facility without an opening date counts as open and is flagged.
    serves_level, declared_level : str, optional
        See :func:`place_facilities`.

    Returns
    -------
    counts : pandas.DataFrame
        Index unit_id, all units of the level in their order; column facilities (int). A layer
        that is supplied and empty gives zeros; a layer that is not supplied is for the caller.
    problems : list of Problem
        Those of :func:`place_facilities`; one for all open facilities without an opening date, one
        for all that belong to no unit of the level.

    Examples
    --------
    >>> units = pd.DataFrame({
    ...     "unit_id": ["township:1"], "code": ["1"], "name": ["东镇"], "level": ["township"],
    ...     "parent_id": [""],
    ... })
    >>> none = pd.DataFrame(columns=["facility_id", "layer", "opened", "closed", "status"])
    >>> day = dt.date(2025, 12, 31)
    >>> counts, problems = presence(none, units, level="township", layer="canteen", as_of=day)
    >>> counts["facilities"].to_dict(), problems
    ({'township:1': 0}, [])
    """
    facilities, units = _by_id(facilities, "facility_id"), _by_id(units, "unit_id")
    rows = facilities[facilities["layer"] == layer]
    rows = rows[is_open(rows, as_of)]
    pairs, problems = place_facilities(
        rows, units, level=level, serves_level=serves_level, declared_level=declared_level
    )
    here = units.index[units["level"] == level]
    counts = pairs.groupby("unit_id")["facility_id"].nunique().reindex(here, fill_value=0)
    undated = int(pd.to_datetime(rows["opened"]).isna().sum())
    lost = len(rows) - int(pairs["facility_id"].nunique())
    for code, number in (("presence.no_opening_date", undated), ("presence.in_no_unit", lost)):
        if number:
            problems.append(
                Problem(
                    code=code,
                    severity="note",
                    column="opened" if code == "presence.no_opening_date" else "",
                    value=str(number),
                    action="counted",
                    details={"layer": layer, "level": level, "count": number},
                )
            )
    return counts.astype(np.int64).rename("facilities").rename_axis("unit_id").to_frame(), problems
