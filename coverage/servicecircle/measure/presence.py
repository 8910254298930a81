"""Presence: which units have an open facility at a date (by assignment, declaration, geometry)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from servicecircle.inputs.gazetteer import (
    Gazetteer,
    by_id,
    gazetteer,
    search_order,
    unit_list,
)
from servicecircle.measure.members import member_units
from servicecircle.measure.register import is_open
from servicecircle.problems import Problem

__all__ = ["is_open", "place_facilities", "presence", "presence_of_open"]


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


def _declared_unit(
    book: Gazetteer,
    declared: str,
    parent_name: str,
    *,
    stands: str,
    level: str,
    order: tuple[str, ...],
    title_level: str,
) -> tuple[str, list[tuple[str, dict[str, object]]]]:
    """Return the unit of a level that a declaration stands for, "" for none, and its faults."""
    if not declared:
        return "", []
    if declared == parent_name:
        # The row states no more than what its unit lies in.
        parent_name, order = "", search_order(level, None, book.levels)
    if title_level in order:
        order = (title_level, *(one for one in order if one != title_level))
    unit = book.resolve(declared, levels=order, parent=parent_name)
    known = book.matches(declared, levels=order)
    if not unit and stands and not book.knows(parent_name):
        # Of several of the name, the place decides; nothing speaks against it.
        unit = next((one for one in known if book.climb(one, level) == stands), "")
    if unit:
        return book.climb(unit, level), []
    if parent_name and book.resolve(declared, levels=order):
        return "", [("presence.other_parent", {"parent": parent_name})]
    full = ""
    if not known:
        full = declared if book.knows(declared) else book.full_name(declared, level=title_level)
    if full and (unit := book.resolve(full, levels=order, parent=parent_name)):
        return book.climb(unit, level), [("presence.short_name", {"taken": book.title(unit)})]
    if full and not book.matches(full, levels=order):
        # It names what units lie in, and is none itself: the place has to tell the unit.
        if not stands or book.names_above(full, stands):
            return "", []
        return "", [("presence.declared_elsewhere", {"stands": book.title(stands)})]
    parent = "" if known else book.resolve(parent_name, levels=book.levels)
    named = book.climb(parent, level)
    if parent and book.level_of[parent] == book.levels[-1]:
        return named, []
    return named, [("presence.unknown_declared_unit", {})]


def place_facilities(
    facilities: pd.DataFrame,
    units: pd.DataFrame,
    *,
    level: str,
    serves_level: str | None = None,
    declared_level: str | None = None,
    book: Gazetteer | None = None,
    sites: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the units of a level that each facility belongs to.

    By ``serves`` (the units it is assigned to) where given, else by its declared unit, else by the
    unit it stands in. A short name (松山 for 松山区) is that of a unit of the level which the title
    of its column names. A unit of a finer level counts for the one of ``level`` above it; where the
    declared one is none of the units, the declared parent counts. A text that stands for no unit,
    or for several of which the facility stands in none, is a problem record, and the next way is
    taken. One that has members (a union of sites) and serves no units also belongs to those of
    its members.

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
    sites : pandas.DataFrame, optional
        Facilities of all layers, index or column facility_id, to look members up in.

    Returns
    -------
    pairs : pandas.DataFrame
        Columns facility_id, unit_id, by (serves, declared, geometry, member); no pair twice.
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
    facilities, units = by_id(facilities, "facility_id"), by_id(units, "unit_id")
    book = book or gazetteer(units)
    problems: list[Problem] = []
    pairs: dict[tuple[str, str], str] = {}
    parents = _texts(facilities, "declared_parent")
    title_levels = _texts(facilities, "declared_level")
    layers = _texts(facilities, "layer")
    stands = _by_geometry(facilities, book, level)
    serves_order = search_order(level, serves_level, book.levels)
    declared_order = search_order(level, declared_level, book.levels)
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
                severity="note" if code == "presence.short_name" else "warning",
                file=file,
                sheet=sheet,
                row=None if pd.isna(number) else int(number),
                column=column,
                value=value,
                details={"level": level, "layer": layers[row], **details},
            )
        )

    members: dict[str, list[str]] = {}
    if sites is not None and "members" in facilities.columns:
        members, unknown = member_units(
            facilities,
            by_id(sites, "facility_id"),
            book,
            level=level,
            order=declared_order,
            place=lambda some: place_facilities(some, units, level=level, book=book)[0],
        )
        row_of = {str(one): row for row, one in enumerate(facilities.index)}
        for facility, text in unknown:
            problem("presence.unknown_member", row_of[facility], "members", text)
    rows = zip(
        (str(one) for one in facilities.index),
        _texts(facilities, "serves"),
        _texts(facilities, "declared_unit"),
        strict=True,
    )
    for row, (facility, serves, declared) in enumerate(rows):
        assigned: list[str] = []
        for text in unit_list(serves):
            # A name that several units have means the one in the facility's own unit or parent;
            # but the units served may lie outside of both.
            units_served = book.resolve_list(
                text, levels=serves_order, parents=(declared, parents[row], "")
            )
            if not units_served:
                problem("presence.unknown_served_unit", row, "serves", text)
            assigned += [book.climb(unit, level) for unit in units_served]
        assigned = [one for one in assigned if one]
        if assigned:
            for unit in assigned:
                pairs.setdefault((facility, unit), "serves")
            continue
        named, faults = _declared_unit(
            book,
            declared.strip(),
            parents[row],
            stands=stands[row],
            level=level,
            order=declared_order,
            title_level=(
                title_levels[row]
                if declared_level is None or declared == parents[row]
                else declared_level
            ),
        )
        for code, details in faults:
            problem(code, row, "declared_unit", declared, **details)
        if named and stands[row] and named != stands[row]:
            where = book.title(stands[row])
            problem("presence.declared_elsewhere", row, "declared_unit", declared, stands=where)
        if unit_id := named or stands[row]:
            pairs.setdefault((facility, unit_id), "declared" if named else "geometry")
        for unit_id in members.get(facility, ()):
            pairs.setdefault((facility, unit_id), "member")
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
    book: Gazetteer | None = None,
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
    book : Gazetteer, optional
        Of the units, where the caller has made it already.

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
    facilities, units = by_id(facilities, "facility_id"), by_id(units, "unit_id")
    there = facilities[is_open(facilities, as_of)]
    return presence_of_open(
        there[there["layer"] == layer],
        units,
        level=level,
        layer=layer,
        serves_level=serves_level,
        declared_level=declared_level,
        book=book,
        sites=there,
    )


def presence_of_open(
    rows: pd.DataFrame,
    units: pd.DataFrame,
    *,
    level: str,
    layer: str,
    serves_level: str | None = None,
    declared_level: str | None = None,
    book: Gazetteer | None = None,
    sites: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Count facilities that are known to be open, as :func:`presence` does.

    Parameters
    ----------
    rows : pandas.DataFrame
        The open facilities of the layer.
    units, level, layer, serves_level, declared_level, book
        See :func:`presence`.
    sites : pandas.DataFrame, optional
        The open facilities of all layers, to look members up in.

    Examples
    --------
    >>> units = pd.DataFrame({
    ...     "unit_id": ["township:1"], "code": ["1"], "name": ["东镇"], "level": ["township"],
    ...     "parent_id": [""],
    ... })
    >>> one = pd.DataFrame({"facility_id": ["a"], "declared_unit": ["东镇"], "opened": [pd.NaT]})
    >>> counts, problems = presence_of_open(one, units, level="township", layer="canteen")
    >>> counts["facilities"].to_dict(), [problem.code for problem in problems]
    ({'township:1': 1}, ['presence.no_opening_date'])
    >>> counts, problems = presence_of_open(one[:0], units, level="township", layer="canteen")
    >>> counts["facilities"].to_dict(), problems
    ({'township:1': 0}, [])
    """
    rows, units = by_id(rows, "facility_id"), by_id(units, "unit_id")
    pairs, problems = place_facilities(
        rows,
        units,
        level=level,
        serves_level=serves_level,
        declared_level=declared_level,
        book=book,
        sites=sites,
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
