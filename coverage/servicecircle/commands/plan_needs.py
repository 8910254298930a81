"""Which indicators of a project's plans will have a value, and what the others lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from servicecircle.commands.wide import wrap
from servicecircle.messages import Language, label
from servicecircle.standards.needs import Need, missing_needs
from servicecircle.standards.plan import Indicator, Plan

if TYPE_CHECKING:
    from servicecircle.project import Project

__all__ = ["needs_text"]

_INDENT = "  "


def needs_text(
    project: Project, plans: Mapping[str, Plan], language: Language, *, cells: int = 100
) -> str:
    """Return, plan by plan, how many indicators have all their inputs and what the others lack.

    Parameters
    ----------
    project : Project
    plans : mapping of str to Plan
        By their name in the project.
    language : {"zh", "en"}
    cells : int
        Width of the terminal.
    """
    lines: list[str] = []
    for name, plan in plans.items():
        lacking = {
            one.id: missing
            for one in plan.indicators
            if (missing := missing_needs(one, plan, project, name=name))
        }
        ready = len(plan.indicators) - len(lacking)
        head = label("plans_needs_head", language).format(
            plan=plan.name(language), all=len(plan.indicators), ready=ready, lacking=len(lacking)
        )
        lines += [wrap(head, cells)]
        for text, ids in _by_input(lacking).items():
            titles = _titles(plan.indicators, ids, language)
            said = label("plans_needs_input", language).format(
                need=text, count=len(ids), titles=titles
            )
            lines.append(_INDENT + wrap(said, cells, indent=_INDENT * 2))
    if not plans:
        lines.append(label("plans_needs_none", language))
    else:
        lines.append(wrap(label("plans_needs_columns", language), cells))
    return "\n".join(lines)


def _by_input(lacking: Mapping[str, tuple[Need, ...]]) -> dict[str, list[str]]:
    """Return the indicators that lack an input, the input that most of them lack first."""
    found: dict[str, list[str]] = {}
    for indicator, missing in lacking.items():
        for need in missing:
            found.setdefault(f"[{need.table}]", []).append(indicator)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _titles(indicators: tuple[Indicator, ...], ids: list[str], language: Language) -> str:
    named = {one.id: one.name(language) for one in indicators}
    return ("、" if language == "zh" else "; ").join(named[one] for one in ids)
