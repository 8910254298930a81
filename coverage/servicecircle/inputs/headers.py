"""Where the header of a grid stands, of one line or of two, and the titles it gives."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from servicecircle.inputs.grids import Grid
from servicecircle.inputs.titles import known_title, normalise_title

__all__ = ["Header", "column_titles", "find_header", "is_beside_title", "is_number"]

_HEADER_WITHIN = 30
_LONGEST_NUMBER = 40
_TITLES_LOOKED_AT = 500
_FEWEST_TITLES = 2
"""Known titles that make a header of a row, whatever stands below it."""
_PARTS = frozenset(("小计", "小計", "合计", "合計", "总数", "總數", "其中", "男", "女"))
"""What a lower line of a header says of the title above it, and no record says."""
# What stands beside a title above the table: a unit, a date, who filled it in.
_BESIDE_TITLE = re.compile(r"[:：]|\d{4}\s*年|^\(?(?:单位|單位|填表|填报|填報|制表|截至|统计)")


@dataclass(frozen=True, slots=True)
class Header:
    """First and last row of a header, and how many of its titles are known."""

    top: int
    bottom: int
    known: int


def is_number(cell: str) -> bool:
    """Return whether a cell holds nothing but a number.

    Examples
    --------
    >>> [is_number(cell) for cell in ("1,200", "１２%", "甲", "")]
    [True, True, False, False]
    """
    if len(cell) > _LONGEST_NUMBER:
        return False
    return bool(re.fullmatch(r"[-+]?[\d,]*\.?\d+%?", unicodedata.normalize("NFKC", cell)))


def is_beside_title(cell: str) -> bool:
    """Return whether a cell says what stands beside the title of a table: a unit, a date, a form.

    Examples
    --------
    >>> [is_beside_title(cell) for cell in ("单位：张", "2024年12月", "甲院", "")]
    [True, True, False, False]
    """
    return _BESIDE_TITLE.search(cell) is not None


def find_header(grid: Grid, titles: Collection[str]) -> Header:
    """Return the first row with enough known titles, else the first that looks like a header.

    Parameters
    ----------
    grid : Grid
        Its cells stripped.
    titles : collection of str
        Titles that the project knows besides.

    Examples
    --------
    >>> grid = Grid([["示例市养老机构"], ["名称", "床位数"], ["甲院", "30"]], [1, 2, 3])
    >>> find_header(grid, []), find_header(Grid([], []), [])
    (Header(top=1, bottom=1, known=2), Header(top=0, bottom=0, known=0))
    """
    wanted = {normalise_title(title) for title in titles}
    first = [at for at, row in enumerate(grid.cells) if any(row)][:_HEADER_WITHIN]
    counts = {
        at: len(
            {
                cell
                for cell in grid.cells[at][:_TITLES_LOOKED_AT]
                if cell and (known_title(cell) or normalise_title(cell) in wanted)
            }
        )
        for at in first
    }
    most = max(counts.values(), default=0)
    # Of tables one below the other the first has its header first.
    enough = max(_FEWEST_TITLES, -(-most // 2)) if most >= _FEWEST_TITLES else max(most, 1)
    best = next(
        (at for at in first if counts[at] >= enough and not _is_form(grid.cells[at])),
        max(first, key=lambda at: (counts[at], -at), default=0),
    )
    known = counts.get(best, 0)
    if not known:
        filled = {at: sum(map(bool, grid.cells[at])) for at in first}
        widest = max(filled.values(), default=0)
        best = next((at for at in first if filled[at] >= 0.7 * widest), 0)
    for top, bottom in ((best, best + 1), (best - 1, best)):
        if not known or top < 0 or bottom >= len(grid.cells):
            continue
        if _two_lines(grid, top, bottom) and (top == best or _groups(grid, top)):
            both = counts.get(top, 0) + counts.get(bottom, 0)
            return Header(top, _lowest(grid, top, bottom), max(known, both))
    return Header(best, best, known)


def _lowest(grid: Grid, top: int, bottom: int) -> int:
    """Return the last line of a header whose titles are merged over more than two lines."""
    reach = [lower for upper, left, lower, right in grid.merges if upper == top and left == right]
    lowest = max(reach, default=bottom)
    return lowest if bottom < lowest <= top + 3 and lowest < len(grid.cells) - 1 else bottom


def _is_form(row: list[str]) -> bool:
    """Return whether a row asks and answers, as ``联系人：| 张三``, and is no header."""
    return any(cell.endswith((":", "：")) for cell in row[:_TITLES_LOOKED_AT]) and not all(
        cell.endswith((":", "：")) for cell in row[:_TITLES_LOOKED_AT] if cell
    )


def _groups(grid: Grid, top: int) -> bool:
    """Return whether the row above a header names groups of columns, and is no title of a table."""
    cells = {cell for cell in grid.cells[top] if cell}
    if any(known_title(cell) for cell in cells):
        return True
    spans = [merge for merge in grid.merges if merge[0] <= top <= merge[2]]
    covered = {column for _, left, _, right in spans for column in range(left, right + 1)}
    loose = [at for at, cell in enumerate(grid.cells[top]) if cell and at not in covered]
    if any(_BESIDE_TITLE.search(cell) for cell in cells):
        return False
    return not loose if spans else True


def _two_lines(grid: Grid, top: int, bottom: int) -> bool:
    """Return whether two rows are the two lines of one header."""
    width = max(len(grid.cells[top]), len(grid.cells[bottom]))
    above = [*grid.cells[top], *[""] * (width - len(grid.cells[top]))]
    below = [*grid.cells[bottom], *[""] * (width - len(grid.cells[bottom]))]
    if sum(map(bool, above)) < 2 or any(is_number(cell) for cell in below):  # noqa: PLR2004 - one title is no line
        return False
    spans = [merge for merge in grid.merges if merge[0] <= top <= merge[2]]
    if any(upper <= top and lower == bottom for upper, _, lower, _ in spans):
        return True
    wide = [(left, right) for _, left, lower, right in spans if right > left and lower == top]
    if wide:
        held = {column for column in range(width) if below[column]}
        under = {column for left, right in wide for column in range(left, right + 1)}
        return bool(held & under) and (held <= under or any(map(_is_part, below)))
    # Without merged ranges (a CSV of such a sheet): a title above leaves blanks to its right, and
    # the line below fills these groups and nothing else.
    grouped = [
        column
        for column in range(width)
        if (above[column] and column + 1 < width and not above[column + 1]) or not above[column]
    ]
    blank = [column for column in range(width) if not above[column]]
    filled = [column for column in range(width) if below[column]]
    if not (blank and len(filled) < width and set(blank) <= set(filled) <= set(grouped)):
        return False
    # The record below a column without a title looks the same, but holds no title.
    return any(map(_is_part, below))


def _is_part(cell: str) -> bool:
    return known_title(cell) or cell in _PARTS


def column_titles(
    grid: Grid, header: Header, width: int
) -> tuple[list[str], list[tuple[int, str]]]:
    """Return one distinct title a column, and which of them had to be changed.

    Examples
    --------
    >>> grid = Grid([["名称", "", "名称"]], [1])
    >>> column_titles(grid, Header(0, 0, 2), 3)
    (['名称', '#2', '名称 #2'], [(2, '名称')])
    """
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
