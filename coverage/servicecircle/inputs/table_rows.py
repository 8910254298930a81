"""The rows below a header: which are records, and which are totals, notes or too wide."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from servicecircle.inputs.grids import Grid
from servicecircle.inputs.headers import Header, is_beside_title
from servicecircle.inputs.text_columns import (
    MARGINS,
    PLAIN_NUMBER,
    Bools,
    distinct,
    filled_cells,
    matching,
    text_array,
)
from servicecircle.inputs.titles import known_title, listed_titles, normalise_title
from servicecircle.problems import Problem

__all__ = ["Rows", "clean_cell", "rows_above", "sort_rows"]

_SUM = "合计|小计|总计|共计|累计|總計|合計|小計|汇总|彙總|平均值?|均值"
_COUNTER = "[张張个個家所处處人名户戶座床间間穴条條]"
_TOTAL = re.compile(
    rf"(?:[全本][\u4e00-\u9fff]{{1,3}})?(?:{_SUM}|total|subtotal|grandtotal|sum|average)"
    rf"(?:\([^()]*\))?:?(?:\d[\d,.]*{_COUNTER}?)?|共计?\d+{_COUNTER}"
)
# What ends so is a total of the unit or of the kind named before it, where that is all there is.
_TOTAL_END = re.compile(rf"(?P<of>.+?)(?:{_SUM})(?:\([^()]*\))?:?")
_UNIT_END = re.compile(r"(?:街道|[镇鎮乡鄉市县縣区區村里省州旗]|社区|公办|民办|公建民营)$")
_MAYBE_TOTAL = "[计計]|total|sum|average|汇总|彙總|均|^[共]"
_NOTE = re.compile(r"^(注|备注|備註|说明|說明|填表|制表|资料来源|数据来源|note|source)s?[\d:.、人]")
_FOOTER = re.compile(
    r"^(?:(?:填表|制表|填报|填報|审核|審核|复核|经办|统计|报送|联系|单位?负责|分管|主管|负责)(?:人|单位|领导|日期|时间)?"
    r"|单位负责人|联系电话|電話|电话|盖章|单位盖章|单位\(盖章\))\)?:|^本表由|^填表说明"
)
_SECTION = re.compile(
    r"^(?:\(?[一二三四五六七八九十]{1,3}\)?[、.)]|第[一二三四五六七八九十\d]+[部类章节])"
)
_TOTAL_WITHIN = 3
_NUMBERS_OF_A_COLUMN = 0.5
"""Share of numbers among the filled cells from which on a column is one of numbers."""
_PLACE = re.compile(r"-?\d{1,3}\.\d{3,}")
_FEWEST_TITLES = 2
_LONGEST_WORD = 60


def clean_cell(cell: str) -> str:
    """Return a cell without white space and marks of no width at its ends.

    Examples
    --------
    >>> clean_cell("\u3000甲 院\ufeff "), clean_cell("")
    ('甲 院', '')
    """
    return cell.strip(MARGINS) if cell else ""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows below a header, column by column.

    Parameters
    ----------
    columns : list of pyarrow.Array, length n each
        As many as the header is wide, stripped.
    numbers : numpy.ndarray of int, shape (n,)
        1-based, as Excel shows them.
    lengths : numpy.ndarray of int, shape (n,)
        Cells of each row.
    wider : dict of int to list of str
        Cells of the rows that hold something right of the header, by their index.
    """

    columns: list[Any]
    numbers: NDArray[np.int64]
    lengths: NDArray[np.int64]
    wider: dict[int, list[str]]

    @classmethod
    def regular(cls, columns: list[Any], *, first: int) -> Rows:
        """Return rows of one width, numbered from ``first``.

        Examples
        --------
        >>> Rows.regular([text_array(["甲", "乙"])], first=2).numbers.tolist()
        [2, 3]
        """
        count = len(columns[0])
        numbers = np.arange(first, first + count, dtype=np.int64)
        return cls(columns, numbers, np.full(count, len(columns), np.int64), {})

    @classmethod
    def of(cls, body: list[list[str]], numbers: list[int], *, width: int) -> Rows:
        """Return rows that may differ in width.

        Examples
        --------
        >>> rows = Rows.of([["甲"], ["乙", "1", "x"]], [2, 3], width=2)
        >>> [column.to_pylist() for column in rows.columns], rows.wider
        ([['甲', '乙'], ['', '1']], {1: ['乙', '1', 'x']})
        """
        columns = [
            text_array([row[at] if at < len(row) else "" for row in body]) for at in range(width)
        ]
        lengths = np.array([len(row) for row in body], dtype=np.int64)
        wider = {at: row for at, row in enumerate(body) if any(row[width:])}
        return cls(columns, np.array(numbers, dtype=np.int64), lengths, wider)


def sort_rows(
    rows: Rows,
    *,
    where: dict[str, Any],
    header: Sequence[Sequence[str]] = (),
    sections: Collection[int] = (),
) -> tuple[Bools, list[Problem], int]:
    """Tell records from totals, notes, sections, further headers, blank and too wide rows.

    Parameters
    ----------
    rows : Rows
    where : dict
        File and sheet, for the records.
    header : sequence of sequence of str
        Lines of the header, to know them where they are repeated.
    sections : collection of int
        Rows whose text stands in a range merged across columns.

    Returns
    -------
    keep : numpy.ndarray of bool, shape (n,)
    problems : list of Problem
        One for each row set aside, in order; one for all blank and one for all short rows.
    rows_in : int
        Rows that hold anything.

    Examples
    --------
    >>> rows = Rows.of([["甲", "1"], [], ["合计", "1"]], [2, 3, 4], width=2)
    >>> keep, problems, rows_in = sort_rows(rows, where={})
    >>> keep.tolist(), [problem.row for problem in problems], rows_in
    ([True, False, False], [4, 3], 2)
    """
    count = len(rows.numbers)
    filled = np.zeros(count, dtype=np.int64)
    for column in rows.columns:
        filled += filled_cells(column)
    wide = np.zeros(count, dtype=bool)
    wide[list(rows.wider)] = True
    blank = (filled == 0) & ~wide
    within = _text_columns(rows.columns)
    totals = [
        _told(column, _is_total, gate=_MAYBE_TOTAL) & ~wide for column in rows.columns[:within]
    ]
    for column, found in enumerate(totals):
        for at in np.flatnonzero(found).tolist():
            found[at] = _is_total_row([one[at].as_py() for one in rows.columns], column)
    total = np.logical_or.reduce([np.zeros(count, dtype=bool), *totals])
    first, alone = _only_text(rows.columns, filled)
    note = alone & ~wide & ~total
    note[note] = _told(first.filter(pa.array(note)), _is_note)
    footer = ~(alone | wide | total | blank)
    footer[footer] = _told(first.filter(pa.array(footer)), _is_footer, gate="[:：]|^本表由")
    for at in np.flatnonzero(footer).tolist():
        cells = [cell for one in rows.columns if (cell := one[at].as_py())]
        footer[at] = 2 * sum(map(_is_footer, cells)) >= len(cells)
    note |= footer
    section = np.zeros(count, dtype=bool)
    section[list(sections)] = True
    lone = alone & ~wide & ~total & ~note & ~section
    lone[lone] = _told(first.filter(pa.array(lone)), _is_section)
    section = (section | lone) & alone & ~total & ~note
    again, other = _headers(rows, header, among=~(wide | total | note | section | blank))
    codes = np.full(count, "", dtype=object)
    for code, mask in (
        ("table.second_table", other),
        ("table.repeated_header", again),
        ("table.section_row", section),
        ("table.note_row", note),
        ("table.total_row", total),
        ("table.too_wide", wide),
    ):
        codes[mask & ~blank] = code
    keep = (codes == "") & ~blank
    problems = []
    for at in np.flatnonzero(codes != "").tolist():
        code, value = codes[at], first[at].as_py()
        if wide[at]:
            value = ", ".join(rows.wider[at])
        elif total[at]:
            column = next(number for number, found in enumerate(totals) if found[at])
            value = rows.columns[column][at].as_py()
        problems.append(
            Problem(
                code=code,
                severity="error" if code in ("table.too_wide", "table.second_table") else "note",
                row=int(rows.numbers[at]),
                value=value,
                action="set_aside",
                details={"width": int(rows.lengths[at]), "titles": len(rows.columns)},
                **where,
            )
        )
    short = keep & (rows.lengths < len(rows.columns))
    for code, found in (("table.blank_rows", blank), ("table.short_rows", short)):
        if found.any():
            number = int(found.sum())
            if code == "table.blank_rows":
                # Those that the reader has left out show by the numbers of the others.
                number += int(rows.numbers[-1] - rows.numbers[0]) + 1 - count
            problems.append(
                Problem(
                    code=code,
                    severity="note",
                    row=int(rows.numbers[found.argmax()]),
                    value=str(number),
                    action="counted",
                    details={"count": number},
                    **where,
                )
            )
    return keep, problems, int((~blank).sum())


def rows_above(grid: Grid, header: Header, where: dict[str, Any]) -> tuple[list[Problem], int]:
    """Return a record of each row above the header that is no title of the table.

    A title is a row of one text. What else stands beside it (``单位：张``, a date) is a note; any
    other row of several cells may be a record that stands in the wrong place.

    Parameters
    ----------
    grid : Grid
        Its cells stripped.
    header : Header
    where : dict
        File and sheet, for the records.

    Returns
    -------
    problems : list of Problem
    count : int
        Rows set aside.

    Examples
    --------
    >>> grid = Grid([["名单"], ["甲院", "30"], ["名称", "床位数"]], [1, 2, 3])
    >>> problems, count = rows_above(grid, Header(2, 2, 2), {})
    >>> [(problem.code, problem.row) for problem in problems], count
    ([('table.above_header', 2)], 1)
    """
    problems = []
    for at in range(header.top):
        cells = list(dict.fromkeys(filter(None, grid.cells[at])))
        if len(cells) <= 1:
            continue
        beside = all(map(is_beside_title, cells[1:])) or all(map(is_beside_title, cells[:-1]))
        problems.append(
            Problem(
                code="table.note_row" if beside else "table.above_header",
                severity="note" if beside else "error",
                row=grid.rows[at],
                value=", ".join(cells)[:80],
                action="set_aside",
                details={"header": grid.rows[header.top]},
                **where,
            )
        )
    return problems, len(problems)


def _text_columns(columns: list[Any]) -> int:
    """Return how many columns stand before the first one of numbers that follows one of text."""
    text = False
    for at, column in enumerate(columns):
        filled = int(filled_cells(column).sum())
        plain = int(matching(column, PLAIN_NUMBER).sum())
        if filled and plain > _NUMBERS_OF_A_COLUMN * filled:
            if text:
                return max(at, _TOTAL_WITHIN)
        elif filled:
            text = True
    return len(columns)


def _is_total_row(row: list[str], column: int) -> bool:
    """Return whether a row is a total, of whose cells one ends like one."""
    plain = _plain(row[column])
    if _TOTAL.fullmatch(plain):
        return True
    found = _TOTAL_END.fullmatch(plain)
    if found is None:
        return False
    if _UNIT_END.search(found["of"]):
        return True
    # The name of a facility that ends so has other texts beside it, or a place.
    others = [cell for cell in row if cell and cell != row[column]]
    return all(
        re.fullmatch(r"[\d,.%]+", _plain(cell)) and not _PLACE.fullmatch(_plain(cell))
        for cell in others
    )


def _headers(rows: Rows, header: Sequence[Sequence[str]], *, among: Bools) -> tuple[Bools, Bools]:
    """Return rows that repeat the header, and those that belong to a table of another one."""
    again, other = np.zeros_like(among), np.zeros_like(among)
    titles = pa.array(
        sorted(listed_titles() | {cell for line in header for cell in line if cell}),
        pa.large_string(),
    )
    maybe = np.zeros_like(among)
    for column in rows.columns:
        maybe |= np.asarray(pc.is_in(column, value_set=titles).to_numpy(zero_copy_only=False))
    lines = [[normalise_title(cell) for cell in line] for line in header]
    starts, ends = [], []
    for at in np.flatnonzero(maybe & among).tolist():
        cells = [column[at].as_py() for column in rows.columns]
        filled = [number for number, cell in enumerate(cells) if cell]
        plain = {number: normalise_title(cells[number]) for number in filled}
        if len(filled) >= min(_FEWEST_TITLES, len(cells)) and any(
            all(number < len(line) and plain[number] == line[number] for number in filled)
            for line in lines
        ):
            again[at] = True
            ends.append(at)
        elif len(set(plain.values())) >= _FEWEST_TITLES and all(
            known_title(cells[number]) for number in filled
        ):
            starts.append(at)
    for start in starts:
        end = min((end for end in ends if end > start), default=len(other))
        other[start:end] = True
    return again, other & among


def _only_text(columns: list[Any], filled: NDArray[np.int64]) -> tuple[Any, Bools]:
    """Return the first text of each row, and whether the row holds no other."""
    if not columns:
        return text_array([]), np.zeros(0, dtype=bool)
    first = columns[0]
    for column in columns[1:]:
        first = pc.if_else(pc.equal(first, ""), column, first)
    alone = filled > 0
    for column in columns:
        same = pc.or_(pc.equal(column, ""), pc.equal(column, first))
        alone &= np.asarray(same.to_numpy(zero_copy_only=False), dtype=bool)
    return first, alone


def _told(column: Any, tell: Callable[[str], bool], *, gate: str = "") -> Bools:
    """Apply a test to each distinct text that passes the gate, a regular expression."""
    chosen = matching(column, gate, ignore_case=True)
    if chosen.any():
        found, codes = distinct(column.filter(pa.array(chosen)))
        chosen[chosen] = np.array([tell(text) for text in found], dtype=bool)[codes]
    return chosen


def _plain(cell: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", cell)).casefold()


def _is_total(cell: str) -> bool:
    if len(cell) > _LONGEST_WORD:
        return False
    plain = _plain(cell)
    return bool(_TOTAL.fullmatch(plain) or _TOTAL_END.fullmatch(plain))


def _is_note(cell: str) -> bool:
    return _NOTE.match(_plain(cell[: 10 * _LONGEST_WORD])) is not None or _is_footer(cell)


def _is_footer(cell: str) -> bool:
    return _FOOTER.match(_plain(cell[: 10 * _LONGEST_WORD])) is not None


def _is_section(cell: str) -> bool:
    return len(cell) <= _LONGEST_WORD and _SECTION.match(_plain(cell)) is not None
