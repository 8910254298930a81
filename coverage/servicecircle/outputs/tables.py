"""The tables of a run as CSV that Excel opens: UTF-8 with a byte-order mark, comma, LF."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from servicecircle.outputs.escape import clean_text
from servicecircle.problems import problem_table

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["write_csv", "write_tables"]

# A spreadsheet takes a cell that starts so for a formula; the wide forms too, in East Asian Excel.
_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
_NEEDS_QUOTES = re.compile('[",\r\n]')
# Whole numbers up to here are exact in a float64 and written in full.
_WHOLE_LIMIT = 1e15


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    r"""Write a table, the same bytes for the same values.

    Numbers have up to 10 significant digits, whole ones all of theirs; NaN, NaT and None are
    empty, infinity is ``inf``, booleans are ``true`` and ``false``, dates ISO 8601. A text that a
    spreadsheet would take for a formula gets a leading apostrophe. The index is not written.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a line, in this order; no geometry.
    path : pathlib.Path

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> table = pd.DataFrame({"name": ["=1+1", "衢州"], "metres": [-0.5, np.nan], "ok": True})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_csv(table, Path(folder) / "a.csv")
    ...     print((Path(folder) / "a.csv").read_text(encoding="utf-8-sig"), end="")
    name,metres,ok
    '=1+1,-0.5,true
    衢州,,true

    An empty table is its header:

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_csv(table.iloc[:0], Path(folder) / "a.csv")
    ...     (Path(folder) / "a.csv").read_bytes()
    b'\xef\xbb\xbfname,metres,ok\n'
    """
    columns = [_cells(frame.iloc[:, at]) for at in range(frame.shape[1])]
    header = ",".join(_text(str(name)) for name in frame.columns)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        file.write(header + "\n")
        file.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))


def write_tables(results: Results, folder: Path) -> None:
    """Write scorecard, units, unit_results, facilities, problems and staff as CSV into a folder.

    And the other tables, and copies of the plan files.

    ``units.csv`` is ``results.unit_coverage``; ``facilities.csv`` has ``lon`` and ``lat`` (WGS84
    degrees) in the place of the geometry.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    tables = {
        "scorecard": results.scorecard,
        "units": results.unit_coverage,
        "unit_results": results.unit_results,
        "facilities": _with_coordinates(results.facilities),
        "problems": problem_table(results.problems, results.language),
    }
    if results.staff is not None:
        tables["staff"] = results.staff
    tables |= results.tables
    for name, table in tables.items():
        write_csv(table, folder / f"{name}.csv")
    for name, text in results.plan_files.items():
        (folder / name).write_bytes(text)


def _with_coordinates(facilities: Any) -> pd.DataFrame:
    points = np.asarray(facilities.geometry.array)
    table = pd.DataFrame(facilities.drop(columns=facilities.geometry.name))
    return table.assign(lon=shapely.get_x(points), lat=shapely.get_y(points))


def _cells(column: pd.Series[Any]) -> list[str]:
    """Return the cells of a column as text; what stands in many rows is put into words once."""
    if column.dtype == object:
        # 1, 1.0 and True are equal, but not the same cell: no two objects are taken for one.
        missing = column.isna().to_numpy()
        pairs = zip(column.tolist(), missing, strict=True)
        return ["" if gone else _cell(value) for value, gone in pairs]
    codes, found = pd.factorize(column.array)
    words = [_cell(value) for value in found.astype(object).tolist()]
    cells: list[str] = np.array([*words, ""], object)[codes].tolist()
    return cells


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return _number(float(value))
    if isinstance(value, pd.Timestamp):
        whole_day = value == value.normalize()
        return value.date().isoformat() if whole_day else value.isoformat()
    return _text(str(value))


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < _WHOLE_LIMIT:
        return str(int(value))
    return f"{value:.10g}"


def _text(text: str) -> str:
    text = clean_text(text)
    if text and text[0] in _FORMULA_STARTS:
        text = f"'{text}"
    if _NEEDS_QUOTES.search(text):
        escaped = text.replace('"', '""')
        text = f'"{escaped}"'
    return text
