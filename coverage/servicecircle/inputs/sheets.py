"""Which sheet of a workbook is read, and what of it is the table."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from servicecircle.inputs.grids import Grid, stop
from servicecircle.inputs.headers import find_header
from servicecircle.inputs.table_rows import clean_cell
from servicecircle.inputs.text_columns import trimmed
from servicecircle.messages import LANGUAGES, label
from servicecircle.problems import Problem

__all__ = ["MOST_COLUMNS", "choose_sheet", "without_list", "without_margins"]

MOST_COLUMNS = 16_384


def choose_sheet(
    grids: list[Grid], *, sheet: str | None, titles: Sequence[str], file: str
) -> tuple[Grid, list[Problem]]:
    """Return the sheet to read, with what to tell of the others.

    Parameters
    ----------
    grids : list of Grid
        All sheets.
    sheet : str, optional
        The one to take; else the visible sheet whose header has most known titles.
    titles : sequence of str
        Titles that the project names.
    file : str
        For messages.

    Raises
    ------
    InputError
        If there is no such sheet, or nothing in any.

    Examples
    --------
    >>> cover = Grid([["封面"]], [1], sheet="一")
    >>> homes = Grid([["名称", "床位"]], [1], sheet="二")
    >>> chosen, problems = choose_sheet([cover, homes], sheet=None, titles=(), file="a.xlsx")
    >>> chosen.sheet, problems[0].code, problems[0].value
    ('二', 'table.other_sheets', '一')
    """
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
    trimmed = [without_margins(grid, file=file) for grid in filled]
    known = [find_header(grid, titles).known if grid.cells else 0 for grid in trimmed]
    chosen = filled[known.index(max(known))]
    rest = [grid.sheet for grid in grids if grid is not chosen and any(any(r) for r in grid.cells)]
    if not rest:
        return chosen, []
    same = [
        other.sheet
        for other, grid in zip(filled, trimmed, strict=True)
        if other is not chosen and _same_header(grid, trimmed[filled.index(chosen)], titles)
    ]
    if same:
        rest = [one for one in rest if one not in same]
    alike = Problem(
        code="table.alike_sheets",
        severity="warning",
        file=file,
        sheet=chosen.sheet,
        value=", ".join(same),
    )
    problem = Problem(
        code="table.other_sheets",
        severity="note",
        file=file,
        sheet=chosen.sheet,
        value=", ".join(rest),
    )
    return chosen, [*([alike] if same else []), *([problem] if rest else [])]


def _same_header(one: Grid, other: Grid, titles: Sequence[str]) -> bool:
    """Return whether two sheets have the same titles, so that one list may go on in the other."""
    if not one.cells or not other.cells:
        return False
    heads = []
    for grid in (one, other):
        header = find_header(grid, titles)
        heads.append([grid.cells[at] for at in range(header.top, header.bottom + 1)])
    return heads[0] == heads[1] and find_header(one, titles).known > 0


def without_margins(grid: Grid, *, file: str) -> Grid:
    """Strip the cells; drop what is blank below the last row and right of the last column.

    So is the column of texts that our marked copies add.

    Raises
    ------
    InputError
        If a row is wider than a workbook can be.

    Examples
    --------
    >>> without_margins(Grid([[" 名称", ""], ["", ""]], [1, 2]), file="a.csv").cells
    [['名称']]
    >>> without_margins(Grid([], []), file="a.csv").cells
    []
    """
    if grid.columns is not None:
        columns = tuple(trimmed(column) for column in grid.columns)
        cells = [[clean_cell(cell) for cell in row] for row in grid.cells]
        last = max(map(len, cells), default=0) - 1
        if len(columns) - 1 == last and _is_marks([row[last] for row in cells if last < len(row)]):
            columns, cells = columns[:-1], [row[:last] for row in cells]
        return replace(grid, cells=cells, columns=columns)
    cells = [[clean_cell(cell) for cell in row] for row in grid.cells]
    last = max((at for at, row in enumerate(cells) if any(row)), default=-1)
    width = max((_filled(row) for row in cells), default=0)
    if width > MOST_COLUMNS:
        limit = f"{MOST_COLUMNS:,}"
        raise stop(
            "table.too_many_columns", file=file, sheet=grid.sheet, value=f"{width:,}", limit=limit
        )
    if _is_marks([row[width - 1] for row in cells if len(row) >= width > 0]):
        width -= 1
    cells = [row[:width] for row in cells[: last + 1]]
    return replace(grid, cells=cells, rows=grid.rows[: last + 1])


def without_list(grids: list[Grid]) -> list[Grid]:
    """Leave out the sheet that our marked copies end with.

    Examples
    --------
    >>> ours = Grid([], [], sheet=label("marked_sheet", "en"))
    >>> [one.sheet for one in without_list([Grid([], [], sheet="名单"), ours])], without_list([])
    (['名单'], [])
    """
    ours = {label("marked_sheet", language) for language in LANGUAGES}
    return [grid for grid in grids if grid.sheet not in ours] or grids


def _is_marks(column: list[str]) -> bool:
    """Return whether a last column is the one that our marked copies add, told by every cell."""
    heads = [label("marked_column", language) for language in LANGUAGES]
    signs = tuple(
        f"[{label(f'severity_{severity}', language)}]"
        for language in LANGUAGES
        for severity in ("fatal", "error", "warning", "note")
    )
    head, *rest = [cell for cell in column if cell] or [""]
    words = next((head[len(one) :].strip() for one in heads if head.startswith(one)), None)
    if words is None or not (rest or words):
        return False
    return all(text.startswith(signs) for text in (words, *rest) if text)


def _filled(row: list[str]) -> int:
    """Return how many cells a row has up to its last one that holds anything."""
    return next((len(row) - at for at, cell in enumerate(reversed(row)) if cell), 0)
