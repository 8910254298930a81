"""Sheets that XlsxWriter writes row by row: text that stays text, formats, filters, colours."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from servicecircle.outputs.escape import clean_text
from servicecircle.outputs.palettes import RATE_BREAKS, RATE_COLOURS

__all__ = ["MOST_ROWS", "Column", "Kind", "Sheet", "add_sheet", "safe_cell", "text_width"]

Kind = Literal["text", "wrapped", "year", "number", "people", "share", "minutes", "degrees", "date"]
_Cell = str | float | dt.date | None

MOST_ROWS = 1_048_576 - 4
"""Rows of data in a sheet: Excel's, less the heading, its note, the titles and a last line."""

MOST_LETTERS = 32_767
_HEADER_ROW = 2
_WIDEST, _NARROWEST = 42, 7
_ROWS_MEASURED = 300
_LINE_HEIGHT, _MOST_LINES = 13.5, 6
_LAST_NARROW = "\u2e7f"
_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
_NO_XML = re.compile("[\ufffe\uffff]")
_NUMBER_FORMATS = {
    "year": "0",
    "number": "#,##0.0#",
    "people": "#,##0",
    "whole": "#,##0",
    # Two decimals where there are any: 79.96 % is not to look like 80 %.
    "share": "0.0#%",
    "minutes": "#,##0.0",
    "degrees": "0.000000",
    "date": "yyyy-mm-dd",
}
_UNDER_WHITE = frozenset({3, 4})
_HEAD_COLOUR, _PALE_TEXT = "#1F3A4D", "#7A828C"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet.

    Parameters
    ----------
    title : str
    values : sequence of str, float, datetime.date or None
        None, NaN and the empty text are empty cells.
    kind : str
        How values are shown.
    kinds : sequence of str, optional
        The same for each cell, where they differ.
    colours : mapping of str to (str, str)
        Fill and letters of cells of these texts.
    classes : bool
        Shares have the colours of the map's classes.
    widest : int
        Of the column, in letters; a Chinese one counts two.
    """

    title: str
    values: Sequence[_Cell]
    kind: Kind = "text"
    kinds: Sequence[str] | None = None
    colours: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    classes: bool = False
    widest: int = _WIDEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet: a heading, a note, titles with filters, rows.

    Parameters
    ----------
    title, heading, note : str
    columns : sequence of Column
        Of one length.
    frozen : int
        Columns that stay while one scrolls.
    printed : int
        Columns that are printed, from the first; 0 for all.
    pale, bold : collection of int
        Rows shown in grey or in bold.
    last_line : str
        Below the rows: what was left out; "" for nothing.
    warning : str
        Behind the heading, in red.
    """

    title: str
    heading: str
    note: str
    columns: Sequence[Column]
    frozen: int = 0
    printed: int = 0
    pale: frozenset[int] = frozenset()
    bold: frozenset[int] = frozenset()
    last_line: str = ""
    warning: str = ""

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.columns[0].values) if self.columns else 0


def safe_cell(text: str) -> str:
    r"""Return a text as a cell can hold it: at most 32,767 letters, none that XML forbids.

    Examples
    --------
    >>> safe_cell("望湖\x00") == "望湖\ufffd", len(safe_cell("a" * 40_000))
    (True, 32767)
    >>> safe_cell("<r>a</r>")
    '<r>a</r> '
    """
    clean = _NO_XML.sub("\ufffd", clean_text(text))
    if len(clean) > MOST_LETTERS:
        clean = f"{clean[: MOST_LETTERS - 1]}…"
    if clean.startswith("<r>") and clean.endswith("</r>"):
        # XlsxWriter takes this for runs of rich text that it made itself, and writes it as markup.
        clean += " "
    return clean


def text_width(text: str) -> int:
    """Return how many letters a text is wide; a Chinese one counts two.

    Examples
    --------
    >>> text_width("老年食堂 A"), text_width("")
    (10, 0)
    """
    return sum(1 + (letter > _LAST_NARROW) for letter in text)


class _Formats:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[Any, ...], Any] = {}

    def of(self, kind: str, *, bold: bool = False, pale: bool = False, quoted: bool = False) -> Any:
        key = (kind, bold, pale, quoted)
        if key not in self._made:
            looks: dict[str, Any] = {"valign": "vcenter"}
            if kind in _NUMBER_FORMATS:
                looks |= {"num_format": _NUMBER_FORMATS[kind], "align": "right"}
            if kind in {"text", "wrapped"}:
                looks |= {"indent": 1, "text_wrap": kind == "wrapped"}
            if kind == "signs":
                looks["align"] = "right"
            if bold:
                looks["bold"] = True
            if pale:
                looks["font_color"] = _PALE_TEXT
            if quoted:
                # Else the text becomes a formula once somebody edits the cell.
                looks["quote_prefix"] = True
            self._made[key] = self._book.add_format(looks)
        return self._made[key]

    def named(self, **looks: Any) -> Any:
        key = tuple(sorted(looks.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(looks)
        return self._made[key]


def add_sheet(book: Any, sheet: Sheet) -> None:
    """Add a sheet to a workbook and write its rows.

    Parameters
    ----------
    book : xlsxwriter.Workbook
        Is changed; may keep only one row in memory.
    sheet : Sheet

    Examples
    --------
    >>> from io import BytesIO
    >>> import xlsxwriter
    >>> with xlsxwriter.Workbook(BytesIO()) as book:
    ...     add_sheet(book, Sheet(title="A", heading="A", note="",
    ...         columns=[Column("name", ["=1+1"]), Column("rate", [0.5], "share")]))
    ...     add_sheet(book, Sheet(title="B", heading="B", note="", columns=[Column("name", [])]))
    ...     [page.name for page in book.worksheets()]
    ['A', 'B']
    """
    page = book.add_worksheet(sheet.title)
    formats = _Formats(book)
    for number, column in enumerate(sheet.columns):
        page.set_column(number, number, _width(column))
    _write_top(page, sheet, formats)
    _write_rows(page, sheet, formats)
    last = _HEADER_ROW + sheet.rows
    if sheet.last_line:
        page.write_string(last + 1, 0, safe_cell(sheet.last_line), formats.named(bold=True))
    if sheet.columns:
        page.autofilter(_HEADER_ROW, 0, max(last, _HEADER_ROW + 1), len(sheet.columns) - 1)
    page.freeze_panes(_HEADER_ROW + 1, sheet.frozen)
    page.set_landscape()
    page.set_paper(8)
    page.fit_to_pages(1, 0)
    page.repeat_rows(_HEADER_ROW)
    if sheet.printed:
        page.print_area(0, 0, last + 1, min(sheet.printed, len(sheet.columns)) - 1)
    page.set_footer("&L&A&R&P / &N")
    for number, column in enumerate(sheet.columns):
        _add_conditions(page, column, number, last, formats)


def _write_top(page: Any, sheet: Sheet, formats: _Formats) -> None:
    page.set_row(0, 24)
    heading = formats.named(bold=True, font_size=14, valign="vcenter")
    page.write_string(0, 0, safe_cell(sheet.heading), heading)
    said = " · ".join(filter(None, (sheet.warning, sheet.note)))
    colour = "#B01C2E" if sheet.warning else _PALE_TEXT
    page.write_string(1, 0, safe_cell(said), formats.named(font_color=colour, valign="vcenter"))
    page.set_row(_HEADER_ROW, 34)
    for number, column in enumerate(sheet.columns):
        looks = formats.named(
            bold=True,
            font_color="#FFFFFF",
            bg_color=_HEAD_COLOUR,
            text_wrap=True,
            valign="vcenter",
            border=1,
            border_color="#FFFFFF",
            **({"align": "right"} if column.kind in _NUMBER_FORMATS else {"indent": 1}),
        )
        page.write_string(_HEADER_ROW, number, safe_cell(column.title), looks)


def _write_rows(page: Any, sheet: Sheet, formats: _Formats) -> None:
    put_text, put_number, put_date = page.write_string, page.write_number, page.write_datetime
    texts: dict[str, tuple[str, bool]] = {}
    wrapped = {
        number: _width(column) - 1
        for number, column in enumerate(sheet.columns)
        if column.kind == "wrapped"
    }
    for row, cells in enumerate(_cells(sheet.columns)):
        at = _HEADER_ROW + 1 + row
        lines = max(
            (_lines(str(cells[number][0]), wide) for number, wide in wrapped.items()), default=1
        )
        if lines > 1:
            # Not every program makes room for what it wraps.
            page.set_row(at, _LINE_HEIGHT * min(lines, _MOST_LINES) + 3)
        style = {"bold": row in sheet.bold, "pale": row in sheet.pale}
        for number, (value, kind) in enumerate(cells):
            if value is None or value == "" or value != value:  # noqa: PLR0124 - NaN alone differs
                continue
            if isinstance(value, str):
                if value not in texts:
                    if len(texts) > MOST_ROWS:
                        texts.clear()
                    clean = safe_cell(value)
                    texts[value] = clean, clean[:1] in _FORMULA_STARTS
                clean, quoted = texts[value]
                put_text(at, number, clean, formats.of(kind, quoted=quoted, **style))
            elif isinstance(value, dt.date):
                put_date(at, number, value, formats.of("date", **style))
            elif math.isinf(value):
                put_text(at, number, "∞" if value > 0 else "-∞", formats.of("signs", **style))
            else:
                whole = kind == "number" and float(value).is_integer()
                put_number(at, number, value, formats.of("whole" if whole else kind, **style))


def _lines(text: str, wide: int) -> int:
    """Return how many lines a text takes in a column, at most those that are shown."""
    shown = text[: wide * _MOST_LINES]
    # Most Latin letters are narrower than the digits that widths are counted in.
    widths = (text_width(line) * (0.88 if line.isascii() else 1) for line in shown.split("\n"))
    return sum(max(1, math.ceil(width / wide)) for width in widths)


def _cells(columns: Sequence[Column]) -> Iterator[tuple[tuple[_Cell, str], ...]]:
    """Yield the cells of each row with their kinds."""
    if not columns:
        return
    pairs = [
        zip(column.values, column.kinds or [column.kind] * len(column.values), strict=True)
        for column in columns
    ]
    yield from islice(zip(*pairs, strict=True), MOST_ROWS)


def _add_conditions(page: Any, column: Column, number: int, last: int, formats: _Formats) -> None:
    if last == _HEADER_ROW:
        return
    place = (_HEADER_ROW + 1, number, last, number)
    for text, (fill, letters) in column.colours.items():
        quoted = text.replace('"', '""')
        look = formats.named(bg_color=fill, font_color=letters, bold=True)
        rule = {"type": "cell", "criteria": "==", "value": f'"{quoted}"', "format": look}
        page.conditional_format(*place, rule)
    if column.classes:
        # From the highest down, and none for the lowest: Excel takes an empty cell for 0.
        for lower in range(len(RATE_COLOURS) - 1, 0, -1):
            look = formats.named(
                bg_color=RATE_COLOURS[lower],
                font_color="#FFFFFF" if lower in _UNDER_WHITE else "#1E242B",
            )
            rule = {"type": "cell", "criteria": ">=", "value": RATE_BREAKS[lower], "format": look}
            page.conditional_format(*place, rule | {"stop_if_true": True})


def _width(column: Column) -> int:
    """Return the width of a column: of its longest early text, its title on two lines."""
    fixed = {
        "share": 9,
        "minutes": 9,
        "people": 10,
        "degrees": 12,
        "date": 11,
        "year": 8,
        "number": 11,
    }
    # On two lines, but no word in two: a Chinese one may be, a Latin one not.
    words = (len(word) for word in column.title.split() if word.isascii())
    titled = max((text_width(column.title) + 1) // 2, *words, 0) + 3
    if column.kind in fixed:
        return max(fixed[column.kind], titled)
    texts = (str(value)[: column.widest] for value in column.values[:_ROWS_MEASURED] if value)
    longest = max((text_width(text) for text in texts), default=0)
    return min(max(longest + 3, titled, _NARROWEST), column.widest)
