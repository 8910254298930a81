"""Tables and figures for a terminal, where a Chinese character is two columns wide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from servicecircle.outputs.escape import clean_text

__all__ = ["figure", "one_line", "text_table"]

_GAP = "  "
_LONGEST = 60
_WHOLE_LIMIT = 1e15
_TWO_DECIMALS_FROM = 10.0


def figure(value: float) -> str:
    """Return a number as people read it: whole ones in full, others to two decimals or 4 digits.

    Examples
    --------
    >>> figure(1234.0), figure(1234.5678), figure(0.0399512), figure(-2.5), figure(float("nan"))
    ('1,234', '1,234.57', '0.03995', '-2.5', '–')
    >>> figure(float("inf"))
    '∞'
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if abs(value) < _WHOLE_LIMIT and float(value).is_integer():
        return f"{int(value):,}"
    text = f"{value:,.2f}" if abs(value) >= _TWO_DECIMALS_FROM else f"{value:.4g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def one_line(text: object, *, longest: int = _LONGEST) -> str:
    r"""Return a text of data on one line, cut to so many columns.

    Examples
    --------
    >>> one_line("望湖社区\n86 号", longest=9)
    '望湖社区…'
    >>> one_line("")
    ''
    """
    found = " ".join(clean_text(str(text)).split())
    if cell_len(found) <= longest:
        return found
    kept = ""
    for sign in found:
        if cell_len(kept + sign) >= longest:
            break
        kept += sign
    return f"{kept}…"


def text_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[int] = (),
    indent: int = 2,
) -> list[str]:
    """Return the lines of a table whose columns line up in a terminal.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of sequence of str
        As long as the header each.
    right : iterable of int
        Columns to set flush right: numbers.
    indent : int

    Returns
    -------
    list of str
        Empty without rows.

    Examples
    --------
    >>> for line in text_table(["名称", "beds"], [["望湖", "5"], ["A", "1,200"]], right=[1]):
    ...     print(line)
      名称   beds
      望湖      5
      A     1,200
    >>> text_table(["a"], [])
    []
    """
    shown = [[one_line(cell) for cell in row] for row in rows]
    if not shown:
        return []
    lines = [list(header), *shown]
    widths = [max(cell_len(line[at]) for line in lines) for at in range(len(header))]
    flush = frozenset(right)

    def put(line: Sequence[str]) -> str:
        cells = []
        for at, cell in enumerate(line):
            space = " " * (widths[at] - cell_len(cell))
            cells.append(space + cell if at in flush else cell + space)
        return (" " * indent + _GAP.join(cells)).rstrip()

    return [put(line) for line in lines]
