"""Older outlines and older tables of people brought to the units of a later date."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.changes import Changes, Part, UnitName
from servicecircle.inputs.coordinates import Floats
from servicecircle.inputs.gazetteer import normalise_name
from servicecircle.problems import Problem

__all__ = ["Carried", "carry_people", "people_by_unit", "renew_rows"]


def renew_rows(
    table: pd.DataFrame,
    changes: Changes,
    *,
    level: str,
    since: dt.date | None,
    as_of: dt.date,
    name: str,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Give the rows of an older layer the codes, names and parents of a later date.

    A unit that was split keeps its own: a table cannot cut an outline. Rows of units that were
    merged get the same code and name, and are united afterwards.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns row, code, name, parent_hint.
    changes : Changes
    level : str
    since : datetime.date, optional
        Date of the layer. Without it a unit that still exists at ``as_of`` stays as it is.
    as_of : datetime.date
    name : str
        The file, for messages.

    Returns
    -------
    renewed : pandas.DataFrame
        The same rows; column ``origin`` holds what they were called before, "" where unchanged.
    problems : list of Problem

    Examples
    --------
    >>> from servicecircle.inputs.changes import Change, change_table
    >>> changes = change_table([Change(
    ...     level="county", before=UnitName("330103", "下城区"), after=UnitName("330105", "拱墅区"),
    ...     kind="merge", date=dt.date(2021, 4, 9),
    ... )])
    >>> rows = pd.DataFrame({"row": [1], "code": "330103", "name": "下城区", "parent_hint": ""})
    >>> renewed, problems = renew_rows(
    ...     rows, changes, level="county", since=None, as_of=dt.date(2025, 1, 1), name="a.shp"
    ... )
    >>> renewed[["code", "name", "origin"]].to_numpy().tolist()
    [['330105', '拱墅区', '下城区']]
    >>> renew_rows(
    ...     rows[:0], changes, level="county", since=None, as_of=dt.date(2025, 1, 1), name="a.shp"
    ... )[1]
    []
    """
    columns = {key: table[key].astype(object).to_numpy().copy() for key in _KEYS}
    origin = np.full(len(table), "", dtype=object)
    problems = []
    rows = zip(table["row"], table["code"], table["name"], table["parent_hint"], strict=True)
    for at, (row, code, called, parent) in enumerate(rows):
        parts = _parts(changes, UnitName(code, called, parent), level, since, as_of)
        if not parts:
            continue
        old = called or code
        if len(parts) > 1:
            named = ", ".join(part.unit.called() for part in parts)
            problems.append(
                Problem(
                    code="change.unit_split",
                    severity="warning",
                    file=name,
                    row=int(row),
                    value=old,
                    details={"parts": named},
                )
            )
            continue
        unit = parts[0].unit
        columns["code"][at] = unit.code or ("" if unit.name != called else code)
        columns["name"][at] = unit.name or called
        columns["parent_hint"][at] = unit.parent or parent
        origin[at] = old
        problems.append(
            Problem(
                code="change.unit_renamed",
                severity="note",
                action="mended",
                file=name,
                row=int(row),
                value=old,
                details={"after": unit.called(), "kind": parts[0].steps[-1].kind},
            )
        )
    return table.assign(**columns, origin=origin), problems


_KEYS = ("code", "name", "parent_hint")


def _parts(
    changes: Changes, unit: UnitName, level: str, since: dt.date | None, as_of: dt.date
) -> tuple[Part, ...]:
    """Return what became of a unit, by its code, else by its name; its own remainder counts."""
    for text in (unit.code, unit.name):
        nodes = changes.find(text, level, parent=unit.parent) if text else ()
        if not nodes:
            continue
        if since is None and all(changes.lives_on(node, as_of) for node in nodes):
            return ()
        parts = changes.successors(text, level=level, since=since, as_of=as_of, parent=unit.parent)
        if parts:
            return parts
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A table of people by the units of a later date.

    Parameters
    ----------
    table : pandas.DataFrame
        code, name, the columns carried, ``sources`` (the rows that each figure is made of) and
        ``missing`` (rows of which an unknown part belongs to it); a figure with something missing
        is NaN.
    groups : pandas.DataFrame
        units_before, units_after and the columns carried: the smallest groups of units whose sums
        are the same before and after, exact whatever the shares.
    problems : list of Problem
    """

    table: pd.DataFrame
    groups: pd.DataFrame
    problems: list[Problem]


def carry_people(
    table: pd.DataFrame,
    changes: Changes,
    *,
    level: str,
    since: dt.date,
    as_of: dt.date,
    columns: Sequence[str],
    people: Mapping[str, float] | None = None,
) -> Carried:
    """Bring figures of units of an earlier date to the units of a later one.

    Renamed and merged units are added up. A split unit is shared out by the shares of the change
    table; where it states none, by the people who live in the new units, as far as those are
    wholly made of it; never by area.

    Parameters
    ----------
    table : pandas.DataFrame
        code, name (one may be missing) and numeric columns, a row a unit.
    changes : Changes
    level : str
    since, as_of : datetime.date
        Date of the figures, and of the units wanted.
    columns : sequence of str
        To carry; sums, not rates.
    people : mapping of str to float, optional
        Code or name of a unit at ``as_of`` → people who live in it.

    Returns
    -------
    Carried

    Examples
    --------
    >>> from servicecircle.inputs.changes import Change, change_table
    >>> day = dt.date(2021, 4, 9)
    >>> parts = [
    ...     Change(level="county", before=UnitName("110", "余杭区"), after=UnitName(code, name),
    ...            kind="split", date=day)
    ...     for code, name in (("110", "余杭区"), ("113", "临平区"))
    ... ]
    >>> table = pd.DataFrame({"code": ["110"], "name": ["余杭区"], "people": [200.0]})
    >>> years = {"since": dt.date(2020, 11, 1), "as_of": dt.date(2025, 1, 1)}
    >>> carried = carry_people(
    ...     table, change_table(parts), level="county", columns=["people"], **years,
    ...     people={"110": 30.0, "113": 10.0},
    ... )
    >>> carried.table["people"].tolist()
    [150.0, 50.0]
    >>> unknown = carry_people(
    ...     table, change_table(parts), level="county", columns=["people"], **years
    ... )
    >>> unknown.table["people"].tolist(), unknown.groups["people"].tolist()
    ([nan, nan], [200.0])
    """
    problems: list[Problem] = []
    values = table[list(columns)].to_numpy(np.float64)
    sums: dict[UnitName, Floats] = {}
    sources: dict[UnitName, list[str]] = defaultdict(list)
    missing: dict[UnitName, list[str]] = defaultdict(list)
    links: list[tuple[int, UnitName]] = []
    known: dict[str, UnitName] = {}

    def settled(unit: UnitName) -> UnitName:
        """Return one object for a unit, whatever row names it."""
        key = unit.code or normalise_name(unit.name)
        return known.setdefault(key, UnitName(unit.code, unit.name))

    names = table["name"] if "name" in table else pd.Series("", index=table.index)
    codes = table["code"] if "code" in table else pd.Series("", index=table.index)
    rows_before = [
        UnitName(str(code), str(called)) for code, called in zip(codes, names, strict=True)
    ]
    for at, before in enumerate(rows_before):
        parts = _parts(changes, before, level, since, as_of)
        if not parts:
            parts = (Part(unit=before, share=1.0, steps=()),)
        shares = _shares(parts, changes, level, since, as_of, people)
        if shares is None:
            named = ", ".join(part.unit.called() for part in parts)
            problems.append(
                Problem(
                    code="change.share_unknown",
                    severity="warning",
                    action="flagged",
                    file=parts[0].steps[-1].file,
                    value=before.called(),
                    details={"parts": named},
                )
            )
        for number, part in enumerate(parts):
            unit = settled(part.unit)
            links.append((at, unit))
            sums.setdefault(unit, np.zeros(len(columns)))
            if shares is None:
                missing[unit].append(before.called())
                continue
            sums[unit] = sums[unit] + shares[number] * values[at]
            told = "" if shares[number] == 1.0 else f" × {shares[number]:.6f}"
            sources[unit].append(before.called() + told)
    units = sorted(sums, key=lambda unit: (unit.code, unit.name))
    for unit in missing:
        sums[unit] = np.full(len(columns), np.nan)
    rows = [
        [unit.code, unit.name, *sums[unit], "; ".join(sources[unit]), "; ".join(missing[unit])]
        for unit in units
    ]
    return Carried(
        table=pd.DataFrame(rows, columns=["code", "name", *columns, "sources", "missing"]),
        groups=_groups(links, rows_before, values, columns),
        problems=problems,
    )


def _shares(
    parts: Sequence[Part],
    changes: Changes,
    level: str,
    since: dt.date,
    as_of: dt.date,
    people: Mapping[str, float] | None,
) -> list[float] | None:
    """Return the share of each part, None where not known."""
    if len(parts) == 1:
        return [1.0]
    stated = [part.share for part in parts]
    if not any(map(math.isnan, stated)):
        return stated
    if people is None:
        return None
    lived = []
    for part in parts:
        unit = part.unit
        text = unit.code or unit.name
        sources = changes.predecessors(text, level=level, since=since, as_of=as_of)
        count = people.get(unit.code, people.get(unit.name, math.nan))
        # Of a unit that holds others too, nobody knows who lives in which part of it.
        if len(sources) != 1 or not count >= 0.0:
            return None
        lived.append(float(count))
    total = sum(lived)
    return [count / total for count in lived] if total > 0.0 else None


def _groups(
    links: list[tuple[int, UnitName]],
    before: Sequence[UnitName],
    values: Floats,
    columns: Sequence[str],
) -> pd.DataFrame:
    """Return the connected groups of units before and after, with the sums of the rows in them."""
    root: dict[object, object] = {}

    def find(item: object) -> object:
        while root.setdefault(item, item) != item:
            root[item] = root[root[item]]
            item = root[item]
        return item

    for at, unit in links:
        root[find(at)] = find(unit)
    members: dict[object, tuple[list[int], dict[UnitName, None]]] = {}
    for at, unit in links:
        rows, units = members.setdefault(find(at), ([], {}))
        if at not in rows:
            rows.append(at)
        units[unit] = None
    table = [
        [
            "; ".join(before[at].called() for at in rows),
            "; ".join(unit.called() for unit in units),
            *values[rows].sum(axis=0),
        ]
        for rows, units in members.values()
    ]
    return pd.DataFrame(table, columns=["units_before", "units_after", *columns])


def people_by_unit(
    units: gpd.GeoDataFrame, lon: Floats, lat: Floats, people: NDArray[np.float64]
) -> dict[str, float]:
    """Count people at points in the units of a level; nobody counts in two.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        EPSG:4326, columns code and name.
    lon, lat, people : numpy.ndarray of float, shape (n,)
        Degrees; NaN people count as none.

    Returns
    -------
    dict of str to float
        Code, and name where no other unit has it → people.

    Examples
    --------
    >>> units = gpd.GeoDataFrame(
    ...     {"code": ["1"], "name": ["甲"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326
    ... )
    >>> place = np.array([0.5, 3.0])
    >>> people_by_unit(units, place, place, np.array([7.0, 9.0]))
    {'1': 7.0, '甲': 7.0}
    """
    points = np.asarray(shapely.points(lon, lat), dtype=object)
    who, unit = shapely.STRtree(units.geometry.to_numpy()).query(points, predicate="intersects")
    first = np.full(len(points), len(units), dtype=np.int64)
    np.minimum.at(first, who, unit)
    weight = np.nan_to_num(np.asarray(people, dtype=np.float64))
    sums = np.bincount(first, weights=weight, minlength=len(units) + 1)[: len(units)]
    counts = units["name"].value_counts()
    found: dict[str, float] = {}
    for code, name, count in zip(units["code"], units["name"], sums.tolist(), strict=True):
        if code:
            found[str(code)] = count
        if name and counts[name] == 1:
            found[str(name)] = count
    return found
