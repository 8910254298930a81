"""Change tables checked: what stands twice, leads in a circle, or does not add up."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from servicecircle.inputs.changes import Change, Changes, Kind, change_table
from servicecircle.inputs.gazetteer import normalise_name
from servicecircle.problems import Problem
from servicecircle.project import LEVELS

__all__ = ["consistent", "event", "unknown_units"]

_SHARES_CLOSE_WITHIN = 0.005
_MOST_NAMES = 10


def event(row: Change) -> tuple[object, ...]:
    """Return what tells the changes of one unit on one day apart from others.

    Examples
    --------
    >>> from servicecircle.inputs.changes import UnitName
    >>> row = Change(
    ...     level="county", before=UnitName("", "甲县"), after=UnitName("", "乙区"), kind="rename"
    ... )
    >>> event(row)
    ('county', '甲县', '', None)
    """
    name = normalise_name(row.before.name)
    above = "" if row.before.code else normalise_name(row.before.parent)
    return row.level, row.before.code or name, above, row.date


def consistent(rows: list[Change]) -> tuple[list[Change], list[Problem]]:
    """Set aside what is twice there or leads in a circle; settle kinds; check shares and dates.

    Parameters
    ----------
    rows : list of Change
        Of all tables.

    Returns
    -------
    kept : list of Change
        Each with its kind; shares of one unit on one day add up to 1 or are NaN.
    problems : list of Problem

    Examples
    --------
    >>> from servicecircle.inputs.changes import UnitName
    >>> row = Change(
    ...     level="county", before=UnitName("", "甲县"), after=UnitName("", "乙区"), kind=""
    ... )
    >>> kept, problems = consistent([row, row])
    >>> [row.kind for row in kept], [problem.code for problem in problems]
    (['rename'], ['change.twice'])
    >>> consistent([])
    ([], [])
    """
    problems: list[Problem] = []
    seen: dict[tuple[object, ...], Change] = {}
    kept: list[Change] = []
    for row in rows:
        target = (row.after.code or normalise_name(row.after.name), row.after.parent)
        key = (*event(row), *(target if not row.after.code else target[:1]))
        if key in seen:
            problems.append(_row_problem("change.twice", row, other=seen[key].row))
            continue
        seen[key] = row
        kept.append(row)
    idle = _to_itself(kept)
    problems += [_row_problem("change.itself", row) for row in kept if row in idle]
    kept = [row for row in kept if row not in idle]
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
        found |= {row for row in left if not _exchanged(left, table, row)}
    return found


def _exchanged(circle: list[Change], table: Changes, row: Change) -> bool:
    """Tell whether a unit takes the name of one that gives it up on the same known day."""
    before, after = table.nodes[row]
    out = [one for one in circle if table.nodes[one][0] in (before, after)]
    into = [one for one in circle if table.nodes[one][1] in (before, after)]
    single = len(out) == len({table.nodes[one][0] for one in out}) and len(into) == len(
        {table.nodes[one][1] for one in into}
    )
    return row.date is not None and row.kind in ("", "rename", "recode", "move") and single


def _to_itself(rows: list[Change]) -> set[Change]:
    """Return the changes that change nothing; what stays of a split or merged unit is none."""
    table = change_table(rows)
    parts = Counter(event(row) for row in rows)
    sources = Counter((table.nodes[row][1], row.date) for row in rows)

    def same(one: str, other: str) -> bool:
        return not one or not other or normalise_name(one) == normalise_name(other)

    return {
        row
        for row in rows
        if same(row.before.code, row.after.code)
        and same(row.before.name, row.after.name)
        and same(row.before.parent, row.after.parent)
        and table.nodes[row][0] == table.nodes[row][1]
        and parts[event(row)] == sources[table.nodes[row][1], row.date] == 1
    }


def _with_kinds(rows: list[Change]) -> list[Change]:
    """Give each change without a kind the one that the table's shape tells."""
    parts = Counter(event(row) for row in rows)
    table = change_table(rows)
    sources = Counter((table.nodes[row][1], row.date) for row in rows)

    def kind(row: Change) -> Kind:
        if row.kind:
            return row.kind
        if parts[event(row)] > 1:
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
        events[event(row)].append(row)
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
    >>> from servicecircle.inputs.changes import NO_CHANGES, UnitName
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
