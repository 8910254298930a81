"""Raw cells of delimited text: encoding and delimiter are found, nothing else is interpreted.

Rows keep the number that Excel shows: a cell of several lines is one row, a blank line is a row.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import itertools
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from servicecircle.errors import InputError
from servicecircle.inputs.titles import known_title
from servicecircle.problems import Problem

__all__ = ["Grid", "cell_text", "decode", "delimited_grid", "stop"]

MOST_CHARACTERS_OF_A_CELL = 131_072
_MOST_CELLS = 60_000_000
_MOST_REGULAR_COLUMNS = 1_000
_HEADER_WITHIN, _TITLES_LOOKED_AT = 30, 100
_SAMPLE_CHARACTERS = 200_000
HEAD_ROWS = 1_000
"""Rows of a long regular text that are kept as lists as well, to find its header."""
_DELIMITERS = (",", "\t", ";", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Bytes that no text holds: control characters but tab, line ends, form feed and Ctrl-Z.
_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 26})


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells as text, row by row; rows may differ in length.

    Parameters
    ----------
    cells : list of list of str
        All rows, or the first of them where there are ``columns``.
    rows : list of int
        1-based row of each row of ``cells``, as Excel shows it.
    merges : list of (top, left, bottom, right)
        Merged ranges, inclusive, 0-based indices into ``cells``.
    sheet, encoding : str
    visible : bool
    problems : list of Problem
    columns : tuple of pyarrow.Array, optional
        All rows of a text whose rows are of one width, column by column.
    """

    cells: list[list[str]]
    rows: list[int]
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    sheet: str = ""
    encoding: str = ""
    visible: bool = True
    problems: list[Problem] = field(default_factory=list)
    columns: tuple[Any, ...] | None = None


def stop(code: str, *, file: str, **where: object) -> InputError:
    """Return the error for a file that cannot be used.

    Examples
    --------
    >>> stop("input.empty_layer", file="a.csv").problems[0].file
    'a.csv'
    """
    details = {key: value for key, value in where.items() if key not in ("row", "value", "sheet")}
    row = where.get("row")
    return InputError(
        Problem(
            code=code,
            severity="fatal",
            action="stopped",
            file=file,
            sheet=str(where.get("sheet", "")),
            row=row if isinstance(row, int) else None,
            value=str(where.get("value", "")),
            details=details,
        )
    )


def decode(data: bytes, *, file: str, encoding: str | None = None) -> tuple[str, str]:
    """Return the text of a file and its encoding: BOM, strict UTF-8, strict GB18030, UTF-16.

    The whole file decides; UTF-16 without a BOM shows by the zero bytes that no other text has.

    Parameters
    ----------
    data : bytes
        The whole file.
    file : str
        For messages.
    encoding : str, optional
        Overrides the search; a byte that does not fit stops the run.

    Raises
    ------
    InputError
        If the file is binary or no encoding fits.

    Examples
    --------
    >>> decode("名称".encode("gb18030"), file="a.csv")
    ('名称', 'gb18030')
    >>> decode(b"", file="a.csv")
    ('', 'utf-8')
    """
    if encoding is not None:
        return _declared(data, encoding, file), encoding
    for bom, name in _BOMS:
        if data.startswith(bom):
            return _declared(data, name, file), name
    if b"\x00" in data:
        for name in ("utf-16-le", "utf-16-be"):
            if (text := _utf16(data, name)) is not None:
                return text, name
        raise stop("table.binary", file=file, value=repr(data[:8]))
    start = data[:4096]
    if len(start) - len(start.translate(None, _CONTROLS)) > len(start) / 100:
        raise stop("table.binary", file=file, value=repr(data[:8]))
    faults = []
    for name in ("utf-8", "gb18030"):
        try:
            return data.decode(name), name
        except UnicodeDecodeError as error:
            faults.append(error)
    # The encoding that got farther is the file's; the other failed at the first Chinese word.
    farthest = max(faults, key=lambda fault: fault.start)
    raise _undecodable(data, farthest, file, "UTF-8, GB18030")


def _declared(data: bytes, encoding: str, file: str) -> str:
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeError as error:
        raise _undecodable(data, error, file, encoding) from None
    except (LookupError, ValueError):
        raise stop("table.unknown_encoding", file=file, value=encoding) from None
    if "\x00" in text:
        raise stop("table.binary", file=file, value=repr(data[:8]))
    return text


def _utf16(data: bytes, encoding: str) -> str | None:
    """Return the text if it is one: in the wrong order of bytes a line end is no character."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    kinds = {unicodedata.category(sign) for sign in set(text) - set("\t\n\r\f\x1a")}
    return None if kinds & {"Cc", "Cn", "Co", "Cs"} or "\n" not in text else text


def _undecodable(data: bytes, error: UnicodeError, file: str, encoding: str) -> InputError:
    start = error.start if isinstance(error, UnicodeDecodeError) else 0
    return stop(
        "table.encoding",
        file=file,
        row=data.count(b"\n", 0, start) + 1,
        value=data[start : start + 4].hex(" "),
        encoding=encoding,
    )


def delimited_grid(text: str, *, file: str, encoding: str) -> Grid:
    r"""Return the cells of delimited text, whatever its delimiter.

    Parameters
    ----------
    text : str
    file, encoding : str
        For messages and for the record.

    Raises
    ------
    InputError
        If a quotation mark never closes or a cell is longer than 131,072 characters.

    Examples
    --------
    >>> grid = delimited_grid('名称|"床\n位"\n甲|3', file="a.csv", encoding="utf-8")
    >>> grid.cells, grid.rows
    ([['名称', '床\n位'], ['甲', '3']], [1, 2])
    """
    text = text.rstrip("\x1a")
    delimiter = _delimiter(text)
    columns = _regular(text, delimiter)
    try:
        cells = _records(text, delimiter, most=None if columns is None else HEAD_ROWS)
    except csv.Error as error:
        if "field larger" in str(error):
            raise stop("table.long_cell", file=file, row=_line_of(text, delimiter)) from None
        return _unquoted(text, delimiter, file, encoding)
    if cells is None:
        limit = f"{_MOST_CELLS:,}"
        raise stop("table.too_many_cells", file=file, value=f"> {limit}", limit=limit)
    rows = list(range(1, len(cells) + 1))
    return Grid(cells, rows, encoding=encoding, columns=columns)


def _records(text: str, delimiter: str, *, most: int | None = None) -> list[list[str]] | None:
    """Return all rows, or so many; None where they hold more cells than memory should."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    cells, count = [], 0
    for record in itertools.islice(reader, most):
        cells.append(record)
        count += len(record)
        if count > _MOST_CELLS:
            return None
    return cells


def _regular(text: str, delimiter: str) -> tuple[Any, ...] | None:
    """Return the columns of a text that any reader takes in the same way, None of any other.

    Regular are rows of one width without blank lines, whose quotation marks stand around whole
    cells or are doubled inside them; Arrow reads those fast. What is not is read with care.
    """
    data = text.encode("utf-8", "surrogatepass").rstrip(b"\r\n")
    try:
        first = next(csv.reader(io.StringIO(text[:_SAMPLE_CHARACTERS]), delimiter=delimiter), [])
    except csv.Error:
        return None
    blank = (b"\n\n", b"\r\r", b"\n\r")
    if not 1 < len(first) <= _MOST_REGULAR_COLUMNS or any(pair in data for pair in blank):
        return None
    if not data or data[:1] in (b"\n", b"\r") or not _quotes_match(data, delimiter):
        return None
    names = [str(at) for at in range(len(first))]
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=1 << 24),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=b'"' in data, ignore_empty_lines=False
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowException:
        return None
    columns = [column.combine_chunks() for column in table.columns]
    for column in columns:
        # A long cell is refused with its line, by the careful reader.
        longest = pc.max(pc.binary_length(column)).as_py() or 0
        if longest > MOST_CHARACTERS_OF_A_CELL:
            return None
    return tuple(columns)


def _quotes_match(data: bytes, delimiter: str) -> bool:
    """Return whether each cell with a quotation mark opens and closes with one."""
    if b'"' not in data:
        return True
    signs = np.frombuffer(data, np.uint8)
    quote = ord('"')
    at = np.flatnonzero(signs == quote)
    if at.size % 2:
        return False
    ends = np.array([ord(delimiter), 10, 13, quote], np.uint8)
    # Outside of the text stands a line end.
    before = np.where(at[0::2] > 0, signs[at[0::2] - 1], 10)
    after = np.where(at[1::2] + 1 < signs.size, signs[(at[1::2] + 1) % signs.size], 10)
    return bool(np.isin(before, ends).all() and np.isin(after, ends).all())


def _line_of(text: str, delimiter: str) -> int:
    """Return the physical line at which strict reading fails."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    last = 0
    try:
        for _ in reader:
            last = reader.line_num
    except csv.Error:
        return last + 1
    return last


def _unquoted(text: str, delimiter: str, file: str, encoding: str) -> Grid:
    """Read text whose quotation marks are part of the cells, where its rows agree in width."""
    line = _line_of(text, delimiter)
    lines = io.StringIO(text, newline="").readlines()
    cells = [
        [_peeled(cell) for cell in row.rstrip("\r\n").split(delimiter)] if row.strip() else []
        for row in lines
    ]
    widths = Counter(len(row) for row in cells if row)
    width, count = widths.most_common(1)[0]
    if width < 2 or count != sum(widths.values()):  # noqa: PLR2004 - a table of one column
        raise stop("table.quotes", file=file, row=line, value=lines[line - 1].strip()[:80])
    if long := next(
        (
            at
            for at, row in enumerate(cells, 1)
            if max(map(len, row), default=0) > MOST_CHARACTERS_OF_A_CELL
        ),
        0,
    ):
        raise stop("table.long_cell", file=file, row=long)
    problems = [
        Problem(
            code="table.quotes_kept",
            severity="warning",
            file=file,
            row=at,
            value=lines[at - 1].strip()[:80],
            action="mended",
        )
        for at, row in enumerate(cells, 1)
        if any('"' in cell for cell in row)
    ]
    rows = list(range(1, len(cells) + 1))
    return Grid(cells, rows, encoding=encoding, problems=problems)


def _peeled(cell: str) -> str:
    inner = cell[1:-1]
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"')
    return cell


def _delimiter(text: str) -> str:
    """Return the delimiter that gives most known titles, then most rows one width, the widest."""
    sample = text[:_SAMPLE_CHARACTERS]
    if len(text) > len(sample):
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, chosen = (0, 0.0, 0), _DELIMITERS[0]
    for delimiter in _DELIMITERS:
        if delimiter not in sample:
            continue
        try:
            reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
            cells = list(reader)
        except csv.Error:
            continue
        widths = Counter(len(row) for row in cells if any(row))
        several = {width: count for width, count in widths.items() if width > 1}
        if not several:
            continue
        width, count = max(several.items(), key=lambda item: (item[1], item[0]))
        known = max(
            sum(map(known_title, row[:_TITLES_LOOKED_AT])) for row in cells[:_HEADER_WITHIN]
        )
        score = (known, round(count / sum(widths.values()), 1), width)
        if score > best:
            best, chosen = score, delimiter
    return chosen


def cell_text(value: object) -> str:
    """Return a cell of a workbook as text: 3.0 as ``3``, dates as ISO, nothing as ``""``.

    Examples
    --------
    >>> [cell_text(value) for value in (3.0, 0.1, dt.datetime(2021, 3, 5), True, None)]
    ['3', '0.1', '2021-03-05', 'TRUE', '']
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        if value != value:  # noqa: PLR0124 - NaN
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)  # noqa: PLR2004 - whole in a float64
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)
