"""Plan files as a run keeps them: a copy of each, so that its results can be explained later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servicecircle.standards.indicators import plan_text

if TYPE_CHECKING:
    from servicecircle.project import Project
    from servicecircle.standards.plan import Plan

__all__ = ["KeptPlan", "kept_plans", "plans_record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlan:
    """A plan that a run was judged on.

    Parameters
    ----------
    id : str
        Of the plan, as in the scorecard.
    name : str
        In the project file.
    source : str
        Name of the file it was read from.
    file : str
        Of the copy in the run's folder; never a name from data.
    text : bytes
    """

    id: str
    name: str
    source: str
    file: str
    text: bytes


def kept_plans(project: Project, plans: Mapping[str, Plan]) -> tuple[KeptPlan, ...]:
    """Return the copies of the plan files of a project.

    Parameters
    ----------
    project : Project
    plans : mapping of str to Plan
        By their name in the project.

    Raises
    ------
    ProjectError
        If a file cannot be read.

    Examples
    --------
    >>> from servicecircle.demo import demo_project
    >>> from servicecircle.project import load_project
    >>> from servicecircle.standards.indicators import load_plan
    >>> kept = kept_plans(load_project(demo_project()), {"minle": load_plan("minle")})
    >>> kept[0].id, kept[0].source, kept[0].file
    ('minle', 'minle.toml', 'plan_1.toml')
    """
    kept = []
    for number, (name, plan) in enumerate(plans.items(), start=1):
        path = project.plans[name].path
        source, text = plan_text(name if path is None else project.folder / path)
        kept.append(
            KeptPlan(id=plan.id, name=name, source=source, file=f"plan_{number}.toml", text=text)
        )
    return tuple(kept)


def plans_record(kept: Iterable[KeptPlan]) -> list[dict[str, Any]]:
    """Return what ``run.json`` says of the plans.

    Examples
    --------
    >>> one = KeptPlan(id="a", name="own", source="own.toml", file="plan_1.toml", text=b"")
    >>> record = plans_record([one])[0]
    >>> record["id"], record["file"], record["sha256"][:8]
    ('a', 'plan_1.toml', 'e3b0c442')
    >>> plans_record([])
    []
    """
    return [
        {
            "id": one.id,
            "name": one.name,
            "source": one.source,
            "file": one.file,
            "sha256": hashlib.sha256(one.text).hexdigest(),
        }
        for one in kept
    ]
