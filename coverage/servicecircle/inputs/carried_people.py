"""Figures of units of an earlier date brought to the units of a later one, shared by people."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from servicecircle.inputs.changed_units import parts_of
from servicecircle.inputs.changes import Changes, Part, UnitName
from servicecircle.inputs.coordinates import Floats
from servicecircle.inputs.gazetteer import normalise_name
from servicecircle.inputs.people_shares import Residents
from servicecircle.problems import Problem

__all__ = ["SHARE_COLUMNS", "Carried", "carry_people"]

SHARE_COLUMNS = (
    "old_code",
    "old_name",
    "new_code",
    "new_name",
    "share",
    "basis",
    "people",
)
# More of the people of an old outline than this in none of its parts: the outlines do not fit.
_MUCH_ELSEWHERE = 0.05


def _no_shares() -> pd.DataFrame:
    return pd.DataFrame(columns=["row", *SHARE_COLUMNS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A table of people by the units of a later date.

    Parameters
    ----------
    table : pandas.DataFrame
        code, name, the columns carried, ``sources`` (the rows that each figure is made of),
        ``shared_by`` (what the shares in it rest on) and ``missing`` (rows of which an unknown
        part belongs to it); a figure with something missing is NaN.
    groups : pandas.DataFrame
        units_before, units_after and the columns carried: the smallest groups of units whose sums
        are the same before and after, exact whatever the shares.
    problems : list of Problem
    shares : pandas.DataFrame
        row (position in the table given) and :data:`SHARE_COLUMNS`, a row for each unit and each
        of its parts. ``basis`` is ``whole``, ``table`` (the change table states it), ``new_units``
        (people of new units that are made of this one alone), ``old_outlines`` (people inside
        both the old outline and the new one) or ``unknown``; ``people`` those counted, else NaN.
    """

    table: pd.DataFrame
    groups: pd.DataFrame
    problems: list[Problem]
    shares: pd.DataFrame = field(default_factory=_no_shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """A unit before, one after, and which share of the first went there by what."""

    row: int
    after: UnitName
    share: float
    basis: str
    people: float = math.nan


def carry_people(
    table: pd.DataFrame,
    changes: Changes,
    *,
    level: str,
    since: dt.date | None,
    as_of: dt.date,
    columns: Sequence[str],
    people: Residents | None = None,
) -> Carried:
    """Bring figures of units of an earlier date to the units of a later one.

    Renamed and merged units are added up. A split unit is shared out by the shares of the change
    table. What it leaves open is shared by people, never by area: by those who live in the new
    units, where these are wholly made of it; else by those who live both inside its old outline
    and in each new unit.

    Parameters
    ----------
    table : pandas.DataFrame
        code, name (one may be missing) and numeric columns, a row a unit.
    changes : Changes
    level : str
    since : datetime.date, optional
        Date of the figures. Without it a unit that still exists at ``as_of`` stands for itself.
    as_of : datetime.date
        Date of the units wanted.
    columns : sequence of str
        To carry; sums, not rates.
    people : Residents, optional
        Who lives in the units at ``as_of``, and in those of the earlier date.

    Returns
    -------
    Carried

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from servicecircle.inputs.changes import Change, change_table
    >>> from servicecircle.inputs.people_shares import count_residents
    >>> day = dt.date(2021, 4, 9)
    >>> parts = change_table(
    ...     Change(level="county", before=UnitName("110", "余杭区"), after=UnitName(code, name),
    ...            kind="split", date=day)
    ...     for code, name in (("110", "余杭区"), ("113", "临平区"))
    ... )
    >>> table = pd.DataFrame({"code": ["110"], "name": ["余杭区"], "people": [200.0]})
    >>> given = {"level": "county", "columns": ["people"], "since": dt.date(2020, 11, 1)}
    >>> units = gpd.GeoDataFrame(
    ...     {"code": ["110", "113"], "name": ["余杭区", "临平区"]},
    ...     geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 9, 1)], crs=4326,
    ... )
    >>> places = pd.DataFrame({"lon": [0.5, 2.0], "lat": 0.5, "population": [30.0, 10.0]})
    >>> carried = carry_people(
    ...     table, parts, as_of=dt.date(2025, 1, 1), people=count_residents(units, places), **given
    ... )
    >>> carried.table["people"].tolist(), carried.shares["basis"].tolist()
    ([150.0, 50.0], ['new_units', 'new_units'])
    >>> unknown = carry_people(table, parts, as_of=dt.date(2025, 1, 1), **given)
    >>> unknown.table["people"].tolist(), unknown.groups["people"].tolist()
    ([nan, nan], [200.0])
    """
    known: dict[str, UnitName] = {}

    def settled(unit: UnitName) -> UnitName:
        """Return one object for a unit, whatever row names it."""
        return known.setdefault(unit.code or normalise_name(unit.name), replace(unit, parent=""))

    before = _units(table)
    parts: list[list[Part]] = []
    rows_of: dict[UnitName, set[int]] = defaultdict(set)
    for at, unit in enumerate(before):
        found = parts_of(changes, unit, level, since, as_of)
        found = found or (Part(unit=unit, share=1.0, steps=()),)
        parts.append([replace(part, unit=settled(part.unit)) for part in found])
        for part in parts[-1]:
            rows_of[part.unit].add(at)

    def alone(unit: UnitName) -> bool:
        """Tell whether a unit is made of one row of the table, and of nothing else."""
        text = unit.code or unit.name
        sources = changes.predecessors(text, level=level, since=since, as_of=as_of)
        return len(rows_of[unit]) == 1 and len(sources) <= 1

    links: list[_Link] = []
    problems: list[Problem] = []
    for at, unit in enumerate(before):
        made, found_problems = _shared(at, unit, parts[at], people, alone)
        links += made
        problems += found_problems
    values = table[list(columns)].to_numpy(np.float64)
    return Carried(
        table=_sums(links, before, values, columns),
        groups=_groups(links, before, values, columns),
        problems=problems,
        shares=_share_table(links, before),
    )


def _units(table: pd.DataFrame) -> list[UnitName]:
    names = table["name"] if "name" in table else pd.Series("", index=table.index)
    codes = table["code"] if "code" in table else pd.Series("", index=table.index)
    return [UnitName(str(code), str(called)) for code, called in zip(codes, names, strict=True)]


def _shared(
    at: int,
    unit: UnitName,
    parts: Sequence[Part],
    people: Residents | None,
    alone: Callable[[UnitName], bool],
) -> tuple[list[_Link], list[Problem]]:
    """Return the share of each part of a unit, and what is to be said of it."""
    if len(parts) == 1:
        return [_Link(row=at, after=parts[0].unit, share=1.0, basis="whole")], []
    links = [_Link(row=at, after=part.unit, share=part.share, basis="table") for part in parts]
    open_parts = [number for number, part in enumerate(parts) if math.isnan(part.share)]
    if not open_parts:
        return links, []
    after = [parts[number].unit for number in open_parts]
    basis, lived, code = _lived(unit, after, people, alone)
    rest = max(1.0 - sum(part.share for part in parts if not math.isnan(part.share)), 0.0)
    total = sum(lived)
    for number, count in zip(open_parts, lived, strict=True):
        share = rest * count / total if basis != "unknown" else math.nan
        links[number] = replace(links[number], share=share, basis=basis, people=count)
    elsewhere = 0.0
    if people is not None and basis == "old_outlines":
        elsewhere = people.elsewhere(unit, [part.unit for part in parts])
    shown = [
        link.after.called() + (f" {100.0 * link.share:.2f} %" if basis != "unknown" else "")
        for link in links
    ]
    bad = basis == "unknown" or elsewhere > _MUCH_ELSEWHERE
    problem = Problem(
        code=code,
        severity="warning" if bad else "note",
        action="flagged" if bad else "counted",
        file=parts[0].steps[-1].file,
        row=parts[0].steps[-1].row,
        value=unit.called(),
        details={
            "parts": ", ".join(shown),
            "source": "–" if people is None else people.source,
            "date": "–" if people is None or people.date is None else people.date.isoformat(),
            "elsewhere": f"{100.0 * elsewhere:.1f} %",
        },
    )
    return links, [problem]


def _lived(
    unit: UnitName,
    after: Sequence[UnitName],
    people: Residents | None,
    alone: Callable[[UnitName], bool],
) -> tuple[str, list[float], str]:
    """Return on what the shares of parts rest, who lives in each, and the code that says so."""
    unknown = [math.nan] * len(after)
    if people is None:
        return "unknown", unknown, "change.share_unknown"
    # Of a new unit that holds others too, its people do not tell who came from which.
    whole = all(alone(part) for part in after)
    if whole:
        lived = [people.within(part) for part in after]
        basis, code = "new_units", "change.shared_by_units"
    else:
        lived = [people.in_both(unit, part) for part in after]
        basis, code = "old_outlines", "change.shared_by_outlines"
    if any(map(math.isnan, lived)):
        lacks_new = any(math.isnan(people.within(part)) for part in after)
        lacking = "change.share_no_outline" if lacks_new else "change.share_mixed"
        return "unknown", unknown, lacking
    if not sum(lived) > 0.0:
        return "unknown", unknown, "change.share_nobody"
    return basis, lived, code


def _sums(
    links: Iterable[_Link], before: Sequence[UnitName], values: Floats, columns: Sequence[str]
) -> pd.DataFrame:
    """Return the figures of the units after; NaN where a part of one is not known."""
    own: dict[UnitName, list[_Link]] = defaultdict(list)
    for link in links:
        own[link.after].append(link)
    rows = []
    for unit in sorted(own, key=lambda unit: (unit.code, unit.name)):
        known = [link for link in own[unit] if not math.isnan(link.share)]
        missing = [before[link.row].called() for link in own[unit] if math.isnan(link.share)]
        total = np.full(len(columns), np.nan if missing else 0.0)
        for link in known:
            total = total + link.share * values[link.row]
        told = [
            before[link.row].called() + ("" if link.share == 1.0 else f" × {link.share:.6f}")
            for link in known
        ]
        shared = dict.fromkeys(link.basis for link in known if link.basis != "whole")
        rows.append(
            [unit.code, unit.name, *total, "; ".join(told), "; ".join(shared), "; ".join(missing)]
        )
    return pd.DataFrame(rows, columns=["code", "name", *columns, "sources", "shared_by", "missing"])


def _share_table(links: Iterable[_Link], before: Sequence[UnitName]) -> pd.DataFrame:
    rows = [
        (
            link.row,
            before[link.row].code,
            before[link.row].name,
            link.after.code,
            link.after.name,
            link.share,
            link.basis,
            link.people,
        )
        for link in links
    ]
    return pd.DataFrame(rows, columns=["row", *SHARE_COLUMNS])


def _groups(
    links: Sequence[_Link],
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

    for link in links:
        root[find(link.row)] = find(link.after)
    members: dict[object, tuple[list[int], dict[UnitName, None]]] = {}
    for link in links:
        rows, units = members.setdefault(find(link.row), ([], {}))
        if link.row not in rows:
            rows.append(link.row)
        units[link.after] = None
    table = [
        [
            "; ".join(before[at].called() for at in rows),
            "; ".join(unit.called() for unit in units),
            *values[rows].sum(axis=0),
        ]
        for rows, units in members.values()
    ]
    return pd.DataFrame(table, columns=["units_before", "units_after", *columns])
