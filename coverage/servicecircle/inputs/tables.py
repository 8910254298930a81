"""Tables as offices send them: one header row found, rows numbered, totals and notes set aside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from servicecircle.inputs.archives import MOST_UNPACKED_BYTES
from servicecircle.inputs.grids import Grid, decode, delimited_grid, stop
from servicecircle.inputs.headers import column_titles, find_header, is_number
from servicecircle.inputs.sheets import MOST_COLUMNS, choose_sheet, without_list, without_margins
from servicecircle.inputs.table_rows import Rows, rows_above, sort_rows
from servicecircle.inputs.text_columns import filled_cells, text_series
from servicecircle.inputs.workbooks import workbook_grids
from servicecircle.problems import Problem

__all__ = ["Table", "read_table", "title_columns"]

_MOST_TEXT_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Table:
    """A table as text.

    Parameters
    ----------
    frame : pandas.DataFrame
        All cells as str, "" for empty; the titles of the header as columns.
    rows : numpy.ndarray of int, shape (n,)
        1-based row of each record, as Excel shows it.
    sheet, encoding, file : str
    rows_in : int
        Rows below the header that hold anything: ``len(frame)`` and those set aside.
    problems : tuple of Problem
    """

    frame: pd.DataFrame
    rows: NDArray[np.int64]
    sheet: str = ""
    encoding: str = ""
    file: str = ""
    rows_in: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def rows_set_aside(self) -> int:
        """Return the number of rows set aside: totals, notes, rows wider than the header."""
        return self.rows_in - len(self.frame)


def read_table(
    path: Path,
    *,
    name: str,
    sheet: str | None = None,
    encoding: str | None = None,
    titles: Sequence[str] = (),
    max_bytes: int = MOST_UNPACKED_BYTES,
) -> Table:
    r"""Read a CSV, TSV, xlsx, xlsm, xls or ods file, told apart by content, not by extension.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        The file as the project names it, for messages.
    sheet : str, optional
        Of a workbook; else the visible sheet whose header has most known titles.
    encoding : str, optional
        Of a text file, such as ``"big5"``; else BOM, strict UTF-8, strict GB18030.
    titles : sequence of str
        Titles that the project names, which help to find the header row.
    max_bytes : int
        Most bytes that a workbook may unpack to.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If the file is missing, empty, binary, HTML, broken or too large, its encoding is not
        found, the sheet does not exist, or it has no header row.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "list.csv"
    ...     _ = path.write_text("名称\t编码\n甲\t007\n合计\t1\n", encoding="gb18030")
    ...     table = read_table(path, name="list.csv")
    >>> table.frame.to_dict("records"), table.rows.tolist(), table.rows_in
    ([{'名称': '甲', '编码': '007'}], [2], 2)
    >>> read_table(Path("nowhere.csv"), name="nowhere.csv")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: nowhere.csv: file not found: nowhere.csv
    ...
    """
    data = _bytes(path, name)
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        grids = without_list(workbook_grids(data, file=name, max_bytes=max_bytes))
        grid, others = choose_sheet(grids, sheet=sheet, titles=titles, file=name)
    else:
        _refuse_markup(data, name)
        text, used = decode(data, file=name, encoding=encoding)
        grid, others = delimited_grid(text, file=name, encoding=used), []
        if encoding is None and used == "gb18030":
            _refuse_big5(data, grid, titles, name)
    grid = without_margins(grid, file=name)
    if not grid.cells:
        raise stop("table.empty", file=name, sheet=grid.sheet)
    return _table(grid, titles=titles, file=name, problems=others)


def title_columns(grid: Grid, *, titles: Sequence[str] = ()) -> tuple[int, dict[str, int]]:
    """Return where the columns of a sheet stand, under the titles that a table of it has.

    Parameters
    ----------
    grid : Grid
    titles : sequence of str
        Titles that the project names, as for :func:`read_table`.

    Returns
    -------
    row : int
        1-based row of the last line of the header, 0 where there is none.
    columns : dict of str to int
        Title → 0-based column.

    Examples
    --------
    >>> title_columns(Grid([["名单"], ["名称", "床位"], ["甲", "3"]], [1, 2, 3]))
    (2, {'名称': 0, '床位': 1})
    >>> title_columns(Grid([], []))
    (0, {})
    """
    grid = without_margins(grid, file="")
    if not grid.cells:
        return 0, {}
    header = find_header(grid, titles)
    width = max(len(grid.cells[line]) for line in range(header.top, header.bottom + 1))
    names, _ = column_titles(grid, header, width)
    return grid.rows[header.bottom], {name: column for column, name in enumerate(names)}


def _bytes(path: Path, name: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > _MOST_TEXT_BYTES:
            limit = f"{_MOST_TEXT_BYTES:,}"
            raise stop("table.too_large", file=name, value=f"{size:,}", limit=limit)
        data = path.read_bytes()
    except FileNotFoundError:
        raise stop("input.missing_file", file=name, value=name) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise stop("input.unreadable", file=name, value=name, reason=reason) from None
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        raise stop("table.empty", file=name)
    return data


def _refuse_markup(data: bytes, name: str) -> None:
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if re.match(rb"<(!doctype|html|table|head|body|meta|\?xml|div|script)", start):
        raise stop("table.html", file=name, value=start[:20].decode("latin-1"))
    if start.startswith((b"%pdf", b"\x89png", b"\xff\xd8\xff", b"gif8", b"sqlite format")):
        raise stop("table.binary", file=name, value=repr(data[:8]))


def _refuse_big5(data: bytes, grid: Grid, titles: Sequence[str], name: str) -> None:
    """Refuse Big5: it nearly always decodes as GB18030 too, and only its titles give it away."""
    try:
        text = data.decode("big5hkscs")
    except UnicodeDecodeError:
        return
    other = delimited_grid(text, file=name, encoding="big5")
    if find_header(other, titles).known > find_header(grid, titles).known:
        raise stop("table.big5", file=name)


def _table(grid: Grid, *, titles: Sequence[str], file: str, problems: list[Problem]) -> Table:
    where: dict[str, Any] = {"file": file, "sheet": grid.sheet}
    header = find_header(grid, titles)
    head = grid.cells[header.bottom]
    if not header.known and sum(map(is_number, head)) * 2 > sum(map(bool, head)):
        raise stop(
            "table.no_header",
            file=file,
            sheet=grid.sheet,
            row=grid.rows[header.bottom],
            value=", ".join(filter(None, head))[:80],
        )
    spans = [len(grid.cells[line]) for line in range(header.top, header.bottom + 1)]
    spans += [right + 1 for top, _, _, right in grid.merges if header.top <= top <= header.bottom]
    width = min(max(spans), MOST_COLUMNS)
    names, changed = column_titles(grid, header, width)
    problems = [_placed(problem, names) for problem in grid.problems] + problems
    problems += [
        Problem(
            code="table.repeated_title",
            severity="note",
            row=grid.rows[header.bottom],
            column=title,
            value=names[column],
            action="mended",
            **where,
        )
        for column, title in changed
    ]
    above, set_aside = rows_above(grid, header, where)
    problems += above
    first = header.bottom + 1
    sections: set[int] = set()
    if grid.columns is not None:
        columns = [column[first:] for column in grid.columns]
        rows = Rows.regular(columns, first=first + 1)
    else:
        body, found, sections = _fill_merged(grid, first, names, where)
        problems += found
        rows = Rows.of(body, grid.rows[first:], width=width)
    lines = [grid.cells[line] for line in range(header.top, header.bottom + 1)]
    keep, found, rows_in = sort_rows(rows, where=where, header=[*lines, names], sections=sections)
    problems += found
    rows_in += set_aside
    mask = None if keep.all() else keep
    frame = pd.DataFrame(
        {
            name: text_series(values)
            for name, column in zip(names, rows.columns, strict=True)
            for values in [column if mask is None else column.filter(pa.array(mask))]
            if not name.startswith("#") or filled_cells(values).any()
        },
        index=pd.RangeIndex(int(keep.sum())),
    )
    numbers = rows.numbers[keep]
    return Table(frame, numbers, grid.sheet, grid.encoding, file, rows_in, tuple(problems))


def _placed(problem: Problem, names: list[str]) -> Problem:
    """Name the column of a cell by its title, as the other problems do."""
    if problem.code != "table.cell_without_value" or not problem.column:
        return problem
    at = 0
    for letter in problem.column:
        at = at * 26 + ord(letter) - ord("A") + 1
    return replace(problem, column=names[at - 1] if at <= len(names) else problem.column)


def _fill_merged(
    grid: Grid, first: int, names: list[str], where: dict[str, Any]
) -> tuple[list[list[str]], list[Problem], set[int]]:
    """Return the rows below the header, merged ranges filled down with their first cell.

    What is merged across columns is the value of the first of them alone. The rows that hold
    nothing but one such text are returned too.
    """
    sections: set[int] = set()
    body = [list(row) for row in grid.cells[first:]]
    problems: list[Problem] = []
    left_over = sum(map(len, body))
    for top, left, low, right in grid.merges:
        if top < first or top - first >= len(body) or left >= len(body[top - first]):
            continue
        value = body[top - first][left]
        if not value:
            continue
        last = min(low - first + 1, len(body))
        left_over -= (last - top + first) * (right - left + 1)
        if left_over < 0:
            # Ranges that overlap are none that Excel makes, and could be endless work.
            raise stop("table.overlapping_merges", file=where["file"], sheet=grid.sheet)
        if right > left and sum(map(bool, body[top - first])) == 1:
            sections.update(range(top - first, last))
            continue
        title = names[left] if left < len(names) else ""
        for at in range(top - first, last):
            if at > top - first and left < len(body[at]) and not body[at][left]:
                body[at][left] = value
                problems.append(
                    Problem(
                        code="table.merged_cell",
                        severity="note",
                        row=grid.rows[at + first],
                        column=title,
                        value=value,
                        action="mended",
                        details={"first": grid.rows[top]},
                        **where,
                    )
                )
        if is_number(value) and last > top - first + 1:
            problems.append(
                Problem(
                    code="table.merged_number",
                    severity="warning",
                    row=grid.rows[top],
                    column=title,
                    value=value,
                    details={"last": grid.rows[min(low, len(grid.rows) - 1)]},
                    **where,
                )
            )
    return body, problems, sections
