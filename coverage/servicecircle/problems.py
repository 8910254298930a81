"""The problem record: one thing wrong with one row or one file of input."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from servicecircle.messages import Language, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Action", "Problem", "Severity", "nearest_name", "problem_table"]

Severity = Literal["fatal", "error", "warning", "note"]
Action = Literal["stopped", "set_aside", "mended", "flagged", "counted"]

_LONGEST_VALUE = 200
COLUMNS = (
    "severity",
    "code",
    "file",
    "sheet",
    "row",
    "column",
    "value",
    "rule",
    "remedy",
    "action",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with one row of input: what, where, the rule, the remedy, what was done.

    Parameters
    ----------
    code : str
        Key of the texts in ``texts/*.toml``, such as ``facility.no_coordinates``.
    severity : {"fatal", "error", "warning", "note"}
        ``fatal`` stops the run, ``error`` set the row aside, ``warning`` may change a result,
        ``note`` only informs.
    file, sheet, column, value : str
        Where, and what was given there. The file as the project names it.
    row : int, optional
        1-based, as Excel or a text editor shows it.
    action : {"stopped", "set_aside", "mended", "flagged", "counted"}
    details : dict
        Further values for the texts' placeholders.

    Examples
    --------
    >>> problem = Problem(code="input.missing_file", severity="fatal", value="a.csv")
    >>> problem.text("en").splitlines()[0]
    'file not found: a.csv'
    """

    code: str
    severity: Severity
    file: str = ""
    sheet: str = ""
    row: int | None = None
    column: str = ""
    value: str = ""
    action: Action = "flagged"
    details: dict[str, object] = field(default_factory=dict)

    def fields(self) -> dict[str, object]:
        """Return the values for the placeholders of the texts."""
        own = {
            "file": self.file,
            "sheet": self.sheet,
            "row": self.row,
            "column": self.column,
            "value": shorten(self.value),
        }
        return own | self.details

    def where(self, language: Language = "en") -> str:
        """Return ``file [sheet] row column`` as far as they are known."""
        parts = [self.file] if self.file else []
        if self.sheet:
            parts.append(f"[{self.sheet}]")
        if self.row is not None:
            parts.append(f"row {self.row}" if language == "en" else f"第 {self.row} 行")
        if self.column:
            parts.append(f"“{self.column}”")
        return " ".join(parts)

    def text(self, language: Language) -> str:
        """Return what is wrong, where, the rule and the remedy, for a terminal."""
        words = message(self.code, language, self.fields())
        where = self.where(language)
        colon = ": " if language == "en" else "："
        lines = [f"{where}{colon}{words.what}" if where else words.what]
        lines += [f"  {part}" for part in (words.rule, words.remedy) if part]
        return "\n".join(lines)


def nearest_name(value: str, known: Iterable[str], *, likeness: float = 0.5) -> str:
    """Return the known name nearest to a value, a dash where none is near.

    Parameters
    ----------
    value : str
    known : iterable of str
    likeness : float
        How alike the two must be at least, from 0 to 1.

    Examples
    --------
    >>> nearest_name("cantine", ["canteen", "park"]), nearest_name("xyz", [])
    ('canteen', '–')
    """
    close = difflib.get_close_matches(value, list(known), n=1, cutoff=likeness)
    return close[0] if close else "–"


def shorten(value: object) -> str:
    """Return a value as text of at most 200 characters."""
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def problem_table(problems: Iterable[Problem], language: Language) -> pd.DataFrame:
    """Return the problems as the table of ``problems.csv``, fatal ones first, else in order.

    Returns
    -------
    pandas.DataFrame
        Columns severity, code, file, sheet, row, column, value, rule, remedy, action.

    Examples
    --------
    >>> problem_table([], "en").empty
    True
    """
    import pandas as pd

    rank = {"fatal": 0, "error": 1, "warning": 2, "note": 3}
    rows = []
    stop = "; " if language == "en" else "；"
    for problem in sorted(problems, key=lambda item: rank[item.severity]):
        words = message(problem.code, language, problem.fields())
        rows.append(
            {
                "severity": problem.severity,
                "code": problem.code,
                "file": problem.file,
                "sheet": problem.sheet,
                "row": problem.row,
                "column": problem.column,
                "value": shorten(problem.value),
                "rule": f"{words.what}{stop}{words.rule}" if words.rule else words.what,
                "remedy": words.remedy,
                "action": problem.action,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"row": "Int64"})
