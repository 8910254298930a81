"""``servicecircle compare``: two folders of runs in, text and a folder of changes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from servicecircle.compare.runs import Comparison, compare_runs
from servicecircle.compare.words import comparison_text
from servicecircle.errors import InputError
from servicecircle.inputs.runs import read_run
from servicecircle.messages import Language, label
from servicecircle.outputs.compared import write_comparison
from servicecircle.outputs.folder import check_folder, publish
from servicecircle.outputs.geopackage import DEMAND_LIMIT
from servicecircle.outputs.run_record import describe_environment
from servicecircle.problems import Problem, problem_table

__all__ = ["compare_folders"]


def compare_folders(
    before: Path, after: Path, *, out: Path | None = None, language: Language | None = None
) -> str:
    """Compare two folders of runs, write the changes where asked, and return the text to print.

    Parameters
    ----------
    before, after : pathlib.Path
        Folders that ``servicecircle run`` wrote.
    out : pathlib.Path, optional
        Folder to write; nothing is written without.
    language : {"zh", "en"}, optional
        That of the project of ``after`` where not given.

    Raises
    ------
    InputError
        If a folder is not that of a run, or not whole, or the two are of different areas.
    OutputError
        If ``out`` cannot be written, or holds something that is not ours.
    """
    if out is not None:
        if out.resolve() in {before.resolve(), after.resolve()}:
            raise InputError(
                Problem(
                    code="compare.into_a_run",
                    severity="fatal",
                    action="stopped",
                    value=str(out),
                )
            )
        check_folder(out, command="compare")
    a, b = read_run(before), read_run(after)
    told: Language = language or ("zh" if b.language == "zh" else "en")
    found = compare_runs(a, b, shapes=out is not None)
    text = comparison_text(found, told)
    if out is None:
        return text
    publish(lambda folder: _write(found, folder, told), out)
    text += "\n\n" + label("compare_written", told).format(folder=out.as_posix())
    if found.people["demand_id"].nunique() > DEMAND_LIMIT:
        text += "\n" + label("compare_gpkg_limit", told).format(limit=f"{DEMAND_LIMIT:,}")
    return text


def _write(found: Comparison, folder: Path, language: Language) -> None:
    tables = {
        "compare": found.indicators,
        "compare_units": found.units,
        "compare_unit_results": found.unit_results,
        "compare_facilities": found.facilities,
        "compare_reach": found.reach,
        "compare_settings": _settings(found),
        "problems": problem_table(found.problems, language),
    }
    record: dict[str, Any] = {
        "command": "compare",
        "environment": describe_environment(),
        "runs": {
            side: {"project": run.name, "as_of": run.as_of, "inputs": run.record.get("inputs")}
            for side, run in (("a", found.a), ("b", found.b))
        },
        "rows_out": {f"{name}.csv": len(table) for name, table in tables.items()}
        | {"compare_people.parquet": len(found.people)},
    }
    write_comparison(tables, found.people, found.shapes, record, folder, as_of=found.b.as_of)


def _settings(found: Comparison) -> pd.DataFrame:
    """Return what differs in the project files and in the input files, as one table."""
    files = pd.DataFrame(
        {
            "key": "input " + found.inputs["file"],
            "a": found.inputs["status"].map({"only_b": ""}).fillna("file"),
            "b": found.inputs["status"].map({"only_a": "", "changed": "other file"}).fillna("file"),
        }
    )
    return pd.concat([found.settings, files], ignore_index=True)
