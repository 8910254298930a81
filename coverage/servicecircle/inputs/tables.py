"""Tables as offices send them: one header row found, rows numbered, totals and notes set aside."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.inputs.columns import known_title, normalise_title
from servicecircle.inputs.grids import (
    MOST_UNPACKED_BYTES,
    Grid,
    decode,
    delimited_grid,
    stop,
    workbook_grids,
)
from servicecircle.problems import Problem

__all__ = ["Table", "read_table"]

_HEADER_WITHIN = 30
_TOTAL = re.compile(r"^([合总小共累]计|[合總小]計|total|subtotal|grandtotal|sum)[:]?$")
_TOTAL_END = re.compile(r".([合总小]计|[合總小]計)[:]?$")
_MAYBE_TOTAL = re.compile(r"[计計]|total|sum", re.IGNORECASE)
_NOTE = re.compile(r"^(注|备注|備註|说明|說明|填表|制表|资料来源|数据来源|note|source)s?[\d:.、人]")


@dataclass(frozen=True, slots=True)
class Table:
    """A table as text.

    Parameters
    ----------
    frame : pandas.DataFrame
        All cells as str, "" for empty; the titles of the header as columns.
    rows : numpy.ndarray of int, shape (n,)
        1-based row of each record: as Excel shows it, or the physical line on which it starts.
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


@dataclass(frozen=True, slots=True)
class _Header:
    top: int
    bottom: int
    known: int


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
        grids = workbook_grids(data, file=name, max_bytes=max_bytes)
        grid, others = _choose_sheet(grids, sheet=sheet, titles=titles, file=name)
    else:
        _refuse_markup(data, name)
        text, used = decode(data, file=name, encoding=encoding)
        grid, others = delimited_grid(text, file=name, encoding=used), []
        if encoding is None and used == "gb18030":
            _refuse_big5(data, grid, titles, name)
    grid = _without_margins(grid)
    if not grid.cells:
        raise stop("table.empty", file=name, sheet=grid.sheet)
    return _table(grid, titles=titles, file=name, problems=others)


def _bytes(path: Path, name: str) -> bytes:
    try:
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
    if _find_header(other, titles).known > _find_header(grid, titles).known:
        raise stop("table.big5", file=name)


def _choose_sheet(
    grids: list[Grid], *, sheet: str | None, titles: Sequence[str], file: str
) -> tuple[Grid, list[Problem]]:
    names = [grid.sheet for grid in grids]
    if sheet is not None:
        for grid in grids:
            if grid.sheet == sheet:
                return grid, []
        near = difflib.get_close_matches(sheet, names, n=1)
        raise stop(
            "table.sheet_near" if near else "table.sheet",
            file=file,
            value=sheet,
            known=", ".join(names),
            near=near[0] if near else "",
        )
    filled = [grid for grid in grids if any(any(row) for row in grid.cells)]
    filled = [grid for grid in filled if grid.visible] or filled
    if not filled:
        raise stop("table.empty", file=file)
    trimmed = [_without_margins(grid) for grid in filled]
    known = [_find_header(grid, titles).known if grid.cells else 0 for grid in trimmed]
    chosen = filled[known.index(max(known))]
    rest = [grid.sheet for grid in grids if grid is not chosen and any(any(r) for r in grid.cells)]
    if not rest:
        return chosen, []
    problem = Problem(
        code="table.other_sheets",
        severity="note",
        file=file,
        sheet=chosen.sheet,
        value=", ".join(rest),
    )
    return chosen, [problem]


def _clean(cell: str) -> str:
    return cell.strip().strip("\u200b\ufeff\u3000 ") if cell else ""


def _without_margins(grid: Grid) -> Grid:
    """Strip the cells and drop what is blank below the last row with anything in it."""
    cells = [[_clean(cell) for cell in row] for row in grid.cells]
    last = max((at for at, row in enumerate(cells) if any(row)), default=-1)
    return Grid(
        cells[: last + 1],
        grid.rows[: last + 1],
        grid.merges,
        grid.sheet,
        grid.encoding,
        grid.visible,
        grid.problems,
    )


def _number(cell: str) -> bool:
    return bool(re.fullmatch(r"[-+]?[\d,]*\.?\d+%?", unicodedata.normalize("NFKC", cell)))


def _find_header(grid: Grid, titles: Sequence[str]) -> _Header:
    """Return the row with most known titles, else the first that looks like a header."""
    wanted = {normalise_title(title) for title in titles}
    first = [at for at, row in enumerate(grid.cells) if any(row)][:_HEADER_WITHIN]
    counts = {
        at: len(
            {
                cell
                for cell in grid.cells[at]
                if cell and (known_title(cell) or normalise_title(cell) in wanted)
            }
        )
        for at in first
    }
    best = max(first, key=lambda at: (counts[at], -at), default=0)
    known = counts.get(best, 0)
    if not known:
        filled = {at: sum(map(bool, grid.cells[at])) for at in first}
        widest = max(filled.values(), default=0)
        best = next((at for at in first if filled[at] >= 0.7 * widest), 0)
    for top, bottom in ((best - 1, best), (best, best + 1)):
        if known and top >= 0 and bottom < len(grid.cells) and _two_lines(grid, top, bottom):
            return _Header(top, bottom, known)
    return _Header(best, best, known)


def _two_lines(grid: Grid, top: int, bottom: int) -> bool:
    """Return whether two rows are the two lines of one header."""
    width = max(len(grid.cells[top]), len(grid.cells[bottom]))
    above = [*grid.cells[top], *[""] * (width - len(grid.cells[top]))]
    below = [*grid.cells[bottom], *[""] * (width - len(grid.cells[bottom]))]
    if sum(map(bool, above)) < 2 or any(_number(cell) for cell in below):  # noqa: PLR2004 - one title is no line
        return False
    spans = [merge for merge in grid.merges if merge[0] <= top <= merge[2]]
    if any(upper <= top and lower == bottom for upper, _, lower, _ in spans):
        return True
    if any(right > left and lower == top for _, left, lower, right in spans):
        return any(
            any(below[left : right + 1])
            for _, left, lower, right in spans
            if right > left and lower == top
        )
    # Without merged ranges (a CSV of such a sheet): a title above leaves blanks to its right, and
    # the line below fills these groups and nothing else.
    grouped = [
        column
        for column in range(width)
        if (above[column] and column + 1 < width and not above[column + 1]) or not above[column]
    ]
    blank = [column for column in range(width) if not above[column]]
    filled = [column for column in range(width) if below[column]]
    return bool(blank) and len(filled) < width and set(blank) <= set(filled) <= set(grouped)


def _titles(grid: Grid, header: _Header, width: int) -> tuple[list[str], list[tuple[int, str]]]:
    """Return one distinct title a column, and which of them had to be changed."""
    lines = []
    for at in range(header.top, header.bottom + 1):
        line = [*grid.cells[at], *[""] * width][:width]
        for top, left, low, right in grid.merges:
            if top <= at <= low:
                line[left : right + 1] = [grid.cells[top][left]] * (min(right + 1, width) - left)
        lines.append([re.sub(r"\s*[\r\n]+\s*", "", cell) for cell in line])
    if len(lines) > 1 and not grid.merges:
        for column in range(1, width):
            if not lines[0][column] and lines[-1][column]:
                lines[0][column] = lines[0][column - 1]
    titles, changed, seen = [], [], dict[str, int]()
    for column in range(width):
        parts = list(dict.fromkeys(line[column] for line in lines if line[column]))
        title = "-".join(parts)
        if not title:
            title = f"#{column + 1}"
        seen[title] = seen.get(title, 0) + 1
        if seen[title] > 1:
            changed.append((column, title))
            title = f"{title} #{seen[title]}"
        titles.append(title)
    return titles, changed


def _table(grid: Grid, *, titles: Sequence[str], file: str, problems: list[Problem]) -> Table:
    where: dict[str, Any] = {"file": file, "sheet": grid.sheet}
    header = _find_header(grid, titles)
    head = grid.cells[header.bottom]
    if not header.known and sum(map(_number, head)) * 2 > sum(map(bool, head)):
        raise stop(
            "table.no_header",
            file=file,
            sheet=grid.sheet,
            row=grid.rows[header.bottom],
            value=", ".join(filter(None, head))[:80],
        )
    spans = [len(grid.cells[line]) for line in range(header.top, header.bottom + 1)]
    spans += [right + 1 for top, _, _, right in grid.merges if header.top <= top <= header.bottom]
    width = max(spans)
    body = grid.cells[header.bottom + 1 :]
    numbers = grid.rows[header.bottom + 1 :]
    problems = [*grid.problems, *problems, *_fill_merged(grid, header.bottom, body, where)]
    names, changed = _titles(grid, header, width)
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
    keep, found, rows_in = _sort_rows(body, numbers, width, where)
    problems += found
    columns = [
        [row[column] if column < len(row) else "" for row in (body[at] for at in keep)]
        for column in range(width)
    ]
    frame = pd.DataFrame(
        {
            name: pd.array(values, dtype="str")
            for name, values in zip(names, columns, strict=True)
            if any(values) or not name.startswith("#")
        },
        index=pd.RangeIndex(len(keep)),
    )
    rows = np.array([numbers[at] for at in keep], dtype=np.int64)
    return Table(frame, rows, grid.sheet, grid.encoding, file, rows_in, tuple(problems))


def _fill_merged(
    grid: Grid, bottom: int, body: list[list[str]], where: dict[str, Any]
) -> list[Problem]:
    """Fill merged ranges below the header with the value of their first cell."""
    problems = []
    for top, left, low, right in grid.merges:
        if top <= bottom or top - bottom - 1 >= len(body) or left >= len(body[top - bottom - 1]):
            continue
        value = body[top - bottom - 1][left]
        if not value or (right - left + 1 == len(body[0]) and len(body[0]) > 1):
            continue
        for at in range(top - bottom - 1, min(low - bottom, len(body))):
            for column in range(left, min(right + 1, len(body[at]))):
                if not body[at][column]:
                    body[at][column] = value
        if _number(value):
            problems.append(
                Problem(
                    code="table.merged_number",
                    severity="warning",
                    row=grid.rows[top],
                    value=value,
                    details={"last": grid.rows[min(low, len(grid.rows) - 1)]},
                    **where,
                )
            )
    return problems


def _sort_rows(
    body: list[list[str]], numbers: list[int], width: int, where: dict[str, Any]
) -> tuple[list[int], list[Problem], int]:
    """Return the rows to keep, the problems, and how many rows hold anything."""
    keep: list[int] = []
    problems: list[Problem] = []
    blank: list[int] = []
    short: list[int] = []
    for at, row in enumerate(body):
        filled = [cell for cell in row if cell]
        if not filled:
            blank.append(numbers[at])
            continue
        code = ""
        if any(row[width:]):
            code, value = "table.too_wide", ", ".join(row)
        elif total := next(filter(_is_total, row[:3]), ""):
            code, value = "table.total_row", total
        elif len(set(filled)) == 1 and _NOTE.match(_plain(filled[0])):
            code, value = "table.note_row", filled[0]
        if code:
            severity = "error" if code == "table.too_wide" else "note"
            problems.append(
                Problem(
                    code=code,
                    severity=severity,  # type: ignore[arg-type]  # from a table of literals
                    row=numbers[at],
                    value=value,
                    action="set_aside",
                    details={"width": len(row), "titles": width},
                    **where,
                )
            )
            continue
        if len(row) < width:
            short.append(numbers[at])
        keep.append(at)
    for code, found in (("table.blank_rows", blank), ("table.short_rows", short)):
        if found:
            problems.append(
                Problem(
                    code=code,
                    severity="note",
                    row=found[0],
                    value=str(len(found)),
                    action="counted",
                    details={"count": len(found)},
                    **where,
                )
            )
    return keep, problems, len(body) - len(blank)


def _plain(cell: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", cell)).casefold()


def _is_total(cell: str) -> bool:
    if not _MAYBE_TOTAL.search(cell):
        return False
    plain = _plain(cell)
    return bool(_TOTAL.match(plain) or _TOTAL_END.search(plain))
