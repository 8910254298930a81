"""Coloured copies: the user's own tables with the cells at fault marked, to be mended by hand.

An xlsx is copied with its formats and formulas; any other table becomes an xlsx of text. Rows and
columns stand where they stand in the source, but for a large file, of which only the header and
the rows at fault are written. Files written by openpyxl are packed again with fixed dates, so that
the same inputs give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from servicecircle.inputs.originals import Original, OriginalSheet
from servicecircle.messages import Language, label, message
from servicecircle.outputs.escape import clean_text
from servicecircle.outputs.workbook_cells import (
    MOST_TEXT,
    WIDEST,
    add_comment,
    dated,
    fill_of,
    fit_widths,
    put_text,
)
from servicecircle.problems import Problem, shorten

__all__ = ["MarkedCopy", "marked_workbook", "write_marked"]

_RANK = {"fatal": 0, "error": 1, "warning": 2, "note": 3}
_CELL_COLOURS = {"fatal": "FF9C9C", "error": "FF9C9C", "warning": "FFD966", "note": "9DC3E6"}
_ROW_COLOURS = {"fatal": "FCE4E4", "error": "FCE4E4", "warning": "FFF5D6", "note": "E9F2FA"}
_MOST_COMMENTS = 1_000
_MOST_LISTED = 100_000
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)
_LETTERS = re.compile(r"[A-Z]{1,3}")


@dataclass(frozen=True, slots=True)
class MarkedCopy:
    """A coloured copy.

    Parameters
    ----------
    file : str
        The source, as the project names it.
    name : str
        Of the copy in its folder.
    rows : int
        Rows marked.
    whole : bool
        All rows of the source are in it; else those at fault alone.
    """

    file: str
    name: str
    rows: int
    whole: bool


def write_marked(
    originals: Sequence[Original],
    problems: Iterable[Problem],
    folder: Path,
    *,
    language: Language,
    as_of: dt.date,
) -> list[MarkedCopy]:
    """Write a coloured copy of each table that has problems.

    Parameters
    ----------
    originals : sequence of Original
    problems : iterable of Problem
        Of any files.
    folder : pathlib.Path
        Made where something is written.
    language : {"zh", "en"}
    as_of : datetime.date
        Date inside the files.

    Returns
    -------
    list of MarkedCopy
        In the order of ``originals``; names are safe for any file system and differ.

    Raises
    ------
    OSError
        If a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> source = Original("homes.csv", (OriginalSheet("", [["名称"], ["甲"]], [1, 2], 1,
    ...     {"名称": 0}),))
    >>> fault = Problem(code="facility.no_place", severity="warning", file="homes.csv", row=2)
    >>> with tempfile.TemporaryDirectory() as made:
    ...     copies = write_marked([source], [fault], Path(made) / "marked", language="en",
    ...         as_of=dt.date(2025, 12, 31))
    ...     print(copies[0].name, copies[0].rows, (Path(made) / "marked/homes.xlsx").exists())
    homes.xlsx 1 True
    """
    by_file: dict[str, list[Problem]] = {}
    for problem in problems:
        by_file.setdefault(problem.file, []).append(problem)
    copies: list[MarkedCopy] = []
    taken: set[str] = set()
    for original in originals:
        mine = by_file.get(original.file, [])
        if not mine:
            continue
        name = _file_name(original.file, taken)
        data = marked_workbook(original, mine, language=language, as_of=as_of)
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
        rows = {(one.sheet, one.row) for one in mine if one.row is not None}
        copies.append(MarkedCopy(original.file, name, len(rows), original.whole))
    return copies


def marked_workbook(
    original: Original, problems: Sequence[Problem], *, language: Language, as_of: dt.date
) -> bytes:
    """Return an xlsx of a table with its faulty cells coloured, and a sheet that lists them.

    A cell at fault has the colour of the worst severity and a comment; where a problem names no
    column its row is tinted; a last column holds the texts of each row.

    Parameters
    ----------
    original : Original
    problems : sequence of Problem
        Of this file.
    language : {"zh", "en"}
    as_of : datetime.date
        Date inside the file.

    Returns
    -------
    bytes
        The same for the same arguments.
    """
    if original.workbook is not None:
        try:
            with warnings.catch_warnings():
                # openpyxl tells which parts of a workbook it does not keep.
                warnings.simplefilter("ignore")
                book = load_workbook(BytesIO(original.workbook))
                return _finished(book, original, problems, language, as_of)
        except Exception:
            # openpyxl raises all kinds of errors on odd files; their text stands in for them.
            pass
    return _finished(_text_book(original, language), original, problems, language, as_of)


def _finished(
    book: Workbook,
    original: Original,
    problems: Sequence[Problem],
    language: Language,
    as_of: dt.date,
) -> bytes:
    ranked = sorted(problems, key=lambda one: (_RANK[one.severity], one.row or 0))
    pages = _pages(book, original)
    comments = _MOST_COMMENTS
    for title, (page, sheet) in pages.items():
        mine = [one for one in ranked if one.sheet == sheet.name or len(original.sheets) == 1]
        comments = _mark(book[title], page, sheet, mine, language, comments)
    _list(book, original, ranked, pages, language)
    packed = BytesIO()
    book.save(packed)
    return dated(packed.getvalue(), as_of)


@dataclass(frozen=True, slots=True)
class _Page:
    """Where rows and columns of a source stand in its copy."""

    rows: dict[int, int]
    shift: int
    width: int

    def columns(self, given: str, sheet: OriginalSheet) -> list[int]:
        """Return the 1-based columns that a problem names, none where it names none."""
        parts = [given] if given in sheet.columns else given.split(", ")
        if all(part in sheet.columns for part in parts):
            return [sheet.columns[part] + 1 + self.shift for part in parts]
        if _LETTERS.fullmatch(given) and (at := column_index_from_string(given)) <= self.width:
            return [at + self.shift]
        return []


def _pages(book: Workbook, original: Original) -> dict[str, tuple[_Page, OriginalSheet]]:
    """Return for each sheet of the copy that has a source where its rows stand."""
    titles = [page.title for page in book.worksheets]
    pages = {}
    for at, sheet in enumerate(original.sheets):
        title = sheet.name if original.workbook is not None and sheet.name in titles else None
        title = title or (titles[at] if at < len(titles) else None)
        if title is None:
            continue
        width = max(map(len, sheet.cells), default=0)
        if original.whole:
            rows = {row: row for row in sheet.rows}
        else:
            rows = {row: place for place, row in enumerate(sheet.rows, start=1)}
        pages[title] = _Page(rows, 0 if original.whole else 1, width), sheet
    return pages


def _text_book(original: Original, language: Language) -> Workbook:
    """Return the cells as text, each where it stands; of a large file with its row numbers."""
    book = Workbook()
    book.remove(book.active)
    stem = PurePosixPath(original.file).stem
    for sheet in original.sheets:
        title = re.sub(r"[\\*?:/\[\]]", " ", clean_text(sheet.name or stem)).strip("' ")[:31]
        page = book.create_sheet(title or "1")
        shift = 0 if original.whole else 1
        for place, (number, cells) in enumerate(zip(sheet.rows, sheet.cells, strict=True), start=1):
            row = number if original.whole else place
            if shift:
                head = number == sheet.header_row
                page.cell(row, 1).value = number
                if head:
                    put_text(page.cell(row, 1), label("marked_row", language))
            for column, text in enumerate(cells, start=1 + shift):
                if text:
                    put_text(page.cell(row, column), text)
        fit_widths(page)
        if sheet.header_row in sheet.rows:
            below = sheet.header_row if original.whole else sheet.rows.index(sheet.header_row) + 1
            page.freeze_panes = page.cell(below + 1, 1)
    return book


def _mark(
    page: Worksheet,
    places: _Page,
    sheet: OriginalSheet,
    problems: Sequence[Problem],
    language: Language,
    comments: int,
) -> int:
    """Colour cells and rows, worst last so that it shows, and write what is wrong beside them.

    Returns how many comments may still be written.
    """
    notes: dict[int, list[str]] = {}
    cells: dict[tuple[int, int], list[Problem]] = {}
    for problem in problems:
        row = places.rows.get(problem.row if problem.row is not None else -1)
        head = places.rows.get(sheet.header_row)
        columns = places.columns(problem.column, sheet)
        if row is None:
            # A problem of a whole column is shown at its title.
            if problem.row is None and head is not None:
                for column in columns:
                    cells.setdefault((head, column), []).append(problem)
            continue
        if (problem.severity, problem.action) != ("note", "set_aside"):
            # A text beside a note or a sum below the table would make a record of it.
            notes.setdefault(row, []).append(_words(problem, language))
        for column in columns or [0]:
            cells.setdefault((row, column), []).append(problem)
    # Rows first, so that the colour of a cell covers the tint of its row.
    for (row, column), found in sorted(cells.items(), key=lambda item: item[0][1] > 0):
        worst = min(found, key=lambda one: _RANK[one.severity]).severity
        if column == 0:
            for each in range(1, places.width + places.shift + 1):
                page.cell(row, each).fill = fill_of(_ROW_COLOURS[worst])
            continue
        cell = page.cell(row, column)
        cell.fill = fill_of(_CELL_COLOURS[worst])
        if comments > 0:
            add_comment(page, cell, "\n\n".join(_words(one, language) for one in found))
            comments -= 1
    _tell(page, places, sheet, notes, language)
    return comments


def _tell(
    page: Worksheet,
    places: _Page,
    sheet: OriginalSheet,
    notes: dict[int, list[str]],
    language: Language,
) -> None:
    """Write what is wrong with each row into a last column."""
    last = max(places.width + places.shift, page.max_column) + 1
    filled = {
        places.rows[row] for row, texts in zip(sheet.rows, sheet.cells, strict=True) if any(texts)
    }
    # A text beside a blank row would make a record of it.
    told = {row: texts for row, texts in notes.items() if row in filled}
    if told:
        head = places.rows.get(sheet.header_row)
        if head is not None and head not in told:
            told = {head: [], **told}
        for row, texts in told.items():
            title = [label("marked_column", language)] if row == head else []
            cell = page.cell(row, last)
            put_text(cell, "\n".join([*title, *texts])[:MOST_TEXT])
            cell.font = Font(bold=row == head)
        page.column_dimensions[get_column_letter(last)].width = WIDEST


def _words(problem: Problem, language: Language) -> str:
    words = message(problem.code, language, problem.fields())
    stop = "; " if language == "en" else "；"
    said = f"[{label(f'severity_{problem.severity}', language)}] {words.what}"
    return f"{said}{stop}{words.remedy}" if words.remedy else said


def _list(
    book: Workbook,
    original: Original,
    problems: Sequence[Problem],
    pages: dict[str, tuple[_Page, OriginalSheet]],
    language: Language,
) -> None:
    """Add a last sheet with every problem of the file, each leading to its cell."""
    page = book.create_sheet(label("marked_sheet", language))
    shown = problems[:_MOST_LISTED]
    about = label("marked_about" if original.whole else "marked_about_part", language)
    put_text(
        page.cell(1, 1), about.format(file=original.file, count=len(problems), shown=len(shown))
    )
    page.cell(1, 1).font = Font(bold=True)
    titles = ("severity", "sheet", "row", "column", "value", "rule", "remedy", "action")
    for column, title in enumerate(titles, start=1):
        put_text(page.cell(3, column), label(f"marked_title_{title}", language))
        page.cell(3, column).font = Font(bold=True)
    stop = "; " if language == "en" else "；"
    for row, problem in enumerate(shown, start=4):
        words = message(problem.code, language, problem.fields())
        texts: list[str | int | None] = [
            label(f"severity_{problem.severity}", language),
            problem.sheet,
            problem.row,
            problem.column,
            shorten(problem.value),
            f"{words.what}{stop}{words.rule}" if words.rule else words.what,
            words.remedy,
            label(f"action_{problem.action}", language),
        ]
        for column, text in enumerate(texts, start=1):
            cell = page.cell(row, column)
            if isinstance(text, int):
                cell.value = text
            elif text:
                put_text(cell, text)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        page.cell(row, 1).fill = fill_of(_CELL_COLOURS[problem.severity])
        if target := _target(problem, pages, one_sheet=len(original.sheets) == 1):
            link = page.cell(row, 3)
            link.hyperlink = Hyperlink(ref=link.coordinate, location=target)
            link.font = Font(color="0563C1", underline="single")
    for letter, width in zip("ABCDEFGH", (10, 14, 8, 18, 24, 60, 48, 12), strict=True):
        page.column_dimensions[letter].width = width
    page.freeze_panes = "A4"
    page.auto_filter.ref = f"A3:H{max(4, 3 + len(shown))}"


def _target(
    problem: Problem, pages: dict[str, tuple[_Page, OriginalSheet]], *, one_sheet: bool
) -> str:
    for title, (places, sheet) in pages.items():
        if problem.row in places.rows and (one_sheet or sheet.name == problem.sheet):
            column = next(iter(places.columns(problem.column, sheet)), 1)
            quoted = title.replace("'", "''")
            return f"'{quoted}'!{get_column_letter(column)}{places.rows[problem.row]}"
    return ""


def _file_name(file: str, taken: set[str]) -> str:
    """Return a name that every file system takes and no other copy has."""
    stem = _UNSAFE.sub(" ", clean_text(PurePosixPath(file.replace("\\", "/")).stem)).strip(" .")
    # 60 Chinese letters are 180 bytes; a name may have 255.
    stem = stem[:60].strip(" .") or "table"
    stem = f"{stem}_" if _RESERVED.match(stem) else stem
    name, number = stem, 2
    while name.casefold() in taken:
        name, number = f"{stem} ({number})", number + 1
    taken.add(name.casefold())
    return f"{name}.xlsx"
