"""The rows below a header: which are records, and which are totals, notes or too wide."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from servicecircle.inputs.text_columns import (
    MARGINS,
    Bools,
    distinct,
    filled_cells,
    matching,
    text_array,
)
from servicecircle.problems import Problem

__all__ = ["Rows", "clean_cell", "sort_rows"]

_TOTAL = re.compile(r"^([合总小共累]计|[合總小]計|total|subtotal|grandtotal|sum)[:]?$")
_TOTAL_END = re.compile(r".([合总小]计|[合總小]計)[:]?$")
_MAYBE_TOTAL = "[计計]|total|sum"
_NOTE = re.compile(r"^(注|备注|備註|说明|說明|填表|制表|资料来源|数据来源|note|source)s?[\d:.、人]")
_TOTAL_WITHIN = 3
_LONGEST_WORD = 60


def clean_cell(cell: str) -> str:
    """Return a cell without white space and marks of no width at its ends.

    Examples
    --------
    >>> clean_cell("\u3000甲 院\ufeff "), clean_cell("")
    ('甲 院', '')
    """
    return cell.strip(MARGINS) if cell else ""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows below a header, column by column.

    Parameters
    ----------
    columns : list of pyarrow.Array, length n each
        As many as the header is wide, stripped.
    numbers : numpy.ndarray of int, shape (n,)
        1-based, as Excel shows them.
    lengths : numpy.ndarray of int, shape (n,)
        Cells of each row.
    wider : dict of int to list of str
        Cells of the rows that hold something right of the header, by their index.
    """

    columns: list[Any]
    numbers: NDArray[np.int64]
    lengths: NDArray[np.int64]
    wider: dict[int, list[str]]

    @classmethod
    def regular(cls, columns: list[Any], *, first: int) -> Rows:
        """Return rows of one width, numbered from ``first``.

        Examples
        --------
        >>> Rows.regular([text_array(["甲", "乙"])], first=2).numbers.tolist()
        [2, 3]
        """
        count = len(columns[0])
        numbers = np.arange(first, first + count, dtype=np.int64)
        return cls(columns, numbers, np.full(count, len(columns), np.int64), {})

    @classmethod
    def of(cls, body: list[list[str]], numbers: list[int], *, width: int) -> Rows:
        """Return rows that may differ in width.

        Examples
        --------
        >>> rows = Rows.of([["甲"], ["乙", "1", "x"]], [2, 3], width=2)
        >>> [column.to_pylist() for column in rows.columns], rows.wider
        ([['甲', '乙'], ['', '1']], {1: ['乙', '1', 'x']})
        """
        columns = [
            text_array([row[at] if at < len(row) else "" for row in body]) for at in range(width)
        ]
        lengths = np.array([len(row) for row in body], dtype=np.int64)
        wider = {at: row for at, row in enumerate(body) if any(row[width:])}
        return cls(columns, np.array(numbers, dtype=np.int64), lengths, wider)


def sort_rows(rows: Rows, *, where: dict[str, Any]) -> tuple[Bools, list[Problem], int]:
    """Tell records from totals, notes, blank rows and rows wider than the header.

    Parameters
    ----------
    rows : Rows
    where : dict
        File and sheet, for the records.

    Returns
    -------
    keep : numpy.ndarray of bool, shape (n,)
    problems : list of Problem
        One for each row set aside, in order; one for all blank and one for all short rows.
    rows_in : int
        Rows that hold anything.

    Examples
    --------
    >>> rows = Rows.of([["甲", "1"], [], ["合计", "1"]], [2, 3, 4], width=2)
    >>> keep, problems, rows_in = sort_rows(rows, where={})
    >>> keep.tolist(), [problem.row for problem in problems], rows_in
    ([True, False, False], [4, 3], 2)
    """
    count = len(rows.numbers)
    filled = np.zeros(count, dtype=np.int64)
    for column in rows.columns:
        filled += filled_cells(column)
    wide = np.zeros(count, dtype=bool)
    wide[list(rows.wider)] = True
    blank = (filled == 0) & ~wide
    totals = [
        _told(column, _is_total, gate=_MAYBE_TOTAL) for column in rows.columns[:_TOTAL_WITHIN]
    ]
    total = np.logical_or.reduce([np.zeros(count, dtype=bool), *totals]) & ~wide
    first, alone = _only_text(rows.columns, filled)
    note = alone & ~wide & ~total
    note[note] = _told(first.filter(pa.array(note)), _is_note)
    keep = ~(blank | wide | total | note)
    problems = []
    for at in np.flatnonzero(wide | total | note):
        code, value = "table.note_row", ""
        if wide[at]:
            code, value = "table.too_wide", ", ".join(rows.wider[int(at)])
        elif total[at]:
            column = next(number for number, found in enumerate(totals) if found[at])
            code, value = "table.total_row", rows.columns[column][int(at)].as_py()
        else:
            value = first[int(at)].as_py()
        problems.append(
            Problem(
                code=code,
                severity="error" if code == "table.too_wide" else "note",
                row=int(rows.numbers[at]),
                value=value,
                action="set_aside",
                details={"width": int(rows.lengths[at]), "titles": len(rows.columns)},
                **where,
            )
        )
    short = keep & (rows.lengths < len(rows.columns))
    for code, found in (("table.blank_rows", blank), ("table.short_rows", short)):
        if found.any():
            number = int(found.sum())
            problems.append(
                Problem(
                    code=code,
                    severity="note",
                    row=int(rows.numbers[found.argmax()]),
                    value=str(number),
                    action="counted",
                    details={"count": number},
                    **where,
                )
            )
    return keep, problems, int((~blank).sum())


def _only_text(columns: list[Any], filled: NDArray[np.int64]) -> tuple[Any, Bools]:
    """Return the first text of each row, and whether the row holds no other."""
    if not columns:
        return text_array([]), np.zeros(0, dtype=bool)
    first = columns[0]
    for column in columns[1:]:
        first = pc.if_else(pc.equal(first, ""), column, first)
    alone = filled > 0
    for column in columns:
        same = pc.or_(pc.equal(column, ""), pc.equal(column, first))
        alone &= np.asarray(same.to_numpy(zero_copy_only=False), dtype=bool)
    return first, alone


def _told(column: Any, tell: Callable[[str], bool], *, gate: str = "") -> Bools:
    """Apply a test to each distinct text that passes the gate, a regular expression."""
    chosen = matching(column, gate, ignore_case=True)
    if chosen.any():
        found, codes = distinct(column.filter(pa.array(chosen)))
        chosen[chosen] = np.array([tell(text) for text in found], dtype=bool)[codes]
    return chosen


def _plain(cell: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", cell)).casefold()


def _is_total(cell: str) -> bool:
    if len(cell) > _LONGEST_WORD:
        return False
    plain = _plain(cell)
    return bool(_TOTAL.match(plain) or _TOTAL_END.search(plain))


def _is_note(cell: str) -> bool:
    return _NOTE.match(_plain(cell[: 10 * _LONGEST_WORD])) is not None
