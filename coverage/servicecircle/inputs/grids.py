"""Raw cells of a file: delimited text and workbooks become one grid of text each.

Nothing is interpreted here but the encoding, the delimiter, and the types of Excel's cells. Rows
keep the number that a text editor or Excel shows.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from xml.etree import ElementTree

import python_calamine

from servicecircle.errors import InputError
from servicecircle.problems import Problem

__all__ = ["Grid", "cell_text", "decode", "delimited_grid", "stop", "workbook_grids"]

MOST_UNPACKED_BYTES = 500_000_000
MOST_CELLS = 200_000_000
_SAMPLE_CHARACTERS = 2_000_000
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
_SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells as text, row by row; rows may differ in length.

    Parameters
    ----------
    cells : list of list of str
    rows : list of int
        1-based row (or physical line) of each row of ``cells``.
    merges : list of (top, left, bottom, right)
        Merged ranges, inclusive, 0-based indices into ``cells``.
    sheet, encoding : str
    visible : bool
    problems : list of Problem
    """

    cells: list[list[str]]
    rows: list[int]
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    sheet: str = ""
    encoding: str = ""
    visible: bool = True
    problems: list[Problem] = field(default_factory=list)


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
    """Return the text of a file and its encoding: BOM, strict UTF-8, strict GB18030.

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
        try:
            return data.decode(encoding).removeprefix("\ufeff"), encoding
        except LookupError:
            raise stop("table.unknown_encoding", file=file, value=encoding) from None
        except UnicodeError as error:
            raise _undecodable(data, error, file, encoding) from None
    for bom, name in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(name), name
            except UnicodeError as error:
                raise _undecodable(data, error, file, name) from None
    if b"\x00" in data:
        raise stop("table.binary", file=file, value=repr(data[:8]))
    faults = []
    for name in ("utf-8", "gb18030"):
        try:
            return data.decode(name), name
        except UnicodeDecodeError as error:
            faults.append(error)
    start = data[:4096]
    if len(start) - len(start.translate(None, _CONTROLS)) > len(start) / 100:
        raise stop("table.binary", file=file, value=repr(data[:8]))
    # The encoding that got farther is the file's; the other failed at the first Chinese word.
    farthest = max(faults, key=lambda fault: fault.start)
    raise _undecodable(data, farthest, file, "UTF-8, GB18030")


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
    ([['名称', '床\n位'], ['甲', '3']], [1, 3])
    """
    text = text.rstrip("\x1a")
    delimiter = _delimiter(text)
    try:
        cells, rows = _records(text, delimiter, strict=True)
    except csv.Error as error:
        if "field larger" in str(error):
            raise stop("table.long_cell", file=file, row=_line_of(text, delimiter)) from None
        return _unquoted(text, delimiter, file, encoding)
    return Grid(cells, rows, encoding=encoding)


def _records(text: str, delimiter: str, *, strict: bool) -> tuple[list[list[str]], list[int]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    cells, rows, start = [], [], 1
    for record in reader:
        cells.append(record)
        rows.append(start)
        start = reader.line_num + 1
    return cells, rows


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
    problem = Problem(
        code="table.quotes_kept",
        severity="warning",
        file=file,
        row=line,
        value=lines[line - 1].strip()[:80],
        action="mended",
    )
    rows = list(range(1, len(cells) + 1))
    return Grid(cells, rows, encoding=encoding, problems=[problem])


def _peeled(cell: str) -> str:
    inner = cell[1:-1]
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"')
    return cell


def _delimiter(text: str) -> str:
    """Return the delimiter that gives most rows one width, then the widest."""
    sample = text[:_SAMPLE_CHARACTERS]
    if len(text) > len(sample):
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, chosen = (0.0, 0), _DELIMITERS[0]
    for delimiter in _DELIMITERS:
        if delimiter not in sample:
            continue
        try:
            cells, _ = _records(sample, delimiter, strict=False)
        except csv.Error:
            continue
        widths = Counter(len(row) for row in cells if any(row))
        several = {width: count for width, count in widths.items() if width > 1}
        if not several:
            continue
        width, count = max(several.items(), key=lambda item: (item[1], item[0]))
        score = (round(count / sum(widths.values()), 1), width)
        if score > best:
            best, chosen = score, delimiter
    return chosen


def workbook_grids(data: bytes, *, file: str, max_bytes: int = MOST_UNPACKED_BYTES) -> list[Grid]:
    r"""Return the worksheets of an xlsx, xlsm, xls or ods file, in their order.

    Parameters
    ----------
    data : bytes
        The whole file.
    file : str
        For messages.
    max_bytes : int
        Most bytes that the archive may unpack to.

    Raises
    ------
    InputError
        If the file is broken, protected by a password or unpacks to too much.

    Examples
    --------
    >>> workbook_grids(b"PK\x03\x04 cut off", file="a.xlsx")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: a.xlsx: the file cannot be read: a.xlsx
    ...
    """
    archive = _archive(data, file, max_bytes) if data.startswith(b"PK") else None
    members = _sheet_members(archive) if archive is not None else {}
    faults = {name: _inspect(archive, path, name, file) for name, path in members.items()}
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        grids = []
        for meta in book.sheets_metadata:
            if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue
            sheet = book.get_sheet_by_name(meta.name)
            values = sheet.to_python(skip_empty_area=False)
            merges = sheet.merged_cell_ranges or []
            grids.append(
                Grid(
                    cells=[[cell_text(value) for value in row] for row in values],
                    rows=list(range(1, len(values) + 1)),
                    merges=[(top, left, low, right) for (top, left), (low, right) in merges],
                    sheet=meta.name,
                    visible=meta.visible == python_calamine.SheetVisibleEnum.Visible,
                    problems=faults.get(meta.name, []),
                )
            )
    except python_calamine.PasswordError:
        raise stop("table.encrypted", file=file) from None
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        # An encrypted xlsx is an OLE file that calamine does not always recognise as one.
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise stop("table.encrypted", file=file) from None
        raise stop("input.unreadable", file=file, value=file, reason=str(error)) from None
    return grids


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


def _archive(data: bytes, file: str, max_bytes: int) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise stop("input.unreadable", file=file, value=file, reason=str(error)) from None
    if unpacked > max_bytes:
        raise stop("table.too_large", file=file, value=f"{unpacked:,}", limit=f"{max_bytes:,}")
    return archive


def _sheet_members(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the member of an xlsx archive that holds each sheet; empty for other formats."""
    try:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except (KeyError, ElementTree.ParseError, zipfile.BadZipFile, ValueError, OSError):
        return {}
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    members = {}
    for sheet in book.iter(f"{_SPREADSHEET}sheet"):
        target = targets.get(sheet.get(_RELATION), "")
        path = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
        if path in archive.namelist():
            members[sheet.get("name", "")] = path
    return members


def _inspect(archive: zipfile.ZipFile | None, member: str, sheet: str, file: str) -> list[Problem]:
    """Find cells whose value the file does not hold, and sheets too wide to unfold."""
    if archive is None:
        return []
    try:
        raw = archive.read(member)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise stop("input.unreadable", file=file, value=file, reason=str(error)) from None
    lines = [int(row) for row in re.findall(rb'<row [^>]*?\br="(\d+)"', raw)]
    letters = max((len(name), name) for name in {b"A", *re.findall(rb'<c r="([A-Z]+)\d', raw)})[1]
    width = 0
    for letter in letters:
        width = width * 26 + letter - 64
    if max(lines, default=0) * width > MOST_CELLS:
        raise stop(
            "table.too_many_cells",
            file=file,
            sheet=sheet,
            value=f"{max(lines):,} × {width:,}",
            limit=f"{MOST_CELLS:,}",
        )
    if b"<f" not in raw and b't="e"' not in raw:
        return []
    problems = []
    for found in re.finditer(rb"<c\b([^>/]*)>(.*?)</c>", raw, re.DOTALL):
        attributes, body = found.groups()
        bare = b"<f" in body and b't="str"' not in attributes
        if b't="e"' in attributes or (bare and not re.search(rb"<v>[^<]", body)):
            place = re.search(rb'r="([A-Z]+)(\d+)"', attributes)
            shown = re.search(rb"<v>([^<]*)</v>", body)
            problems.append(
                Problem(
                    code="table.cell_without_value",
                    severity="warning",
                    file=file,
                    sheet=sheet,
                    row=int(place[2]) if place else None,
                    column=place[1].decode() if place else "",
                    value=shown[1].decode(errors="replace") if shown else "",
                    action="flagged",
                )
            )
    return problems
