"""Cells of workbooks that openpyxl writes: text that stays text, colours, comments, fixed dates."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from io import BytesIO
from typing import Any

from openpyxl.cell.cell import MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from servicecircle.outputs.escape import clean_text

__all__ = ["MOST_TEXT", "WIDEST", "add_comment", "dated", "fill_of", "fit_widths", "put_text"]

MOST_TEXT = 2_000
WIDEST, _NARROWEST = 48, 6
_ROWS_MEASURED = 200
_LAST_NARROW = "\u2e7f"
_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
_NO_XML = re.compile("[\ufffe\uffff]")


def fill_of(colour: str) -> PatternFill:
    """Return a solid fill of a colour, as six hexadecimal digits.

    Examples
    --------
    >>> fill_of("FFD966").start_color.rgb
    '00FFD966'
    """
    return PatternFill("solid", start_color=colour, end_color=colour)


def put_text(cell: Any, text: str) -> None:
    """Write a text that stays a text: no formula, no error value, no character XML forbids.

    Parameters
    ----------
    cell : openpyxl.cell.cell.Cell
        Is changed.
    text : str

    Examples
    --------
    >>> from openpyxl import Workbook
    >>> page = Workbook().active
    >>> put_text(page["A1"], "=1+1")
    >>> page["A1"].data_type, page["A1"].value
    ('s', '=1+1')
    """
    cell.value = _NO_XML.sub("\ufffd", clean_text(text))
    cell.data_type = "s"
    if text[:1] in _FORMULA_STARTS:
        # Else the text becomes a formula once somebody edits the cell.
        cell.quotePrefix = True


def add_comment(page: Worksheet, cell: Any, text: str) -> None:
    """Write a comment, below one that is there; of a merged range at its first cell.

    Parameters
    ----------
    page : openpyxl.worksheet.worksheet.Worksheet
        Is changed.
    cell : openpyxl.cell.cell.Cell or MergedCell
        Of the page.
    text : str

    Examples
    --------
    >>> from openpyxl import Workbook
    >>> page = Workbook().active
    >>> page.merge_cells("A1:B1")
    >>> add_comment(page, page["B1"], "no place")
    >>> page["A1"].comment.text
    'no place'
    """
    if isinstance(cell, MergedCell):
        anchor = next(
            merged for merged in page.merged_cells.ranges if cell.coordinate in merged
        ).start_cell
        cell = page.cell(anchor.row, anchor.column)
    if cell.comment is not None:
        text = f"{cell.comment.text}\n\n{text}"
    clean = _NO_XML.sub("\ufffd", clean_text(text))[:MOST_TEXT]
    cell.comment = Comment(clean, "servicecircle", height=120, width=320)


def fit_widths(page: Worksheet) -> None:
    """Make columns as wide as their first texts; a Chinese letter counts two.

    Examples
    --------
    >>> from openpyxl import Workbook
    >>> page = Workbook().active
    >>> page["A1"], page["B1"] = "老年食堂助餐", "name"
    >>> fit_widths(page)
    >>> page.column_dimensions["A"].width, page.column_dimensions["B"].width
    (14.0, 8.0)
    """
    widest: dict[int, int] = {}
    for row in page.iter_rows(max_row=_ROWS_MEASURED):
        for cell in row:
            if cell.value is not None:
                wide = sum(1 + (letter > _LAST_NARROW) for letter in str(cell.value)[:WIDEST])
                widest[cell.column] = max(widest.get(cell.column, _NARROWEST), wide)
    for column, wide in widest.items():
        page.column_dimensions[get_column_letter(column)].width = min(wide, WIDEST) + 2


def dated(data: bytes, as_of: dt.date) -> bytes:
    """Return a workbook packed again with one date for all that is in it.

    Parameters
    ----------
    data : bytes
        Of an xlsx.
    as_of : datetime.date
        Taken as 1980 where it is earlier, as zip files know no other.

    Examples
    --------
    >>> from openpyxl import Workbook
    >>> packed = BytesIO()
    >>> Workbook().save(packed)
    >>> with zipfile.ZipFile(BytesIO(dated(packed.getvalue(), dt.date(2025, 12, 31)))) as found:
    ...     {member.date_time[:3] for member in found.infolist()}
    {(2025, 12, 31)}
    """
    day = max(as_of, dt.date(1980, 1, 1))
    stamp = f"{day.isoformat()}T00:00:00Z".encode()
    packed = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(data)) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for member in source.infolist():
            content = source.read(member)
            if member.filename == "docProps/core.xml":
                content = re.sub(
                    rb"(<dcterms:(created|modified)[^>]*>)[^<]*", rb"\g<1>" + stamp, content
                )
            fixed = zipfile.ZipInfo(member.filename, (day.year, day.month, day.day, 0, 0, 0))
            fixed.compress_type = zipfile.ZIP_DEFLATED
            fixed.create_system = 3
            fixed.external_attr = 0o644 << 16
            target.writestr(fixed, content)
    return packed.getvalue()
