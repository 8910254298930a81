"""Change tables as offices keep them: read, checked, every row used or set aside."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from servicecircle.errors import InputError
from servicecircle.inputs.changes import NO_CHANGES, Change, Changes, Kind, UnitName, change_table
from servicecircle.inputs.gazetteer import normalise_name
from servicecircle.inputs.tables import read_table
from servicecircle.inputs.unit_columns import change_titles, choose_change_columns, meanings
from servicecircle.inputs.values import clean_codes, clean_names, dates, numbers
from servicecircle.problems import Problem, nearest_name
from servicecircle.project import LEVELS, ChangeSettings

__all__ = ["read_changes", "unknown_units"]

_CODE_LEVELS = {2: "province", 4: "prefecture", 6: "county", 9: "township", 12: "village_level"}
_SHARES_CLOSE_WITHIN = 0.005
_MOST_NAMES = 10
_PERCENT = 100.0


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
    rows, found_problems = _consistent(rows)
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
    shares = _shares(texts("share", clean_names), "share", aside)
    people = _shares(texts("people", clean_names), "people", aside)
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


def _shares(texts: list[str], key: str, aside: Callable[..., None]) -> list[float]:
    """Return shares from 0 to 1, or numbers of people; NaN where empty."""
    percent = [text.rstrip().endswith(("%", "％")) for text in texts]
    values, good = numbers(
        text.rstrip().rstrip("%％") if of else text for text, of in zip(texts, percent, strict=True)
    )
    values = np.where(percent, values / _PERCENT, values)
    most = 1.0 if key == "share" else math.inf
    bad = ~good | (values < 0.0) | (values > most) | np.isinf(values)
    for at in np.flatnonzero(bad).tolist():
        aside("change.bad_share", at, key, texts[at])
    return [float(value) for value in np.where(bad, math.nan, values)]


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
        groups[_event(row)].append(people)
    done = []
    for row, people in rows:
        total = sum(groups[_event(row)])
        stated = not math.isnan(row.share) or not total > 0.0
        done.append(row if stated else replace(row, share=people / total))
    return done


def _event(row: Change) -> tuple[object, ...]:
    """Return what tells the changes of one unit on one day apart from others."""
    name = normalise_name(row.before.name)
    above = "" if row.before.code else normalise_name(row.before.parent)
    return row.level, row.before.code or name, above, row.date


def _consistent(rows: list[Change]) -> tuple[list[Change], list[Problem]]:
    """Set aside what is twice there or leads in a circle; settle kinds; check shares and dates."""
    problems: list[Problem] = []
    seen: dict[tuple[object, ...], Change] = {}
    kept: list[Change] = []
    for row in rows:
        target = (row.after.code or normalise_name(row.after.name), row.after.parent)
        key = (*_event(row), *(target if not row.after.code else target[:1]))
        if key in seen:
            problems.append(_row_problem("change.twice", row, other=seen[key].row))
            continue
        seen[key] = row
        kept.append(row)
    circles = _circles(kept)
    problems += [_row_problem("change.circle", row) for row in kept if row in circles]
    kept = [row for row in kept if row not in circles]
    kept = _with_kinds(kept)
    kept, found = _check_events(kept)
    return kept, problems + found + _check_codes(kept)


def _row_problem(code: str, row: Change, *, flagged: bool = False, **details: object) -> Problem:
    return Problem(
        code=code,
        severity="warning" if flagged else "error",
        action="flagged" if flagged else "set_aside",
        file=row.file,
        row=row.row,
        value=f"{row.before.called()} → {row.after.called()}",
        details=details,
    )


def _circles(rows: list[Change]) -> set[Change]:
    """Return the changes of one day (or of unknown date) that lead in a circle."""
    table = change_table(rows)
    by_day: dict[tuple[str, dt.date | None], list[Change]] = defaultdict(list)
    for row in rows:
        by_day[row.level, row.date].append(row)
    found: set[Change] = set()
    for together in by_day.values():
        # What neither comes from another change of the day nor goes into one is in no circle.
        left = [row for row in together if table.nodes[row][0] != table.nodes[row][1]]
        while True:
            befores = {table.nodes[row][0] for row in left}
            afters = {table.nodes[row][1] for row in left}
            rest = [
                row
                for row in left
                if table.nodes[row][0] in afters and table.nodes[row][1] in befores
            ]
            if len(rest) == len(left):
                break
            left = rest
        found |= set(left)
    return found


def _with_kinds(rows: list[Change]) -> list[Change]:
    """Give each change without a kind the one that the table's shape tells."""
    parts = Counter(_event(row) for row in rows)
    table = change_table(rows)
    sources = Counter((table.nodes[row][1], row.date) for row in rows)

    def kind(row: Change) -> Kind:
        if row.kind:
            return row.kind
        if parts[_event(row)] > 1:
            return "split"
        if sources[table.nodes[row][1], row.date] > 1:
            return "merge"
        if normalise_name(row.before.name) != normalise_name(row.after.name):
            return "rename"
        return "recode" if row.before.code != row.after.code else "move"

    return [replace(row, kind=kind(row)) for row in rows]


def _check_events(rows: list[Change]) -> tuple[list[Change], list[Problem]]:
    """Check what becomes of one unit on one day; shares that do not add up are taken out."""
    events: dict[tuple[object, ...], list[Change]] = defaultdict(list)
    for row in rows:
        events[_event(row)].append(row)
    problems: list[Problem] = []
    shares: dict[int, float] = {}
    for parts in events.values():
        given = [row.share for row in parts if not math.isnan(row.share)]
        total = sum(given)
        if len(parts) == 1:
            if parts[0].kind == "split":
                problems.append(_row_problem("change.lone_split", parts[0], flagged=True))
            wrong = bool(given) and abs(total - 1.0) > _SHARES_CLOSE_WITHIN
        else:
            problems += [
                _row_problem("change.several_after", row, flagged=True, kind=row.kind)
                for row in parts
                if row.kind in ("rename", "recode", "move")
            ]
            wrong = total > 1.0 + _SHARES_CLOSE_WITHIN or (
                len(given) == len(parts) and abs(total - 1.0) > _SHARES_CLOSE_WITHIN
            )
        if wrong:
            problems.append(
                _row_problem("change.shares", parts[0], flagged=True, total=f"{total:.4g}")
            )
        for row in parts:
            rest = len(parts) - len(given) == 1 and math.isnan(row.share)
            share = 1.0 - total if rest and len(parts) > 1 else row.share
            scale = total if len(given) == len(parts) and total > 0.0 else 1.0
            shares[id(row)] = math.nan if wrong else max(share, 0.0) / scale
    return [replace(row, share=shares[id(row)]) for row in rows], problems


def _check_codes(rows: list[Change]) -> list[Problem]:
    """Find changes of units that were gone before, or are only made later."""
    problems = []
    table = change_table(rows)
    for row in rows:
        node = table.nodes[row][0]
        if row.date is None:
            continue
        left = [one for one in table.ahead[node] if one.when < row.when]
        made = [one for one in table.back.get(node, ()) if one.when < row.when]
        if left and max(one.when for one in left) > max(
            (one.when for one in made), default=dt.date.min
        ):
            gone = max(left, key=lambda one: one.when)
            told = "–" if gone.date is None else gone.date.isoformat()
            problems.append(_row_problem("change.gone_before", row, flagged=True, date=told))
    return problems


def unknown_units(
    changes: Changes, units: pd.DataFrame, *, as_of: dt.date, applied_to: Sequence[str] = LEVELS
) -> list[Problem]:
    """Tell which units at the end of the changes are none of the project's.

    Parameters
    ----------
    changes : Changes
    units : pandas.DataFrame
        Columns code, name, level, of all levels.
    as_of : datetime.date
    applied_to : sequence of str
        Levels to look at.

    Returns
    -------
    list of Problem
        One for each level that has any, with up to ten names.

    Examples
    --------
    >>> row = Change(
    ...     level="county", before=UnitName("", "甲县"), after=UnitName("", "乙区"), kind="rename"
    ... )
    >>> units = pd.DataFrame({"code": ["1"], "name": ["丙县"], "level": ["county"]})
    >>> unknown_units(change_table([row]), units, as_of=dt.date(2025, 1, 1))[0].value
    '乙区'
    >>> unknown_units(NO_CHANGES, units, as_of=dt.date(2025, 1, 1))
    []
    """
    problems = []
    present = units["level"].unique()
    for level in (one for one in applied_to if one in present):
        here = units[units["level"] == level]
        known = set(here["code"]) | {normalise_name(name) for name in here["name"]}
        missing: dict[str, None] = {}
        rows = [row for row in changes.rows if row.level == level and row.when <= as_of]
        for row in rows:
            text = row.before.code or row.before.name
            for part in changes.successors(
                text, level=level, as_of=as_of, parent=row.before.parent
            ):
                words = {part.unit.code, normalise_name(part.unit.name)} - {""}
                if not words & known:
                    missing.setdefault(part.unit.called())
        if missing:
            names = list(missing)
            more = "…" if len(names) > _MOST_NAMES else ""
            problems.append(
                Problem(
                    code="change.unknown_units",
                    severity="note",
                    action="counted",
                    file=rows[0].file,
                    column=level,
                    value=", ".join(names[:_MOST_NAMES]) + more,
                    details={"count": len(names)},
                )
            )
    later = [row for row in changes.rows if row.when > as_of]
    if later:
        problems.append(
            Problem(
                code="change.later",
                severity="note",
                action="counted",
                file=later[0].file,
                value=str(len(later)),
                details={"as_of": as_of.isoformat()},
            )
        )
    return problems
