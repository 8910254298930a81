"""Change tables as offices keep them: read, checked, every row used or set aside."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from servicecircle.errors import InputError
from servicecircle.inputs.change_checks import consistent, event
from servicecircle.inputs.changes import NO_CHANGES, Change, Changes, Kind, UnitName, change_table
from servicecircle.inputs.tables import read_table
from servicecircle.inputs.unit_columns import change_titles, choose_change_columns, meanings
from servicecircle.inputs.values import clean_codes, clean_names, dates, numbers
from servicecircle.problems import Problem, nearest_name
from servicecircle.project import LEVELS, ChangeSettings

__all__ = ["read_changes"]

_CODE_LEVELS = {2: "province", 4: "prefecture", 6: "county", 9: "township", 12: "village_level"}
_PERCENT = 100.0
_PERCENT_WITHIN = 0.5


def read_changes(
    settings: ChangeSettings | None, *, base: Path
) -> tuple[Changes, dict[str, int], list[Problem]]:
    """Read the change tables of a project.

    Parameters
    ----------
    settings : ChangeSettings, optional
        One or several tables, which become one.
    base : pathlib.Path
        Folder that the paths are relative to.

    Returns
    -------
    changes : Changes
    counts : dict
        rows_in = rows_used + rows_set_aside.
    problems : list of Problem

    Raises
    ------
    InputError
        If a table cannot be read, or names no unit before and after.

    Examples
    --------
    >>> read_changes(None, base=Path())[1:]
    ({}, [])
    >>> read_changes(ChangeSettings(path=[Path("none.csv")]), base=Path())
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: none.csv: file not found: none.csv
    ...
    """
    if settings is None:
        return NO_CHANGES, {}, []
    rows: list[Change] = []
    problems: list[Problem] = []
    faults: list[Problem] = []
    rows_in = 0
    for path in settings.path:
        try:
            found, count, more = _read_one(settings, base / path, path.as_posix())
        except InputError as error:
            faults += error.problems
            continue
        rows += found
        rows_in += count
        problems += more
    if faults:
        raise InputError(faults)
    rows, found_problems = consistent(rows)
    problems += found_problems
    changes = change_table(rows)
    for level, text in {(row.level, row.before.code or row.before.name) for row in rows}:
        changes.successors(text, level=level)  # refuses a table without an end
    counts = {
        "rows_in": rows_in,
        "rows_used": len(rows),
        "rows_set_aside": rows_in - len(rows),
    }
    return changes, counts, problems


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """Where a cell stands, to say what is wrong with it."""

    file: str
    sheet: str
    rows: Sequence[int]
    titles: dict[str, str]

    def problem(self, code: str, at: int, column: str, value: str, **details: object) -> Problem:
        return Problem(
            code=code,
            severity="error",
            action="set_aside",
            file=self.file,
            sheet=self.sheet,
            row=int(self.rows[at]),
            column=self.titles.get(column, ""),
            value=value,
            details=details,
        )


def _read_one(
    settings: ChangeSettings, path: Path, name: str
) -> tuple[list[Change], int, list[Problem]]:
    table = read_table(
        path,
        name=name,
        sheet=settings.sheet,
        encoding=settings.encoding,
        titles=[*change_titles(), *settings.columns.values()],
    )
    frame = table.frame
    chosen = choose_change_columns(list(frame.columns), declared=settings.columns, name=name)
    titles = {key: columns[0] for key, columns in chosen.items()}
    cells = _Cells(file=name, sheet=table.sheet, rows=table.rows.tolist(), titles=titles)
    problems = list(table.problems)
    skip: set[int] = set()

    def texts(key: str, clean: Callable[[Iterable[str]], np.ndarray]) -> list[str]:
        if key not in titles:
            return [""] * len(frame)
        return [str(text) for text in clean(frame[titles[key]])]

    def aside(code: str, at: int, column: str, value: str, **details: object) -> None:
        if at not in skip:
            problems.append(cells.problem(code, at, column, value, **details))
        skip.add(at)

    units = {
        side: [
            UnitName(*parts)
            for parts in zip(
                texts(f"{side}_code", clean_codes),
                texts(f"{side}_name", clean_names),
                texts(f"{side}_parent", clean_names),
                strict=True,
            )
        ]
        for side in ("old", "new")
    }
    problems += _undecided(texts("decision", clean_names), cells, skip)
    levels, kinds = texts("level", clean_names), texts("kind", clean_names)
    days = dates(texts("date", clean_names))
    told = [
        (old.code or old.name, old.parent, str(day))
        for old, day in zip(units["old"], days.values, strict=True)
    ]
    shares, flaws = _shares(texts("share", clean_names), "share", cells, told)
    people, more = _shares(texts("people", clean_names), "people", cells, told)
    problems += [*flaws, *more]
    sources = texts("source", clean_names)
    rows = []
    for at, (old, new) in enumerate(zip(units["old"], units["new"], strict=True)):
        if at in skip:
            continue
        if not old.called() or not new.called():
            aside("change.half", at, "old_name" if not old.called() else "new_name", old.called())
        level = _level(levels[at], old, new)
        if not level:
            known = ", ".join(LEVELS)
            aside("change.unknown_level", at, "level", levels[at] or old.called(), known=known)
        kind = meanings("change_kinds").get(kinds[at].lower(), "")  # "" is settled by the shape
        if kinds[at] and not kind:
            words = [*meanings("change_kinds")]
            near = nearest_name(kinds[at].lower(), words)
            aside("change.unknown_kind", at, "kind", kinds[at], near=near)
        if not days.ok[at]:
            aside("change.bad_date", at, "date", str(frame[titles["date"]].iloc[at]))
        if at in skip:
            continue
        day = days.values[at]
        rows.append(
            (
                Change(
                    level=level,
                    before=old,
                    after=new,
                    kind=cast(Kind, kind),
                    date=None if np.isnat(day) else day.astype("datetime64[D]").item(),
                    share=shares[at],
                    source=sources[at],
                    file=name,
                    row=int(table.rows[at]),
                ),
                people[at],
            )
        )
    undated = sum(row.date is None for row, _ in rows)
    if undated:
        problems.append(
            Problem(
                code="change.undated",
                severity="warning",
                action="counted",
                file=name,
                column=titles.get("date", "date"),
                value=str(undated),
            )
        )
    return _with_people(rows), table.rows_in, problems


def _undecided(decisions: list[str], cells: _Cells, skip: set[int]) -> list[Problem]:
    """Leave out proposals that nobody has said yes to, in a table that has a column for it."""
    if "decision" not in cells.titles:
        return []
    known = meanings("change_decisions")
    problems = []
    open_rows = 0
    for at, text in enumerate(decisions):
        said = known.get(text.lower(), "") if text else "open"
        if not said:
            problems.append(cells.problem("change.unknown_decision", at, "decision", text))
        open_rows += said == "open"
        if said != "yes":
            skip.add(at)
    if open_rows:
        problems.append(
            Problem(
                code="change.undecided",
                severity="note",
                action="set_aside",
                file=cells.file,
                sheet=cells.sheet,
                column=cells.titles["decision"],
                value=str(open_rows),
            )
        )
    return problems


def _shares(
    texts: list[str], key: str, cells: _Cells, events: Sequence[object]
) -> tuple[list[float], list[Problem]]:
    """Return shares from 0 to 1, or numbers of people; NaN where empty or no such number."""
    percent = [text.rstrip().endswith(("%", "％")) for text in texts]
    values, good = numbers(
        text.rstrip().rstrip("%％") if of else text for text, of in zip(texts, percent, strict=True)
    )
    if key == "share":
        sums: dict[object, float] = defaultdict(float)
        for one, value in zip(events, values.tolist(), strict=True):
            sums[one] += 0.0 if math.isnan(value) else value
        # Parts that add up to a hundred are per cent without the sign.
        whole = [abs(sums[one] - _PERCENT) <= _PERCENT_WITHIN for one in events]
        percent = [said or full for said, full in zip(percent, whole, strict=True)]
    values = np.where(percent, values / _PERCENT, values)
    most = 1.0 if key == "share" else math.inf
    bad = ~good | (values < 0.0) | (values > most) | np.isinf(values)
    problems = [
        replace(cells.problem("change.bad_share", at, key, texts[at]), action="flagged")
        for at in np.flatnonzero(bad).tolist()
    ]
    return [float(value) for value in np.where(bad, math.nan, values)], problems


def _level(text: str, old: UnitName, new: UnitName) -> str:
    """Return the level as stated, else as the codes' lengths tell."""
    if text:
        return meanings("levels").get(text.lower(), "")
    for unit in (old, new):
        if unit.code.isdigit() and len(unit.code) in _CODE_LEVELS:
            return _CODE_LEVELS[len(unit.code)]
    return ""


def _with_people(rows: list[tuple[Change, float]]) -> list[Change]:
    """Turn the numbers of people of the parts of a unit into shares, where all parts have one."""
    groups: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for row, people in rows:
        groups[event(row)].append(people)
    done = []
    for row, people in rows:
        total = sum(groups[event(row)])
        stated = not math.isnan(row.share) or not total > 0.0
        done.append(row if stated else replace(row, share=people / total))
    return done
