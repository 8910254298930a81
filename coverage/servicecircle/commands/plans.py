"""``plans``: the packaged plans, a plan in words, and what a project's plans still need."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from servicecircle.commands.shared import faults_end, load, say, system_language

if TYPE_CHECKING:
    from servicecircle.messages import Language

__all__ = ["plans"]

_NARROWEST, _WIDEST = 40, 110

_language = click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    help="Language of the words; default: that of the terminal.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.")


def _cells() -> int:
    columns = shutil.get_terminal_size((100, 24)).columns
    return min(max(columns, _NARROWEST), _WIDEST)


@click.group(short_help="The packaged plans and their indicators.")
def plans() -> None:
    """Show the packaged plans and their indicators.

    自带的规划与指标。
    """


@plans.command("list", short_help="List the packaged plans.")
@_language
@_json
def list_plans(language: Language | None, as_json: bool) -> None:
    """List the packaged plans: titles, area, years, how many indicators of each kind.

    列出自带的规划。
    """
    import json

    from servicecircle.commands.plan_text import list_text
    from servicecircle.standards.indicators import load_plan, packaged_plans

    found = {name: load_plan(name) for name in packaged_plans()}
    if not as_json:
        say(list_text(found, language or system_language(), cells=_cells()))
        return
    rows = [
        {
            "name": name,
            "name_zh": plan.name_zh,
            "name_en": plan.name_en,
            "level": plan.level,
            "period": plan.period,
            "indicators": len(plan.indicators),
            "conflicts": len(plan.conflicts),
        }
        for name, plan in found.items()
    ]
    say(json.dumps(rows, ensure_ascii=False, indent=2))


@plans.command("show", short_help="Explain a plan in words.")
@click.argument("plan")
@click.argument("indicator", required=False)
@_language
@_json
def show_plan(plan: str, indicator: str | None, language: Language | None, as_json: bool) -> None:
    """Explain PLAN in words: what each indicator counts, its targets, inputs and conflicts.

    用文字说明一个规划、其中一个指标或一处矛盾。

    PLAN is the name of a packaged plan or the path of a plan file. INDICATOR is the id of an
    indicator, or of a conflict: then all that the file says of it is shown.
    """
    import json

    from servicecircle.commands.plan_text import (
        conflict_text,
        indicator_text,
        plan_json,
        plan_text,
    )
    from servicecircle.errors import UnknownNameError
    from servicecircle.standards.indicators import load_plan, packaged_plans

    words = language or system_language()
    with faults_end(words):
        found = load_plan(plan if plan in packaged_plans() or not _is_file(plan) else Path(plan))
        indicators = {one.id: one for one in found.indicators}
        conflicts = {one.id: one for one in found.conflicts}
        known = (*indicators, *conflicts)
        if f"{found.id}_{indicator}" in indicators:
            indicator = f"{found.id}_{indicator}"
        if indicator is not None and indicator not in known:
            raise UnknownNameError(f"indicator or conflict of {found.id}", indicator, known)
    if as_json:
        data = plan_json(found)
        if indicator is not None:
            rows = (*data["indicators"], *data["conflicts"])
            data = next(one for one in rows if one["id"] == indicator)
        say(json.dumps(data, ensure_ascii=False, indent=2))
    elif indicator is None:
        say(plan_text(found, words, name=plan, cells=_cells()))
    elif indicator in indicators:
        say(indicator_text(indicators[indicator], found, words, cells=_cells()))
    else:
        say(conflict_text(conflicts[indicator], words, cells=_cells()))


def _is_file(plan: str) -> bool:
    """Tell a path from a misspelt name."""
    return plan.endswith(".toml") or "/" in plan or "\\" in plan or Path(plan).is_file()


@plans.command("needs", short_help="Say which inputs the plans of a project still lack.")
@click.argument("project", type=click.Path(path_type=Path, dir_okay=False))
@_language
def plan_needs(project: Path, language: Language | None) -> None:
    """Say how many indicators of the plans of PROJECT have their inputs, and what the others lack.

    列出项目所用规划的指标还缺哪些输入。

    Only the project file is read: whether a column holds anything is what a check or a run finds.
    """
    from servicecircle.commands.plan_needs import needs_text
    from servicecircle.errors import InputError
    from servicecircle.standards.names import settle_names

    loaded = load(project, None)
    words = language or loaded.project.language
    with faults_end(words):
        names = settle_names(loaded)
        if names.faults:
            raise InputError(names.faults)
    say(needs_text(loaded, names.plans, words, cells=_cells()))
