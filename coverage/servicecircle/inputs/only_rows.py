"""The rows of a list that a project asks for, by the values of columns of the file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.raw_facilities import RawFacilities
from servicecircle.inputs.text_columns import text_objects
from servicecircle.inputs.titles import normalise_title
from servicecircle.problems import Problem, nearest_name
from servicecircle.project import FacilitySettings

__all__ = ["matching_cells", "only_rows"]


def matching_cells(cells: Sequence[str], patterns: Sequence[str]) -> NDArray[np.bool_]:
    """Return which cells are one of some values, in which ``*`` stands for any text.

    Width, case and blanks around a text make no difference.

    Parameters
    ----------
    cells : sequence of str, length n
    patterns : sequence of str

    Returns
    -------
    numpy.ndarray of bool, shape (n,)

    Examples
    --------
    >>> matching_cells(["养老机构（公办）", " 养老机构", "助餐点", ""], ["养老机构*"]).tolist()
    [True, True, False, False]
    >>> matching_cells([], ["*"]).tolist()
    []
    """
    wanted = "|".join(
        ".*".join(re.escape(part) for part in _folded(pattern).split("*")) for pattern in patterns
    )
    whole = re.compile(f"(?:{wanted})", re.DOTALL)
    known = {cell: whole.fullmatch(_folded(cell)) is not None for cell in set(cells)}
    return np.array([known[cell] for cell in cells], dtype=bool)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def only_rows(raw: RawFacilities, settings: FacilitySettings) -> RawFacilities:
    """Keep the rows that ``only`` of the project asks for; the others are counted.

    Parameters
    ----------
    raw : RawFacilities
    settings : FacilitySettings
        With ``only``: title of the file → values; a row has one of the values in every column.

    Raises
    ------
    InputError
        If the file has no such column, or no row has the values.

    Examples
    --------
    >>> from pathlib import Path
    >>> from servicecircle.inputs.columns import match_columns
    >>> raw = RawFacilities(
    ...     frame=pd.DataFrame({"类型": ["养老院", "食堂"]}), rows=[2, 3], rows_in=2,
    ...     columns=match_columns([]), x=np.zeros(2), y=np.zeros(2),
    ...     given=np.array(["", ""], dtype=object), place="",
    ... )
    >>> kept = only_rows(raw, FacilitySettings(path=Path("a.csv"), only={"类型": ["养老*"]}))
    >>> kept.rows, kept.filtered, kept.rows_in
    ([2], 1, 2)
    """
    if not settings.only or not len(raw.frame):
        return raw
    titles = {normalise_title(str(title)): str(title) for title in raw.frame.columns}
    faults = [
        _fault(raw, settings, "facility.only_column", title, known=list(titles.values()))
        for title in settings.only
        if normalise_title(title) not in titles
    ]
    if faults:
        raise InputError(faults)
    keep = np.ones(len(raw.frame), dtype=bool)
    for title, patterns in settings.only.items():
        cells = [str(cell) for cell in text_objects(raw.frame[titles[normalise_title(title)]])]
        keep &= matching_cells(cells, patterns)
        if not keep.any():
            found = list(pd.unique(pd.Series(cells, dtype="str")))[:_SHOWN]
            raise InputError(_fault(raw, settings, "facility.only_nothing", title, known=found))
    return replace(
        raw,
        frame=raw.frame[keep].reset_index(drop=True),
        rows=[row for row, kept in zip(raw.rows, keep.tolist(), strict=True) if kept],
        x=raw.x[keep],
        y=raw.y[keep],
        given=raw.given[keep],
        doors=None if raw.doors is None else raw.doors[keep],
        filtered=int((~keep).sum()),
    )


_SHOWN = 10


def _fault(
    raw: RawFacilities, settings: FacilitySettings, code: str, title: str, *, known: list[str]
) -> Problem:
    return Problem(
        code=code,
        severity="fatal",
        file=settings.path.as_posix(),
        sheet=raw.sheet,
        column="only",
        value=title,
        action="stopped",
        details={
            "known": ", ".join(known),
            "near": nearest_name(title, known),
            "wanted": ", ".join(settings.only[title]),
        },
    )
