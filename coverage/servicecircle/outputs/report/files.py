"""Write the report of a run as a Word document and as one page for a browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from servicecircle.outputs.report.content import report_content
from servicecircle.outputs.report.html import report_page
from servicecircle.outputs.report.word import report_document

if TYPE_CHECKING:
    from servicecircle.outputs.figures import Chart
    from servicecircle.results import Results

__all__ = ["REPORT_FILES", "write_report"]

REPORT_FILES = ("report.docx", "report.html")


def write_report(results: Results, charts: Sequence[Chart], folder: Path) -> tuple[str, ...]:
    """Write ``report.docx`` and ``report.html``, the same bytes for the same results.

    Parameters
    ----------
    results : Results
    charts : sequence of Chart
        From :func:`servicecircle.outputs.figures.charts`.
    folder : pathlib.Path
        That exists.

    Returns
    -------
    tuple of str
        Names of the files.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    report = report_content(results, charts)
    word, page = REPORT_FILES
    document = report_document(report, as_of=results.as_of, template=results.report.template)
    (folder / word).write_bytes(document)
    (folder / page).write_text(report_page(report), encoding="utf-8", newline="\n")
    return REPORT_FILES
