"""Units that lists of facilities name, brought to the units of the project."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

import geopandas as gpd
import pandas as pd
import shapely

from servicecircle.inputs.changes import Changes, UnitName, resolve
from servicecircle.inputs.gazetteer import Gazetteer, gazetteer, unit_list
from servicecircle.problems import Problem

__all__ = ["renew_references"]

_ONE = ("declared_unit", "declared_parent")
_MANY = ("serves", "members")


def renew_references(
    facilities: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    changes: Changes,
    *,
    as_of: dt.date,
    since: dt.date | None = None,
    levels: tuple[str | None, str | None] = (None, None),
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Put today's units where a list of facilities names earlier ones.

    What the list names is followed through the changes after ``since``. Without that date a name
    that a unit bears today means this unit, and only others are followed. Of the parts of a unit
    that was split, the one that the facility stands in is taken; without a place it stays as it
    is, and is recorded. Where the units are older than the list, it goes the other way.

    Parameters
    ----------
    facilities : geopandas.GeoDataFrame
        EPSG:4326; columns declared_unit, declared_parent, serves, members as far as given.
    units : geopandas.GeoDataFrame
        The units of all levels.
    changes : Changes
    as_of : datetime.date
    since : datetime.date, optional
        Date whose units the list names.
    levels : tuple of str or None
        Level of the declared unit, and of the units served, where the project states them.

    Returns
    -------
    facilities : geopandas.GeoDataFrame
        The same rows, those columns renewed.
    problems : list of Problem
        One for each text replaced, and each left as it is.

    Examples
    --------
    >>> from servicecircle.inputs.changes import Change, change_table
    >>> changes = change_table([Change(
    ...     level="county", before=UnitName("", "下城区"), after=UnitName("", "拱墅区"),
    ...     kind="merge", date=dt.date(2021, 4, 9),
    ... )])
    >>> units = gpd.GeoDataFrame(
    ...     {"unit_id": ["county:1"], "code": ["1"], "name": ["拱墅区"], "level": "county",
    ...      "parent_id": ""}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326,
    ... )
    >>> rows = gpd.GeoDataFrame({"declared_unit": ["下城区"]}, geometry=[None], crs=4326)
    >>> day = dt.date(2025, 1, 1)
    >>> renewed, problems = renew_references(rows, units, changes, as_of=day)
    >>> renewed["declared_unit"].tolist(), [problem.code for problem in problems]
    (['拱墅区'], ['change.reference'])
    >>> renew_references(rows[:0], units, changes, as_of=day)[1]
    []
    """
    if not changes or not len(units):
        return facilities, []
    book = gazetteer(pd.DataFrame(units.drop(columns="geometry")))
    shapes = dict(zip(units["unit_id"], units.geometry, strict=True))
    parents = _texts(facilities, "declared_parent")
    points = facilities.geometry.to_numpy()
    problems: list[Problem] = []
    columns: dict[str, list[str]] = {}

    def renew(text: str, at: int, column: str, level: str | None) -> str:
        parent = parents[at] if column != "declared_parent" else ""
        order = (level,) if level is not None else book.levels
        found = _candidates(text, parent, book, changes, since, as_of, order)
        if not found or set(found) == {text}:
            return text
        here = [one for one, unit in found.items() if _holds(shapes[unit], points[at])]
        chosen = next(iter(found)) if len(found) == 1 else here[0] if len(here) == 1 else ""
        if chosen == text:
            return text
        problems.append(
            _problem(facilities, at, column, text, chosen or ", ".join(found), bool(chosen))
        )
        return chosen or text

    for columns_of, level in zip((_ONE, _MANY), levels, strict=True):
        for column in columns_of:
            if column not in facilities:
                continue
            cells = _texts(facilities, column)
            stated = level if column != "declared_parent" else None
            for at, cell in enumerate(cells):
                if not cell:
                    continue
                parts = unit_list(cell) if column in _MANY else [cell]
                new = [renew(part, at, column, stated) for part in parts]
                if new != parts:
                    cells[at] = ";".join(dict.fromkeys(new))
            columns[column] = cells
    return facilities.assign(**columns), problems


def _texts(table: pd.DataFrame, name: str) -> list[str]:
    if name not in table:
        return [""] * len(table)
    return [str(text) for text in table[name].fillna("")]


def _holds(shape: shapely.Geometry, point: object) -> bool:
    return isinstance(point, shapely.Point) and bool(shapely.intersects(shape, point))


def _candidates(
    text: str,
    parent: str,
    book: Gazetteer,
    changes: Changes,
    since: dt.date | None,
    as_of: dt.date,
    levels: Sequence[str],
) -> dict[str, str]:
    """Return the texts of today that an earlier one may stand for, with their units."""
    text = re.sub(r"\s+", " ", text.strip())
    known = book.matches(text, levels=tuple(levels))
    if known and since is None:
        return {}
    found: dict[str, str] = {}
    for level in levels:
        for unit in resolve(changes, text, level, as_of, since=since, parent=parent):
            found |= _known(unit, level, book)
    if found or known:
        return found
    for level in levels:
        for part in changes.predecessors(text, level=level, as_of=since or as_of, parent=parent):
            found |= _known(part.unit, level, book)
    return found


def _known(unit: UnitName, level: str, book: Gazetteer) -> dict[str, str]:
    """Return the text by which the project's units know a unit: its name, else its code."""
    for text in (unit.name, unit.code):
        one = book.resolve(text, levels=(level,), parent=unit.parent) if text else ""
        one = one or (book.resolve(text, levels=(level,)) if text else "")
        if one:
            return {text: one}
    return {}


def _problem(
    facilities: pd.DataFrame, at: int, column: str, text: str, found: str, done: bool
) -> Problem:
    row = facilities["source_row"].iloc[at] if "source_row" in facilities else None
    return Problem(
        code="change.reference" if done else "change.reference_split",
        severity="note" if done else "warning",
        action="mended" if done else "flagged",
        file=_texts(facilities, "source_file")[at],
        sheet=_texts(facilities, "source_sheet")[at],
        row=None if row is None or pd.isna(row) else int(row),
        column=column,
        value=text,
        details={"after": found} if done else {"parts": found},
    )
