"""Facility lists in which no facility is left: empty ones, and ones that cannot be used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.facility_cells import Cells, Texts
from servicecircle.inputs.facility_values import DATES, NUMBERS
from servicecircle.inputs.grids import stop
from servicecircle.inputs.text_columns import matching, text_objects
from servicecircle.inputs.values import empty_cells
from servicecircle.problems import Problem

__all__ = ["PLACE_COLUMNS", "nothing_listed", "states_none"]

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


def nothing_listed(
    cells: Cells, problems: Iterable[Problem], *, layer: str, tags: tuple[str, ...] = ()
) -> Problem:
    """Return the warning that a list is empty, or refuse a list that is not, and yields nothing.

    A list is empty if it has a header and its rows, if any, say that there is no facility. It
    cannot be used if a row of it is set aside as faulty, if its header names neither facilities
    nor places, or if an extract of OpenStreetMap has nothing of the tags asked for.

    Parameters
    ----------
    cells : Cells
    problems : iterable of Problem
        All that was found in the file.
    layer : str
    tags : tuple of str
        Selectors of OpenStreetMap, where the file is an extract.

    Raises
    ------
    InputError
        If the list cannot be used; with the first faults of its rows.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = Cells.of(pd.DataFrame({"名称": [], "经度": []}), file="canteens.csv")
    >>> print(nothing_listed(cells, [], layer="canteen").text("en").splitlines()[0])
    canteens.csv “facilities.canteen”: the list is empty: the layer counts as one without facilities
    >>> nothing_listed(Cells.of(pd.DataFrame({"a": []})), [], layer="canteen")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: there are neither columns of coordinates nor one of the unit...
    """
    raw = cells.raw
    faults = [problem for problem in problems if problem.severity == "error"]
    unread = bool(len(raw.frame)) or bool(faults)
    if not unread and not tags and not raw.place and not any(map(cells.title, _TELLING)):
        known = ", ".join(map(str, raw.frame.columns))
        raise stop("facility.no_place_columns", file=cells.file, sheet=raw.sheet, known=known)
    refused = bool(tags) or bool(faults)
    told = Problem(
        code="facility.no_tags" if tags else _UNUSABLE if refused else "facility.empty_list",
        severity="fatal" if refused else "warning",
        file=cells.file,
        sheet=raw.sheet,
        column=f"facilities.{layer}",
        value=", ".join(dict.fromkeys(tags)),
        action="stopped" if refused else "counted",
        details={"layer": layer},
    )
    if refused:
        raise InputError([told, *faults[:_FIRST_FAULTS]])
    return told


_UNUSABLE = "facility.none_usable"
