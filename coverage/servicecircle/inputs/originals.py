"""Tables once more as their files hold them, so that their faults can be shown in a copy."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel

from servicecircle.errors import InputError
from servicecircle.inputs.grids import Grid, decode, delimited_grid, stop
from servicecircle.inputs.tables import title_columns
from servicecircle.inputs.workbooks import workbook_grids
from servicecircle.project import Project

__all__ = ["Original", "OriginalSheet", "read_originals"]

LARGE_CELLS = 200_000
"""From this many cells on only the header and the rows asked for are kept of a file."""
MOST_ROWS = 20_000
"""At most so many rows of a large sheet are kept."""
TABLES = (".csv", ".tsv", ".tab", ".txt", ".xls", ".xlsx", ".xlsm", ".ods")


@dataclass(frozen=True, slots=True)
class OriginalSheet:
    """One sheet, or the whole of a text file.

    Parameters
    ----------
    name : str
        "" for a text file.
    cells : list of list of str
        Rows may differ in length. Of a large file the header and the rows asked for.
    rows : list of int
        1-based row of each row of ``cells``.
    header_row : int
        Of the last line of the header, 0 where there is none.
    columns : mapping of str to int
        Title → 0-based column.
    """

    name: str
    cells: list[list[str]]
    rows: list[int]
    header_row: int
    columns: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Original:
    """A table file as it is.

    Parameters
    ----------
    file : str
        As the project names it.
    sheets : tuple of OriginalSheet
    whole : bool
        All rows are there; not so of a large file.
    workbook : bytes, optional
        The whole file where it is an xlsx or xlsm, not a large one, that declares no XML entities.
    """

    file: str
    sheets: tuple[OriginalSheet, ...]
    whole: bool = True
    workbook: bytes | None = None


def read_originals(
    project: Project, rows: Mapping[str, Collection[int]], *, large_cells: int = LARGE_CELLS
) -> list[Original]:
    """Read the cells of tables again; files that cannot be read are left out.

    Parameters
    ----------
    project : Project
    rows : mapping of str to collection of int
        Names of files as in problem records, and the rows of them to keep of a large file. What
        is no table, or not there, is left out too.
    large_cells : int

    Returns
    -------
    list of Original
        In the order of ``rows``.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "none.geojson"}},
    ...     "facilities": {"canteen": {"path": "none.csv"}},
    ... })
    >>> read_originals(project, {"none.geojson": [], "none.csv": [2]})
    []
    """
    declared = dict(_declared(project))
    found = []
    for file, wanted in rows.items():
        if PurePosixPath(file).suffix.lower() not in TABLES:
            continue
        encoding, titles = declared.get(file, (None, ()))
        try:
            grids, data = _grids(project.folder / file, file, encoding)
        except (InputError, OSError):
            # What is wrong with the file as a whole is among the problems already.
            continue
        whole = sum(map(_size, grids)) < large_cells
        kept = None if whole else set(sorted(wanted)[:MOST_ROWS])
        sheets = tuple(_sheet(grid, titles, kept) for grid in grids)
        copied = data if whole and _is_plain_workbook(data) else None
        found.append(Original(file, sheets, whole, copied))
    return found


def _grids(path: Path, file: str, encoding: str | None) -> tuple[list[Grid], bytes]:
    data = path.read_bytes()
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return workbook_grids(data, file=file), data
    if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise stop("table.html", file=file, value="<")
    text, used = decode(data, file=file, encoding=encoding)
    return [delimited_grid(text, file=file, encoding=used)], data


def _size(grid: Grid) -> int:
    if grid.columns is not None:
        return sum(map(len, grid.columns))
    return sum(map(len, grid.cells))


def _sheet(grid: Grid, titles: tuple[str, ...], wanted: set[int] | None) -> OriginalSheet:
    header_row, columns = title_columns(grid, titles=titles)
    cells, rows = grid.cells, grid.rows
    if grid.columns is not None:
        count = len(grid.columns[0])
        rows = [row for row in range(1, count + 1) if wanted is None or row in wanted]
        head = [row for row in range(1, header_row + 1) if wanted is not None]
        rows = sorted({*rows, *head})
        places = [row - 1 for row in rows]
        cells = [
            list(row) for row in zip(*(_taken(one, places) for one in grid.columns), strict=True)
        ]
    elif wanted is not None:
        kept = [at for at, row in enumerate(rows) if row in wanted or row <= header_row]
        cells, rows = [cells[at] for at in kept], [rows[at] for at in kept]
    return OriginalSheet(grid.sheet, cells, rows, header_row, columns)


def _taken(column: Any, places: list[int]) -> list[str]:
    return [text or "" for text in column.take(places).to_pylist()]


def _is_plain_workbook(data: bytes) -> bool:
    """Return whether the file is an xlsx or xlsm without a document type, which could bomb."""
    if not data.startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
            if "xl/workbook.xml" not in names:
                return False
            parts = (archive.read(name) for name in names if name.endswith((".xml", ".rels")))
            # UTF-16, which XML may be in, has a zero beside each letter.
            return not any(b"<!DOCTYPE" in part.replace(b"\x00", b"") for part in parts)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _declared(settings: BaseModel) -> Iterator[tuple[str, tuple[str | None, tuple[str, ...]]]]:
    """Yield each file of a project with the encoding and the titles declared for it."""
    values = dict(settings)
    wanted = (*values.get("columns", {}).values(), *values.get("capacity_sum", ()))
    titles = tuple(title for title in wanted if isinstance(title, str))
    for value in values.values():
        if isinstance(value, Path):
            yield value.as_posix(), (values.get("encoding"), titles)
        inner = value.values() if isinstance(value, dict) else (value,)
        for item in inner:
            if isinstance(item, BaseModel):
                yield from _declared(item)
