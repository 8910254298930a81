"""A table of figures by unit, brought from the units of its date to those of a later one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from servicecircle.errors import InputError
from servicecircle.inputs.carried_people import Carried, carry_people
from servicecircle.inputs.change_rows import read_changes
from servicecircle.inputs.coordinates import fatal
from servicecircle.inputs.people_shares import Residents
from servicecircle.inputs.tables import Table, read_table
from servicecircle.inputs.unit_columns import (
    choose_columns,
    code_cells,
    missing_column,
    text_cells,
)
from servicecircle.inputs.unit_matches import code_core
from servicecircle.inputs.values import numbers
from servicecircle.problems import Problem
from servicecircle.project import ChangeSettings

__all__ = ["carry_table"]

_MOSTLY = 0.5


def carry_table(
    path: Path,
    change_tables: Sequence[Path],
    *,
    level: str,
    since: dt.date,
    as_of: dt.date,
    columns: Sequence[str] = (),
    within: str = "",
    people: Residents | None = None,
) -> Carried:
    r"""Read a table of figures by unit and bring it to the units of a later date.

    Parameters
    ----------
    path : pathlib.Path
        CSV or workbook with a row a unit; rows of other levels and totals are left out by their
        codes.
    change_tables : sequence of pathlib.Path
    level : str
    since, as_of : datetime.date
        Date of the figures, and of the units wanted.
    columns : sequence of str
        Columns to carry; without any those most of whose filled cells are numbers, none of them a
        code. A cell that is no number is a record, and its unit stays empty.
    within : str
        Beginning of the codes to take.
    people : Residents, optional
        Who lives where, for split units whose shares the change tables do not state.

    Returns
    -------
    Carried

    Raises
    ------
    InputError
        If a file cannot be read, or has nothing to carry.

    Examples
    --------
    >>> import tempfile
    >>> day = dt.date(2025, 1, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     changes, people = Path(folder) / "changes.csv", Path(folder) / "people.csv"
    ...     _ = changes.write_text(
    ...         "old_code,new_code,new_name,date\n330103,330105,拱墅区,2021-04-09\n"
    ...         "330105,330105,拱墅区,2021-04-09\n", encoding="utf-8")
    ...     _ = people.write_text(
    ...         "区划代码,区县,人口\n330103,下城区,2\n330105,拱墅区,3\n", encoding="utf-8")
    ...     carried = carry_table(
    ...         people, [changes], level="county", since=dt.date(2020, 11, 1), as_of=day)
    >>> carried.table[["code", "人口"]].to_numpy().tolist()
    [['330105', 5.0]]
    """
    name = path.name
    faults: list[Problem] = []
    try:
        tables = ChangeSettings(path=[one.resolve() for one in change_tables])
        changes, _, problems = read_changes(tables, base=Path())
    except InputError as error:
        faults += error.problems
    try:
        table = read_table(path, name=name, titles=["区划代码", "code", "name"])
    except InputError as error:
        raise InputError([*faults, *error.problems]) from None
    if faults:
        raise InputError(faults)
    frame = table.frame
    titles = [str(title) for title in frame.columns]
    chosen, more = choose_columns(titles, level=level, declared={}, name=name)
    missing = [
        missing_column(column, titles, name=name) for column in columns if column not in titles
    ]
    if missing:
        raise InputError(missing)
    blank = np.full(len(frame), "", dtype=object)
    units = pd.DataFrame(
        {
            "code": code_cells(frame[chosen["code"][0]]) if "code" in chosen else blank,
            "name": text_cells(frame[chosen["name"][0]]) if "name" in chosen else blank,
        }
    )
    own = {chosen[key][0] for key in ("code", "name", "parent") if key in chosen}
    asked = [title for title in columns or titles if columns or title not in own]
    coded = "code" in chosen
    keep = np.array(
        [
            code.startswith(within) and (bool(code_core(code, level)) or not coded)
            for code in units["code"]
        ],
        dtype=bool,
    )
    read = {title: numbers(text_cells(frame[title])) for title in asked}
    values = {
        title: found for title, (found, good) in read.items()
        if _holds_numbers(found[keep], good[keep], least=0.0 if columns else _MOSTLY)
    }  # fmt: skip
    if not keep.any() or not values:
        known = {"known": ", ".join(titles)}
        raise InputError(fatal("change.nothing_carried", name=name, value=level, details=known))
    problems += [*table.problems, *more, *_left_out(units, keep, within, table, name)]
    problems += [
        Problem(
            code="change.bad_figure", severity="error", action="flagged", file=name,
            sheet=table.sheet, row=int(table.rows[at]), column=title,
            value=str(frame[title].iloc[at]),
            details={"unit": units["name"].iloc[at] or units["code"].iloc[at]},
        )
        for title in values for at in np.flatnonzero(keep & ~read[title][1]).tolist()
    ]  # fmt: skip
    problems += [
        Problem(
            code="change.column_not_carried", severity="note", action="counted", file=name,
            sheet=table.sheet, column=title, value=title,
        )
        for title in asked if title not in values
    ]  # fmt: skip
    rows = units.assign(**values)[keep].reset_index(drop=True)
    twice = (rows["code"] + "\0" + rows["name"]).duplicated().to_numpy()
    problems += [
        Problem(
            code="change.row_twice",
            severity="error",
            action="set_aside",
            file=name,
            sheet=table.sheet,
            row=int(table.rows[at]),
            value=str(units["name"].iloc[at] or units["code"].iloc[at]),
        )
        for at in np.flatnonzero(keep)[twice].tolist()
    ]
    carried = carry_people(
        rows[~twice],
        changes,
        level=level,
        since=since,
        as_of=as_of,
        columns=list(values),
        people=people,
    )
    return replace(carried, problems=problems + carried.problems)


def _holds_numbers(values: np.ndarray, good: np.ndarray, *, least: float) -> bool:
    """Tell whether more than a part of the filled cells of a column are numbers."""
    filled = int((np.isfinite(values) | ~good).sum())
    return int(np.isfinite(values).sum()) > least * filled


def _left_out(
    units: pd.DataFrame, keep: np.ndarray, within: str, table: Table, name: str
) -> list[Problem]:
    """Count the rows that are no units of the level, where they were not left out on purpose."""
    asked = units["code"].str.startswith(within).to_numpy(dtype=bool)
    count = int((asked & ~keep).sum())
    if not count:
        return []
    return [
        Problem(
            code="change.not_carried",
            severity="note",
            action="counted",
            file=name,
            sheet=table.sheet,
            value=str(count),
        )
    ]
