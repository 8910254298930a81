"""Older outlines brought to the units of a later date."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from servicecircle.inputs.change_ways import Node
from servicecircle.inputs.changes import Changes, Part, UnitName
from servicecircle.inputs.gazetteer import normalise_name
from servicecircle.problems import Problem

__all__ = ["parts_of", "renew_rows"]


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
        parts = parts_of(changes, UnitName(code, called, parent), level, since, as_of)
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


def parts_of(
    changes: Changes, unit: UnitName, level: str, since: dt.date | None, as_of: dt.date
) -> tuple[Part, ...]:
    """Return what became of a unit, by its code, else by its name; its own remainder counts.

    Parameters
    ----------
    changes : Changes
    unit : UnitName
    level : str
    since : datetime.date, optional
        Without it a unit that still exists at ``as_of`` stays what it is.
    as_of : datetime.date

    Returns
    -------
    tuple of Part
        Empty where nothing became of it.

    Examples
    --------
    >>> from servicecircle.inputs.changes import NO_CHANGES
    >>> parts_of(NO_CHANGES, UnitName("330103", "下城区"), "county", None, dt.date(2025, 1, 1))
    ()
    """
    for text in (unit.code, unit.name):
        nodes = changes.find(text, level, parent=unit.parent) if text else ()
        if not nodes:
            continue
        lives = since is None and all(changes.lives_on(node, as_of) for node in nodes)
        if lives and not (text == unit.code and _old_name(changes, nodes, unit.name, as_of)):
            return ()
        parts = changes.successors(text, level=level, since=since, as_of=as_of, parent=unit.parent)
        if parts:
            return parts
    return ()


def _old_name(changes: Changes, nodes: tuple[Node, ...], name: str, as_of: dt.date) -> bool:
    """Tell whether a unit that kept its code is called as before a change, and not as after it."""
    called = normalise_name(name)
    rows = [row for node in nodes for row in changes.ahead.get(node, ()) if row.when <= as_of]
    kept = [row for row in rows if changes.nodes[row][0] == changes.nodes[row][1]]
    after = {normalise_name(row.after.name) for row in kept}
    before = {normalise_name(row.before.name) for row in kept}
    return len(rows) == len(kept) and bool(called) and called in before - after
