"""The plans of a project judged on what was measured."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from servicecircle.measure.ground import Ground
from servicecircle.measure.layers import Access
from servicecircle.network.profiles import PROFILES
from servicecircle.progress import Progress
from servicecircle.project import Project
from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.evidence import Evidence
from servicecircle.standards.plan import Plan
from servicecircle.standards.registry import LayerWords
from servicecircle.standards.scorecard import SCORECARD_COLUMNS, UNIT_RESULT_COLUMNS

__all__ = ["judge_plans"]


def judge_plans(
    project: Project,
    ground: Ground,
    access: Access,
    plans: Mapping[str, Plan],
    *,
    extra_layers: Mapping[str, LayerWords],
    progress: Progress,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judge every plan of a project.

    Parameters
    ----------
    project : Project
    ground : Ground
    access : mapping of (layer, profile) to pandas.DataFrame
        At least those that :func:`servicecircle.standards.evaluate.required_access` names.
    plans : mapping of str to Plan
        By their name in the project.
    extra_layers : mapping of str to LayerWords
        Layers that the project adds to the registry.
    progress : Progress

    Returns
    -------
    scorecard, unit_results : pandas.DataFrame
        The tables of the same names, plan after plan; empty without plans.
    """
    people = project.population
    evidence = Evidence(
        as_of=project.project.as_of,
        units=pd.DataFrame(ground.units.drop(columns="geometry")).set_index("unit_id"),
        facilities=pd.DataFrame(ground.facilities.drop(columns="geometry")).set_index(
            "facility_id"
        ),
        demand=ground.demand.set_index("demand_id"),
        access=pd.concat(access.values(), ignore_index=True),
        layers=frozenset(project.facilities),
        scopes=frozenset(ground.scopes["scope"]),
        has_roads=ground.network is not None,
        speeds={name: project.speed_kmh(name) for name in PROFILES},
        layer_profiles={name: project.layer_profile(name) for name in project.facilities},
        default_profile=project.project.profile,
        invented_layers=frozenset(
            name for name, settings in project.facilities.items() if settings.invented
        ),
        basis=people.basis if people is not None else "",
        age_from=people.age_from if people is not None else None,
        extra_layers=extra_layers,
        serves_level={
            name: settings.serves_level
            for name, settings in project.facilities.items()
            if settings.serves_level is not None
        },
        declared_level={
            name: settings.unit_level
            for name, settings in project.facilities.items()
            if settings.unit_level is not None
        },
    )
    cards, units = [], []
    with progress.stage("plans", len(plans)) as advance:
        for name, plan in plans.items():
            settings = project.plans[name]
            card, rows = evaluate(
                plan,
                evidence,
                area=settings.area,
                own_level=settings.level,
                pins=settings.pins,
                invented=project.project.invented,
                anyway=settings.anyway,
                language=project.project.language,
            )
            cards.append(card)
            units.append(rows)
            advance(1)
    if not cards:
        return pd.DataFrame(columns=list(SCORECARD_COLUMNS)), pd.DataFrame(
            columns=list(UNIT_RESULT_COLUMNS)
        )
    return pd.concat(cards, ignore_index=True), pd.concat(units, ignore_index=True)
