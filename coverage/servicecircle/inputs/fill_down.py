"""Columns that are written once for the rows below: ``fill_down`` of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from servicecircle.errors import InputError
from servicecircle.inputs.tables import Table
from servicecircle.inputs.text_columns import filled_cells, text_array, text_series
from servicecircle.inputs.titles import normalise_title
from servicecircle.problems import Problem

__all__ = ["filled_down"]


def filled_down(table: Table, titles: Sequence[str]) -> Table:
    """Return a table whose blank cells of some columns hold what stands above them.

    Parameters
    ----------
    table : Table
    titles : sequence of str
        Columns to fill, as ``fill_down`` of the project names them.

    Returns
    -------
    Table
        With a record of each cell filled; blanks above the first value stay.

    Raises
    ------
    InputError
        If the table has no such column.

    Examples
    --------
    >>> import pandas as pd
    >>> table = Table(pd.DataFrame({"乡镇": ["", "甲镇", ""]}), np.array([2, 3, 4]))
    >>> filled = filled_down(table, ["乡镇"])
    >>> filled.frame["乡镇"].tolist(), [problem.row for problem in filled.problems]
    (['', '甲镇', '甲镇'], [4])
    >>> filled_down(table, []) is table
    True
    """
    if not titles:
        return table
    same = {normalise_title(str(title)): str(title) for title in reversed(table.frame.columns)}
    missing = [title for title in titles if normalise_title(title) not in same]
    if missing:
        known = ", ".join(map(str, table.frame.columns))
        raise InputError(
            [
                Problem(
                    code="table.fill_down_missing",
                    severity="fatal",
                    action="stopped",
                    file=table.file,
                    sheet=table.sheet,
                    column="fill_down",
                    value=title,
                    details={"known": known},
                )
                for title in missing
            ]
        )
    frame, problems = table.frame.copy(), list(table.problems)
    for title in dict.fromkeys(same[normalise_title(one)] for one in titles):
        texts = text_array(frame[title])
        filled = filled_cells(texts)
        source = np.maximum.accumulate(np.where(filled, np.arange(len(filled)), -1))
        chosen = ~filled & (source >= 0)
        taken = text_series(texts.take(np.maximum(source, 0))) if len(filled) else frame[title]
        frame[title] = taken.where(source >= 0, "").to_numpy()
        problems += [
            Problem(
                code="table.filled_down",
                severity="note",
                action="mended",
                file=table.file,
                sheet=table.sheet,
                row=int(table.rows[at]),
                column=title,
                value=str(taken.iloc[at]),
                details={"first": int(table.rows[source[at]])},
            )
            for at in np.flatnonzero(chosen).tolist()
        ]
    return replace(table, frame=frame, problems=tuple(problems))
