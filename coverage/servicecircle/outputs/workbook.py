"""The workbook of a run, ``scorecard.xlsx``: scorecard, units, facilities, problems, method."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from servicecircle.messages import label
from servicecircle.outputs.folder import write_error
from servicecircle.outputs.workbook_method import method_sheet
from servicecircle.outputs.workbook_sheets import Sheet, add_sheet
from servicecircle.outputs.workbook_tables import (
    facility_sheet,
    problem_sheet,
    scorecard_sheet,
    site_sheet,
    unit_sheet,
)
from servicecircle.problems import Problem
from servicecircle.project import DRAWN_LEVELS, LEVELS

if TYPE_CHECKING:
    import pandas as pd

    from servicecircle.results import Results

__all__ = ["SHOWN_ROWS", "WORKBOOK", "with_cuts_told", "write_workbook"]

WORKBOOK = "scorecard.xlsx"
SHOWN_ROWS = 100_000
"""Rows of a sheet at most: more take minutes to write, and longer to open. The CSV has all."""
_FONTS = {"zh": "Microsoft YaHei", "en": "Calibri"}


def write_workbook(results: Results, path: Path) -> None:
    """Write the workbook of a run, the same bytes for the same results.

    Sheets have a heading, titles with filters that stay on top, number formats and colours by
    verdict; all words are in the language of the run. Text of the inputs stays text: nothing
    becomes a formula or a link.

    Parameters
    ----------
    results : Results
    path : pathlib.Path
        Of a new file in a folder that exists.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    day = max(results.as_of, dt.date(1980, 1, 1))
    font = {"font_name": _FONTS[results.language], "font_size": 10}
    try:
        # Rows go to a file as they come: beside the tables, the workbook takes hardly any memory.
        with TemporaryDirectory(dir=path.parent, prefix=".") as parts:
            options = {
                "constant_memory": True,
                "tmpdir": parts,
                "strings_to_formulas": False,
                "strings_to_numbers": False,
                "strings_to_urls": False,
                "default_format_properties": font,
                "default_date_format": "yyyy-mm-dd",
            }
            book = xlsxwriter.Workbook(str(path), options)
            made = dt.datetime(day.year, day.month, day.day)
            book.set_properties(
                {"title": results.name[:255], "author": "servicecircle", "created": made}
            )
            try:
                for sheet, file in _sheets(results):
                    add_sheet(book, _cut(sheet, file, results))
                book.close()
            finally:
                # After a failure XlsxWriter leaves the files of its rows open.
                for page in book.worksheets():
                    with suppress(OSError):
                        page.row_data_fh.close()
    except FileCreateError as error:
        reason = error.args[0] if error.args else error
        raise write_error(reason if isinstance(reason, OSError) else error, path) from error
    except OSError as error:
        raise write_error(error, path) from error


def with_cuts_told(results: Results) -> Results:
    """Return results whose problems say which tables are too long for a sheet.

    Parameters
    ----------
    results : Results

    Returns
    -------
    Results
        The same one, where every table fits.
    """
    units = results.unit_coverage
    lengths = {
        "scorecard": (len(results.scorecard), SHOWN_ROWS, "scorecard.csv"),
        "units": (len(units), len(_coarse(units)), "units.csv"),
        "facilities": (len(results.facilities), SHOWN_ROWS, "facilities.csv"),
        "problems": (len(results.problems), SHOWN_ROWS, "problems.csv"),
    }
    told = tuple(
        Problem(
            code="workbook.cut",
            severity="note",
            file=WORKBOOK,
            sheet=label(f"sheet_{name}", results.language),
            value=str(count),
            action="counted",
            details={
                "table": label(f"sheet_{name}", results.language),
                "count": f"{count:,}",
                "shown": f"{min(shown, SHOWN_ROWS):,}",
                "most": f"{SHOWN_ROWS:,}",
                "file": file,
            },
        )
        for name, (count, shown, file) in lengths.items()
        if count > SHOWN_ROWS
    )
    return replace(results, problems=(*results.problems, *told)) if told else results


def _sheets(results: Results) -> Iterator[tuple[Sheet, str]]:
    """Yield each sheet with the file that has the same rows; one at a time is in memory."""
    yield scorecard_sheet(results), "scorecard.csv"
    if "sites" in results.tables:
        yield site_sheet(results), "sites.csv"
    units = _coarse(results.unit_coverage)
    left_out = len(results.unit_coverage) - len(units)
    sheet = unit_sheet(replace(results, unit_coverage=units))
    yield _told_short(sheet, left_out, "units.csv", results), "units.csv"
    yield facility_sheet(results), "facilities.csv"
    yield problem_sheet(results), "problems.csv"
    yield method_sheet(results), "run.json"


def _coarse(units: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``units.csv`` without those of the finest levels, where it is too long.

    A level is there whole or not at all, but for one that is the only one.
    """
    if len(units) <= SHOWN_ROWS:
        return units
    levels = [level for level in (*LEVELS, *DRAWN_LEVELS) if (units["level"] == level).any()]
    while len(units) > SHOWN_ROWS and len(levels) > 1:
        units = units[units["level"] != levels.pop()]
    return units


def _cut(sheet: Sheet, file: str, results: Results) -> Sheet:
    if sheet.rows <= SHOWN_ROWS:
        return sheet
    columns = [
        replace(
            column,
            values=column.values[:SHOWN_ROWS],
            kinds=None if column.kinds is None else column.kinds[:SHOWN_ROWS],
        )
        for column in sheet.columns
    ]
    more = sheet.rows - SHOWN_ROWS
    return _told_short(replace(sheet, columns=columns), more, file, results)


def _told_short(sheet: Sheet, more: int, file: str, results: Results) -> Sheet:
    """Return a sheet whose last line says how many rows are elsewhere, if there are any."""
    if not more:
        return sheet
    line = label("workbook_more_rows", results.language).format(count=f"{more:,}", file=file)
    return replace(sheet, last_line=line)
