"""``explain`` and ``compare``: what stands behind a run's values, and what changed between two."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from servicecircle.commands.shared import WRONG_INPUT, faults_end, say, system_language

if TYPE_CHECKING:
    from servicecircle.messages import Language

__all__ = ["compare", "explain"]

_language_option = click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    help="Of what is printed; default: that of the project.",
)


@click.command(short_help="Show the arithmetic behind a value of a run.")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("indicator")
@click.argument("unit", required=False)
@click.option("--plan", metavar="PLAN", help="Plan that is meant, where several have it.")
@click.option(
    "--alternative",
    metavar="NAME",
    help="What the plan says elsewhere, as in the scorecard; default: what it says first.",
)
@click.option(
    "--year",
    metavar="YYYY",
    type=int,
    help="Year of the target; default: the latest due, else the next one.",
)
@click.option("--all", "everything", is_flag=True, help="List all rows, not the first 20.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all rows.")
@_language_option
def explain(  # noqa: PLR0913, PLR0917 - click passes one argument for each option
    run: Path,
    indicator: str,
    unit: str | None,
    plan: str | None,
    alternative: str | None,
    year: int | None,
    everything: bool,
    as_json: bool,
    language: Language | None,
) -> None:
    """Show the arithmetic behind the value of INDICATOR in RUN, a folder that a run wrote.

    说明评分表中一个数值的算法和来源；给出 UNIT 时另说明该单元的数值。

    Rule, addends of numerator and denominator, target and verdict, down to the rows of your lists;
    with UNIT (id, code or name) which facilities count for it and which people are covered. All
    numbers are computed again from the folder; where one differs it is told, and the exit code
    is 1.
    """
    with faults_end(language or system_language()):
        from servicecircle.explain.command import Asked, explain_folder

        asked = Asked(indicator=indicator, unit=unit, plan=plan, alternative=alternative, year=year)
        told = explain_folder(run, asked, language=language, everything=everything, as_json=as_json)
    say(told.text)
    if not told.agrees:
        sys.exit(WRONG_INPUT)


@click.command(short_help="Show what changed from one run to another.")
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write compare.gpkg and tables of all changes to; without it they are only "
    "printed, the largest first.",
)
@_language_option
def compare(run_a: Path, run_b: Path, out: Path | None, language: Language | None) -> None:
    """Show what changed from RUN_A to RUN_B, two folders that runs wrote.

    比较两次运行的结果：指标、单元、设施和人口点的变化。

    Settings that differ come first, then verdicts that turned, the largest changes of values,
    people who gained or lost a facility within reach, units, and facilities.
    """
    with faults_end(language or system_language()):
        from servicecircle.compare.command import compare_folders

        text = compare_folders(run_a, run_b, out=out, language=language)
    say(text)
