"""Workbooks as grids of text: xlsx, xlsm, xls and ods, measured before they are unfolded."""

from __future__ import annotations

import contextlib
import io
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

import python_calamine

from servicecircle.errors import InputError
from servicecircle.inputs.archives import (
    MOST_UNPACKED_BYTES,
    check_cells,
    measured_archive,
    ods_sizes,
    xlsx_size,
)
from servicecircle.inputs.compound import xls_sizes
from servicecircle.inputs.grids import MOST_CHARACTERS_OF_A_CELL, Grid, cell_text, stop
from servicecircle.problems import Problem

__all__ = ["workbook_grids"]

_MOST_BLANK = 10_000
"""Of more blank rows than that, those below all merged cells are left out; rows keep numbers."""
_SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


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
    faults: dict[str, list[Problem]] = {}
    if data.startswith(b"PK"):
        faults = _inspected(data, file, max_bytes)
    else:
        for rows, width in xls_sizes(data, file=file):
            check_cells(rows, width, file=file, sheet="")
    try:
        with _quiet():
            book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
            grids = [
                _grid(book, meta, file=file, problems=faults.get(meta.name, []))
                for meta in book.sheets_metadata
                if meta.typ == python_calamine.SheetTypeEnum.WorkSheet
            ]
    except InputError:
        raise
    except python_calamine.PasswordError:
        raise stop("table.encrypted", file=file) from None
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        # An encrypted xlsx is an OLE file that calamine does not always recognise as one.
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise stop("table.encrypted", file=file) from None
        raise stop("input.unreadable", file=file, value=file, reason=str(error)) from None
    except BaseException as error:
        # A panic of the reader on a broken file is no Exception, and has a class of its own.
        if type(error).__name__ != "PanicException":
            raise
        raise stop("input.unreadable", file=file, value=file, reason="broken workbook") from None
    return grids


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what a panic of the reader writes to the standard error from the user's eyes."""
    try:
        kept = os.dup(2)
    except OSError:
        # There is none, so nothing shows.
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _grid(book: Any, meta: Any, *, file: str, problems: list[Problem]) -> Grid:
    sheet = book.get_sheet_by_name(meta.name)
    cells: list[list[str]] = []
    for number, row in enumerate(sheet.to_python(skip_empty_area=False), start=1):
        # A stray cell far away leaves a million blank rows, which need no look at each cell.
        if row.count("") == len(row):
            cells.append([])
            continue
        texts = [cell_text(value) for value in row]
        if max(map(len, texts)) > MOST_CHARACTERS_OF_A_CELL:
            raise stop("table.long_cell", file=file, sheet=meta.name, row=number)
        cells.append(texts)
    merges = sheet.merged_cell_ranges or []
    rows = list(range(1, len(cells) + 1))
    held = max(_MOST_BLANK, *(low + 1 for _, (low, _) in merges), 0)
    if cells[held:].count([]) > _MOST_BLANK:
        rows = [*rows[:held], *(row for row in rows[held:] if cells[row - 1])]
        cells = [cells[row - 1] for row in rows]
    return Grid(
        cells=cells,
        rows=rows,
        merges=[(top, left, low, right) for (top, left), (low, right) in merges],
        sheet=meta.name,
        visible=meta.visible == python_calamine.SheetVisibleEnum.Visible,
        problems=problems,
    )


def _sheet_members(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the member of an xlsx archive that holds each sheet; empty for other formats."""
    try:
        parts = [archive.read(name) for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")]
        if any(b"<!" in part.replace(b"\x00", b"").replace(b"<!--", b"") for part in parts):
            raise ValueError("a document type")
        book, links = map(ElementTree.fromstring, parts)
    except (KeyError, ElementTree.ParseError):
        return {}
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    members = {}
    for sheet in book.iter(f"{_SPREADSHEET}sheet"):
        target = targets.get(sheet.get(_RELATION), "")
        path = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
        if path in archive.namelist():
            members[sheet.get("name", "")] = path
    return members


def _inspected(data: bytes, file: str, max_bytes: int) -> dict[str, list[Problem]]:
    """Measure an archive and its sheets; return what is wrong with the cells of each sheet."""
    archive = measured_archive(data, file=file, max_bytes=max_bytes)
    names = set(archive.namelist())
    if "xl/workbook.bin" in names:
        raise stop("table.xlsb", file=file)
    try:
        if "content.xml" in names:
            for rows, width in ods_sizes(archive.read("content.xml")):
                check_cells(rows, width, file=file, sheet="")
            return {}
        faults = {}
        for sheet, member in _sheet_members(archive).items():
            raw = archive.read(member)
            check_cells(*xlsx_size(raw), file=file, sheet=sheet)
            faults[sheet] = _without_value(raw, file=file, sheet=sheet)
        return faults
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        if isinstance(error, InputError):
            raise
        raise stop("input.unreadable", file=file, value=file, reason=str(error)) from None


def _without_value(raw: bytes, *, file: str, sheet: str) -> list[Problem]:
    """Find cells whose value the file does not hold; their column is still a letter."""
    if b"<f" not in raw and b't="e"' not in raw:
        return []
    problems = []
    for piece in raw.split(b"</c>"):
        at = max(piece.rfind(b"<c "), piece.rfind(b"<c>"))
        if at < 0:
            continue
        attributes, _, body = piece[at:].partition(b">")
        bare = b"<f" in body and b't="str"' not in attributes
        if b't="e"' in attributes or (bare and not re.search(rb"<v>[^<]", body)):
            place = re.search(rb'\br="([A-Z]{1,6})(\d{1,9})"', attributes)
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
                    details={"cell": b"".join(place.groups()).decode() if place else "?"},
                )
            )
    return problems
