"""What the command ``carry`` shows and writes."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

from servicecircle.inputs.carried_people import SHARE_COLUMNS, Carried
from servicecircle.messages import Language
from servicecircle.outputs.folder import check_folder, publish
from servicecircle.outputs.run_record import write_run_record
from servicecircle.outputs.tables import write_csv
from servicecircle.problems import problem_table
from servicecircle.summary.problems import problem_lines

__all__ = ["show_carried", "write_carried"]


def write_carried(carried: Carried, out: Path, language: Language) -> None:
    """Write ``carried.csv``, ``groups.csv``, ``shares.csv``, ``problems.csv`` and ``run.json``.

    Parameters
    ----------
    carried : Carried
    out : pathlib.Path
        New, empty, or written by this command before.
    language : {"zh", "en"}

    Raises
    ------
    OutputError
        If the folder cannot be written or holds something else.
    """
    check_folder(out, command="carry")

    def write(folder: Path) -> None:
        write_csv(carried.table, folder / "carried.csv")
        write_csv(carried.groups, folder / "groups.csv")
        write_csv(carried.shares[list(SHARE_COLUMNS)], folder / "shares.csv")
        write_csv(problem_table(carried.problems, language), folder / "problems.csv")
        record = {
            "command": "carry",
            "units": len(carried.table),
            "groups": len(carried.groups),
            "shares": carried.shares["basis"].value_counts().sort_index().to_dict(),
        }
        write_run_record(record, folder / "run.json")

    publish(write, out)


def show_carried(carried: Carried, language: Language, *, with_table: bool) -> str:
    """Return the table as text with commas, then the problems.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"code": ["330105"], "people": [5.0], "missing": [""]})
    >>> print(show_carried(
    ...     Carried(table=table, groups=table, problems=[]), "en", with_table=True
    ... ))
    code,people,missing
    330105,5,
    """
    lines = []
    if with_table:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(carried.table.columns)
        writer.writerows([_cell(value) for value in row] for row in carried.table.to_numpy())
        lines.append(text.getvalue().rstrip("\n"))
    return "\n".join([*lines, *problem_lines(carried.problems, language)])


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.10g}"
    return str(value)
