"""Whose the numbers of a table are: facilities, and units of today or earlier ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.inputs.changed_references import renew_references
from servicecircle.inputs.changes import Changes, resolve
from servicecircle.inputs.gazetteer import gazetteer, normalise_name
from servicecircle.inputs.tables import Table
from servicecircle.inputs.values import clean_codes, clean_names, is_empty
from servicecircle.problems import Action, Problem, Severity

__all__ = ["AREA", "FigureRows", "FigureUnits", "place_figures", "without_covered"]

Topic = Literal["staff", "statistics"]
AREA = "area"
"""Unit id of the whole area of a project."""


# What a staff table calls otherwise than a table of figures.
_OF_STATISTICS = {"no_role": "no_name", "own_role": "own_name", "bad_count": "bad_value"}


class FigureRows:
    """The table as read, what it is about, and what is wrong with its rows."""

    def __init__(self, *, table: Table, file: str, topic: Topic) -> None:
        self.topic = topic
        self.table = table
        self.file = file
        self.problems: list[Problem] = []

    def texts(self, title: str | None) -> list[str]:
        """Return the cells of a column, empty ones where there is none."""
        frame = self.table.frame
        return [""] * len(frame) if title is None else [str(one) for one in frame[title]]

    def code(self, code: str) -> str:
        """Return the whole of a code of the topic."""
        if self.topic == "staff":
            return f"staffing.{code}"
        return f"statistics.{_OF_STATISTICS.get(code, code)}"

    def record(
        self,
        code: str,
        at: int,
        title: str | None,
        value: str,
        *,
        severity: Severity = "error",
        action: Action = "set_aside",
        **details: object,
    ) -> None:
        """Write down what is wrong with a row: a code of the topic, without its name."""
        self.problems.append(
            Problem(
                code=self.code(code),
                severity=severity,
                file=self.file,
                sheet=self.table.sheet,
                row=int(self.table.rows[at]),
                column=title or "",
                value=value,
                action=action,
                details=details,
            )
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FigureUnits:
    """The units that a table names.

    Parameters
    ----------
    units : pandas.DataFrame
        Table ``units`` of all levels.
    changes : Changes
    as_of : datetime.date
    since : datetime.date, optional
        Date whose units rows without a date name.
    level : str, optional
        Of the units named.
    area_words : frozenset of str
        What stands for the whole area, as :func:`normalise_name` gives it.
    area_level : str
        Level of the whole area.
    """

    units: pd.DataFrame
    changes: Changes
    as_of: dt.date
    since: dt.date | None = None
    level: str | None = None
    area_words: frozenset[str] = frozenset()
    area_level: str = ""

    def is_area(self, text: str) -> bool:
        """Return whether a cell stands for the whole area."""
        return normalise_name(text) in self.area_words

    def since_of(self, date: pd.Timestamp) -> dt.date | None:
        """Return the date whose units a row of a date, or of none, names."""
        return self.since if pd.isna(date) else date.date()


def place_figures(
    rows: FigureRows,
    columns: Mapping[str, str],
    entries: pd.DataFrame,
    where: FigureUnits,
    facilities: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Add the unit or the facility of each number; those without one are set aside.

    Parameters
    ----------
    rows : FigureRows
        Takes the records.
    columns : mapping of str to str
        Our column → column of the file.
    entries : pandas.DataFrame
        at (row of the table), date, role (or what else is counted).
    where : FigureUnits
    facilities : mapping of str to pandas.DataFrame
        By layer.

    Returns
    -------
    pandas.DataFrame
        With unit_id, facility_id, level, layer and ``former``: the earlier unit that the row
        names, "" where it names one of today.
    """
    cells = {
        name: clean_names(rows.texts(columns.get(name)))
        for name in ("facility", "layer", "unit", "parent")
    }
    code = clean_codes(rows.texts(columns.get("unit_code")))
    named = [str(one) or str(other) for one, other in zip(code, cells["unit"], strict=True)]
    sites = _facility_names(facilities)
    book = gazetteer(where.units.drop(columns="geometry", errors="ignore"))
    levels = (where.level,) if where.level is not None else book.levels[::-1]
    alone = [is_empty(facility) and not is_empty(unit)
             for facility, unit in zip(cells["facility"], named, strict=True)]  # fmt: skip
    titles = {
        "declared_unit": columns.get("unit") or columns.get("unit_code") or "",
        "declared_parent": columns.get("parent", ""),
    }
    texts, parents, split = _renewed(
        rows, entries, (named, list(cells["parent"])), alone, where, titles=titles
    )
    found: list[tuple[str, str, str]] = []
    for at in entries["at"].tolist():
        facility, unit = str(cells["facility"][at]), named[at]
        facility_id, unit_id = "", ""
        several: list[str] = []
        if not is_empty(facility):
            several = _facility(sites, facility, str(cells["layer"][at]))
            facility_id = several[0] if len(several) == 1 else ""
        if not facility_id and not is_empty(unit) and at not in split:
            unit_id = book.resolve(texts[at], levels=levels, parent=parents[at])
            if not unit_id and where.is_area(unit):
                unit_id = AREA
        found.append((unit_id, facility_id, unit if texts[at] != unit else ""))
        title = columns.get("unit_code") if code[at] else columns.get("unit")
        if is_empty(facility) and is_empty(unit):
            rows.record("no_place", at, columns.get("unit") or columns.get("facility"), "")
        elif not is_empty(facility) and not facility_id:
            # Its people are not taken for the unit's: that would tell another thing.
            fault = "several_facilities" if several else "unknown_facility"
            shown = ", ".join(several[:_SHOWN])
            rows.record(fault, at, columns["facility"], facility, count=len(several), known=shown)
            found[-1] = ("", "", "")
        elif not facility_id and at in split:
            rows.record("split_unit", at, title, unit, parts=split[at])
        elif not facility_id and not unit_id:
            rows.record("unknown_unit", at, title, unit)
    for number, name in enumerate(("unit_id", "facility_id", "former")):
        entries = entries.assign(**{name: [one[number] for one in found]})
    level_of = {**book.level_of, AREA: where.area_level}
    entries["level"] = [level_of.get(unit, "") for unit in entries["unit_id"]]
    entries["layer"] = [sites.layer_of.get(one, "") for one in entries["facility_id"]]
    return entries[(entries["unit_id"] != "") | (entries["facility_id"] != "")]


def _renewed(
    rows: FigureRows,
    entries: pd.DataFrame,
    named: tuple[list[str], list[str]],
    alone: list[bool],
    where: FigureUnits,
    *,
    titles: Mapping[str, str],
) -> tuple[list[str], list[str], dict[int, str]]:
    """Return the units and parents of today by row, and the parts of those that were split."""
    texts, parents = list(named[0]), [str(text) for text in named[1]]
    split: dict[int, str] = {}
    if not where.changes or not len(where.units):
        return texts, parents, split
    shapes = gpd.GeoSeries([None] * len(where.units), index=where.units.index, crs=4326)
    units = gpd.GeoDataFrame(where.units.drop(columns="geometry", errors="ignore"), geometry=shapes)
    book = gazetteer(where.units.drop(columns="geometry", errors="ignore"))
    levels = (where.level,) if where.level is not None else book.levels
    date_of = dict(zip(entries["at"], entries["date"], strict=True))
    groups: dict[dt.date | None, list[int]] = {}
    for at in (one for one in date_of if alone[one]):
        groups.setdefault(where.since_of(date_of[at]), []).append(at)

    def follow(members: list[int], since: dt.date | None) -> None:
        table = pd.DataFrame(
            {
                "declared_unit": [texts[at] for at in members],
                "declared_parent": [parents[at] for at in members],
                "source_file": rows.file,
                "source_sheet": rows.table.sheet,
                "source_row": [int(rows.table.rows[at]) for at in members],
            }
        )
        renewed, problems = renew_references(
            gpd.GeoDataFrame(table, geometry=[None] * len(table), crs=4326), units,
            where.changes, as_of=where.as_of, since=since, levels=(where.level, None),
        )  # fmt: skip
        by_row = {int(rows.table.rows[at]): at for at in members}
        for problem in problems:
            if problem.code == "change.reference_split" and problem.column == "declared_unit":
                split[by_row[int(problem.row or 0)]] = str(problem.details["parts"])
            else:
                title = titles.get(problem.column, "") or problem.column
                rows.problems.append(replace(problem, column=title))
        for at, unit, parent in zip(
            members, renewed["declared_unit"], renewed["declared_parent"], strict=True
        ):
            texts[at], parents[at] = str(unit), str(parent)

    for since, members in groups.items():
        follow(members, since)
        # An office may go on calling a unit what it was called before.
        late = [
            at for at in members if at not in split and not book.matches(texts[at], levels=levels)
        ]
        if since is not None and late:
            follow(late, None)
    return texts, parents, split


def without_covered(rows: FigureRows, entries: pd.DataFrame, where: FigureUnits) -> pd.DataFrame:
    """Leave out numbers of earlier units that a number of today's unit counts already.

    It does where it is of a date after the change, or of today.

    Parameters
    ----------
    rows : FigureRows
        Takes the records.
    entries : pandas.DataFrame
        at, title, unit_id, level, role, former, date.
    where : FigureUnits
    """
    own = {
        (unit, role): (where.since_of(date), at)
        for unit, role, date, at in entries.loc[
            (entries["former"] == "") & (entries["unit_id"] != ""),
            ["unit_id", "role", "date", "at"],
        ].itertuples(index=False)
    }
    covered = []
    columns = ["unit_id", "role", "former", "level", "at", "title"]
    for unit, role, former, level, at, title in entries[columns].itertuples(index=False):
        since, other = own.get((unit, role), (None, -1))
        late = other >= 0 and bool(former) and (
            since is None
            or not resolve(where.changes, str(former), str(level), where.as_of, since=since)
        )  # fmt: skip
        covered.append(late)
        if late:
            rows.record(
                "superseded", int(at), str(title), str(role), severity="note",
                row_used=int(rows.table.rows[int(other)]),
            )  # fmt: skip
    return entries[~np.array(covered, dtype=bool)]


@dataclass(frozen=True, slots=True)
class _Sites:
    """Facilities by what they are called, and the layer of each."""

    by_word: dict[str, list[str]]
    layer_of: dict[str, str]


def _facility_names(facilities: Mapping[str, pd.DataFrame]) -> _Sites:
    by_word: dict[str, list[str]] = {}
    layer_of: dict[str, str] = {}
    for layer, frame in facilities.items():
        for facility, code, name in zip(
            frame["facility_id"].astype(str),
            frame["code"].astype(str),
            frame["name"].astype(str),
            strict=True,
        ):
            layer_of[facility] = layer
            for word in {facility, code, normalise_name(name)} - {""}:
                by_word.setdefault(word, []).append(facility)
    return _Sites(by_word, layer_of)


_SHOWN = 5


def _facility(sites: _Sites, text: str, layer: str) -> list[str]:
    """Return the facilities that a text may mean, one where it is sure."""
    several: list[str] = []
    for word in (text, str(clean_codes([text])[0]), normalise_name(text)):
        found = sites.by_word.get(word, [])
        if layer and any(sites.layer_of[one] == layer for one in found):
            found = [one for one in found if sites.layer_of[one] == layer]
        if len(found) == 1:
            return found
        several = several or found
    return several
