"""The staff table: how many people of each role work in units and in facilities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.columns import normalise_title
from servicecircle.inputs.gazetteer import Gazetteer, gazetteer, normalise_name
from servicecircle.inputs.staff_columns import (
    likely_titles,
    role_names,
    role_words,
    staff_columns,
)
from servicecircle.inputs.tables import Table, read_table
from servicecircle.inputs.values import clean_codes, clean_names, dates, is_empty, numbers
from servicecircle.problems import Action, Problem, Severity
from servicecircle.project import StaffSettings

__all__ = ["STAFF_COLUMNS", "StaffData", "no_staff", "read_staff", "staff_of_units"]

STAFF_COLUMNS = (
    "unit_id",
    "facility_id",
    "level",
    "layer",
    "role",
    "count",
    "date",
    "source_file",
    "source_sheet",
    "source_row",
    "invented",
)


@dataclass(frozen=True, slots=True)
class StaffData:
    """The staff of a project.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns :data:`STAFF_COLUMNS`: one row for each unit or facility and role, the latest by
        the date of judgement. Of ``unit_id`` (with its ``level``) and ``facility_id`` (with its
        ``layer``) one is "".
    problems : tuple of Problem
    rows_in : int
        Numbers in the file: ``len(frame) + rows_set_aside``. A table with a column for each role
        has one a cell that is filled.
    rows_set_aside : int
    """

    frame: pd.DataFrame
    problems: tuple[Problem, ...]
    rows_in: int
    rows_set_aside: int


def no_staff() -> pd.DataFrame:
    """Return an empty staff table.

    Examples
    --------
    >>> no_staff().empty
    True
    """
    text = {name: pd.Series(dtype="str") for name in STAFF_COLUMNS}
    return pd.DataFrame(
        text
        | {
            "count": pd.Series(dtype="float64"),
            "date": pd.Series(dtype="datetime64[s]"),
            "source_row": pd.Series(dtype="Int64"),
            "invented": pd.Series(dtype=bool),
        },
        columns=list(STAFF_COLUMNS),
    )


def staff_of_units(staff: pd.DataFrame, role: str, *, level: str) -> pd.Series[float]:
    """Return the people of a role by unit of one level.

    Only rows of units of this very level: neither those of facilities, whose people the units'
    numbers may hold already, nor those of finer or coarser units.

    Parameters
    ----------
    staff : pandas.DataFrame
        Columns :data:`STAFF_COLUMNS`.
    role, level : str

    Returns
    -------
    pandas.Series of float
        Index unit_id; units without a row are not in it.

    Examples
    --------
    >>> staff_of_units(no_staff(), "social_workers", level="township").empty
    True
    """
    mine = (staff["role"] == role) & (staff["level"] == level) & (staff["unit_id"] != "")
    rows = staff[mine]
    return pd.Series(
        rows["count"].to_numpy(np.float64), index=pd.Index(rows["unit_id"], name="unit_id")
    )


def read_staff(
    settings: StaffSettings,
    *,
    base: Path,
    units: pd.DataFrame,
    facilities: Mapping[str, pd.DataFrame],
    as_of: dt.date,
    invented: bool = False,
) -> StaffData:
    r"""Read the staff table and join it to units and facilities.

    A facility is found by its code, its id or its name, in the layer that the row names or in all
    of them; a unit by its code, else by its name within its parent. Where a row gives both, the
    people are the facility's. Of several rows for one unit or facility and role the latest counts
    whose date is at most ``as_of``, a dated one before one without a date; two of one date are
    not added up: the later row counts.

    Parameters
    ----------
    settings : StaffSettings
        ``[staff]`` of the project file.
    base : pathlib.Path
        Folder of the project file.
    units : pandas.DataFrame
        Table ``units`` of all levels.
    facilities : mapping of str to pandas.DataFrame
        Tables ``facilities`` by layer.
    as_of : datetime.date
    invented : bool
        Everything in the project is.

    Raises
    ------
    InputError
        If the file is missing or broken, lacks a column, or no row of it can be used.

    Examples
    --------
    >>> import tempfile
    >>> town = pd.DataFrame({
    ...     "unit_id": ["township:1"], "code": ["1"], "name": ["东镇"], "level": ["township"],
    ...     "parent_id": [""],
    ... })
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "staffing.csv"
    ...     rows = ["乡镇,岗位,人数,日期", "东镇,社工,5,2023", "东镇,社工,7,2024", "西镇,社工,1,"]
    ...     _ = path.write_text("\n".join(rows))
    ...     data = read_staff(
    ...         StaffSettings(path=Path("staffing.csv")), base=Path(folder), units=town,
    ...         facilities={}, as_of=dt.date(2025, 12, 31),
    ...     )
    >>> data.frame[["unit_id", "role", "count"]].to_dict("records")
    [{'unit_id': 'township:1', 'role': 'social_workers', 'count': 7.0}]
    >>> data.rows_in, data.rows_set_aside, [problem.code for problem in data.problems]
    (3, 2, ['staffing.superseded', 'staffing.unknown_unit'])
    """
    name = settings.path.as_posix()
    wanted = [*settings.columns.values(), *settings.roles.values()]
    table = read_table(
        base / settings.path,
        name=name,
        sheet=settings.sheet,
        encoding=settings.encoding,
        titles=wanted or likely_titles(),
    )
    columns = staff_columns(settings, table, file=name)
    rows = _Rows(table=table, file=name)
    entries = _entries(rows, columns, settings)
    entries = _joined(rows, columns, entries, settings, gazetteer(units), facilities)
    entries = _latest(rows, entries, as_of)
    frame = _frame(rows, entries, invented=invented or settings.invented)
    rows_in = rows.entries + table.rows_set_aside
    problems = sorted(rows.problems, key=lambda item: (item.row is None, item.row or 0))
    if not len(frame):
        fault = Problem(code="staffing.empty", severity="fatal", file=name, action="stopped")
        raise InputError([fault, *problems[:_FIRST_FAULTS]])
    return StaffData(frame, (*table.problems, *problems), rows_in, rows_in - len(frame))


_FIRST_FAULTS = 5
Texts = NDArray[np.object_]


class _Rows:
    """The table as read, the numbers it gives, and what is wrong with its rows."""

    def __init__(self, *, table: Table, file: str) -> None:
        self.table = table
        self.file = file
        self.problems: list[Problem] = []
        self.entries = 0

    def texts(self, title: str | None) -> list[str]:
        frame = self.table.frame
        return [""] * len(frame) if title is None else [str(one) for one in frame[title]]

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
        self.problems.append(
            Problem(
                code=code,
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


def _entries(rows: _Rows, columns: Mapping[str, str], settings: StaffSettings) -> pd.DataFrame:
    """Return the numbers of the table: the row, the role, the count and the date of each."""
    same = {normalise_title(str(title)): str(title) for title in rows.table.frame.columns}
    size = len(rows.table.frame)
    if settings.roles:
        parts = [(role, same[normalise_title(title)]) for role, title in settings.roles.items()]
        filled = [
            (at, role, title, text)
            for role, title in parts
            for at, text in enumerate(rows.texts(title))
            if not is_empty(text)
        ]
        filled.sort(key=lambda item: item[0])
    else:
        names = clean_names(rows.texts(columns["role"]))
        counts = rows.texts(columns["count"])
        filled = [(at, str(names[at]), columns["count"], counts[at]) for at in range(size)]
    rows.entries = len(filled)
    values, ok = numbers([text for *_, text in filled])
    day = dates(rows.texts(columns.get("date")))
    for at in np.flatnonzero(~day.ok).tolist():
        title = columns.get("date")
        text = rows.texts(title)[at]
        rows.record("staffing.bad_date", at, title, text, severity="warning", action="flagged")
    used: list[tuple[int, str, float, str]] = []
    known = ", ".join(role_names())
    told: set[str] = set()
    for (at, role, title, text), value, good in zip(filled, values, ok, strict=True):
        if is_empty(role):
            rows.record("staffing.no_role", at, columns.get("role"), role)
        elif not good or not value >= 0.0:
            rows.record("staffing.bad_count", at, title, text)
        else:
            ours = role_words().get(normalise_title(role), role)
            if ours == role and role not in role_names() and role not in told:
                told.add(role)
                own = columns.get("role", title)
                rows.record(
                    "staffing.own_role",
                    at,
                    own,
                    role,
                    severity="note",
                    action="flagged",
                    known=known,
                )
            used.append((at, ours, float(value), title))
    table = pd.DataFrame(used, columns=["at", "role", "count", "title"])
    return table.assign(date=day.values[table["at"].to_numpy(np.int64)])


def _joined(
    rows: _Rows,
    columns: Mapping[str, str],
    entries: pd.DataFrame,
    settings: StaffSettings,
    book: Gazetteer,
    facilities: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Add the unit or the facility of each number; those without one are set aside."""
    cells = {
        name: clean_names(rows.texts(columns.get(name)))
        for name in ("facility", "layer", "unit", "parent")
    }
    code = clean_codes(rows.texts(columns.get("unit_code")))
    sites = _facility_names(facilities)
    levels = (settings.unit_level,) if settings.unit_level is not None else book.levels[::-1]
    where: list[tuple[str, str]] = []
    for at in entries["at"].tolist():
        facility, unit = str(cells["facility"][at]), str(code[at]) or str(cells["unit"][at])
        facility_id, unit_id = "", ""
        if not is_empty(facility):
            facility_id = _facility(sites, facility, str(cells["layer"][at]))
        if not facility_id and not is_empty(unit):
            parent = str(cells["parent"][at])
            unit_id = book.resolve(unit, levels=levels, parent=parent)
        where.append((unit_id, facility_id))
        if is_empty(facility) and is_empty(unit):
            rows.record("staffing.no_place", at, columns.get("unit") or columns.get("facility"), "")
        elif not is_empty(facility) and not facility_id:
            # Its people are not taken for the unit's: that would tell another thing.
            rows.record("staffing.unknown_facility", at, columns["facility"], facility)
            where[-1] = ("", "")
        elif not facility_id and not unit_id:
            title = columns.get("unit_code") if code[at] else columns.get("unit")
            rows.record("staffing.unknown_unit", at, title, unit)
    entries = entries.assign(
        unit_id=[unit for unit, _ in where], facility_id=[facility for _, facility in where]
    )
    entries["level"] = [book.level_of.get(unit, "") for unit in entries["unit_id"]]
    entries["layer"] = [sites.layer_of.get(one, "") for one in entries["facility_id"]]
    return entries[(entries["unit_id"] != "") | (entries["facility_id"] != "")]


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


def _facility(sites: _Sites, text: str, layer: str) -> str:
    for word in (text, str(clean_codes([text])[0]), normalise_name(text)):
        found = sites.by_word.get(word, [])
        if layer and any(sites.layer_of[one] == layer for one in found):
            found = [one for one in found if sites.layer_of[one] == layer]
        if len(found) == 1:
            return found[0]
    return ""


def _latest(rows: _Rows, entries: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Keep the latest number of each unit or facility and role; record those passed over."""
    late = (entries["date"] > pd.Timestamp(as_of)).to_numpy(bool)
    day = as_of.isoformat()
    for at, title, role in entries.loc[late, ["at", "title", "role"]].itertuples(index=False):
        rows.record("staffing.later", at, title, role, severity="note", as_of=day)
    entries = entries[~late]
    keys = ["unit_id", "facility_id", "role"]
    ordered = entries.sort_values("date", kind="stable", na_position="first")
    newest = ordered.groupby(keys, sort=False).tail(1)
    used_for = {tuple(entry[key] for key in keys): entry for entry in newest.to_dict("records")}
    passed = entries[~entries.index.isin(newest.index)]
    for entry in passed.to_dict("records"):
        used = used_for[tuple(entry[key] for key in keys)]
        same_day = used["date"] == entry["date"] or (
            pd.isna(used["date"]) and pd.isna(entry["date"])
        )
        rows.record(
            "staffing.twice" if same_day else "staffing.superseded",
            int(entry["at"]),
            str(entry["title"]),
            str(entry["role"]),
            severity="warning" if same_day else "note",
            row_used=int(rows.table.rows[int(used["at"])]),
        )
    return entries[~entries.index.isin(passed.index)]


def _frame(rows: _Rows, entries: pd.DataFrame, *, invented: bool) -> pd.DataFrame:
    if entries.empty:
        return no_staff()
    columns: dict[str, Any] = {
        "source_file": rows.file,
        "source_sheet": rows.table.sheet,
        "source_row": pd.array(rows.table.rows[entries["at"].to_numpy(np.int64)], dtype="Int64"),
        "invented": invented,
    }
    frame = entries.assign(**columns)[list(STAFF_COLUMNS)].reset_index(drop=True)
    return frame.astype(no_staff().dtypes.to_dict())
