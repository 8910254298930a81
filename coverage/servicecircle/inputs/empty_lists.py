"""Facility lists in which no facility is left: empty ones, and ones that cannot be used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.facility_cells import Cells, Texts
from servicecircle.inputs.facility_values import DATES, NUMBERS
from servicecircle.inputs.grids import stop
from servicecircle.inputs.text_columns import filled_cells, matching, text_objects
from servicecircle.inputs.values import empty_cells
from servicecircle.problems import Problem

__all__ = ["PLACE_COLUMNS", "nothing_listed", "said_by", "states_none"]

PLACE_COLUMNS = ("unit", "unit_code", "serves")
"""Our columns of text that say where a facility is or belongs."""
_TELLING = ("name", "address", *PLACE_COLUMNS)
"""Our columns of which a header has one, if it is that of a list of facilities."""
_FIRST_FAULTS = 5


def states_none(cells: Cells, texts: Mapping[str, Texts], unplaced: NDArray[np.bool_]) -> Texts:
    """Return what the rows name that say there is no facility: a unit, or 无 for a name.

    Parameters
    ----------
    cells : Cells
    texts : mapping of str to numpy.ndarray of str, shape (n,)
        From :func:`servicecircle.inputs.facility_cells.text_columns`, and ``code``.
    unplaced : numpy.ndarray of bool, shape (n,)
        Rows that give no place.

    Returns
    -------
    numpy.ndarray of str, shape (n,)
        "" for the rows that say no such thing.

    Examples
    --------
    >>> import pandas as pd
    >>> from servicecircle.inputs.facility_cells import text_columns
    >>> rows = {"名称": ["", "无", "甲院", ""], "乡镇": ["东镇", "", "西镇", ""]}
    >>> cells = Cells.of(pd.DataFrame(rows))
    >>> texts = text_columns(cells) | {"code": np.full(4, "", dtype=object)}
    >>> states_none(cells, texts, np.full(4, True)).tolist()
    ['东镇', '无', '', '']
    """
    if not cells.title("name"):
        return np.full(len(unplaced), "", dtype=object)
    bare = (texts["name"] == "") & unplaced & (texts["code"] == "")
    for name in ("address", "serves", "members", "grade"):
        bare = bare & (texts[name] == "")
    for name in (*NUMBERS, *DATES):
        given = cells.texts(name)
        bare = bare & (empty_cells(given) | matching(given, r"^\s*[0０]+(?:\.0*)?\s*$"))
    unit = texts["declared_unit"]
    said = np.where(unit != "", unit, text_objects(cells.texts("name")))
    return np.where(bare, said, "").astype(object)


def said_by(cells: Cells, problems: Iterable[Problem]) -> list[Problem]:
    """Return the records that set rows of a file aside as faulty.

    Examples
    --------
    >>> import pandas as pd
    >>> said_by(Cells.of(pd.DataFrame({"名称": []})), [])
    []
    """
    return [problem for problem in problems if problem.severity == "error"]
