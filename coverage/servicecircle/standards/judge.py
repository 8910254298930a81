"""The plans of a project judged on what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from servicecircle.measure.ground import Ground
from servicecircle.network.profiles import PROFILES
from servicecircle.progress import Progress
from servicecircle.project import Project
from servicecircle.standards.conflict_table import conflict_table
from servicecircle.standards.doubts import doubt_tables, places_of
from servicecircle.standards.evaluate import evaluate_plan
from servicecircle.standards.evidence import Evidence
from servicecircle.standards.kinds import Study
from servicecircle.standards.outlook import JudgedPlan, outlook_tables
from servicecircle.standards.plan import Plan
from servicecircle.standards.registry import LayerWords
from servicecircle.standards.scorecard import SCORECARD_COLUMNS, UNIT_RESULT_COLUMNS
from servicecircle.standards.studied import level_of_area
from servicecircle.standards.trace import trace_table

__all__ = ["Judged", "Surveyed", "judge_plans", "plan_evidence"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Judged:
    """What judging the plans gave.

    Parameters
    ----------
    scorecard, unit_results : pandas.DataFrame
        The tables of the same names, plan after plan; empty without plans.
    tables : mapping of str to pandas.DataFrame
        Further tables, as their files are called.
    """

    scorecard: pd.DataFrame
    unit_results: pd.DataFrame
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


class Surveyed(Protocol):
    """What plans are judged on: the ground of a run, or what its folder keeps of one."""

    @property
    def units(self) -> pd.DataFrame:
        """Units of all levels, with their geometry."""

    @property
    def facilities(self) -> pd.DataFrame:
        """Facilities of all layers, with their geometry."""

    @property
    def demand(self) -> pd.DataFrame:
        """Demand points."""

    @property
    def scopes(self) -> pd.DataFrame:
        """Named areas."""

    @property
    def network(self) -> object:
        """None without roads."""

    @property
    def staff(self) -> pd.DataFrame:
        """Table of staff."""

    @property
    def statistics(self) -> pd.DataFrame:
        """Table of figures."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Further tables, such as ``calibration``."""


def plan_evidence(
    project: Project,
    ground: Surveyed,
    access: pd.DataFrame,
    *,
    extra_layers: Mapping[str, LayerWords],
) -> Evidence:
    """Return what plans are judged on, as the evaluation takes it.

    Parameters
    ----------
    project : Project
    ground : Ground or its like
    access : pandas.DataFrame
        The access contract, long.
    extra_layers : mapping of str to LayerWords
        Layers that the project adds to the registry.
    """
    people = project.population
    return Evidence(
        as_of=project.project.as_of,
        units=pd.DataFrame(ground.units.drop(columns="geometry", errors="ignore")).set_index(
            "unit_id"
        ),
        facilities=pd.DataFrame(
            ground.facilities.drop(columns="geometry", errors="ignore")
        ).set_index("facility_id"),
        demand=ground.demand.set_index("demand_id"),
        access=access,
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
        people_cause="cell_size"
        if people is not None and people.raster is not None
        else "people_coordinates",
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
        staff=ground.staff,
        norms={name: norm for plan in project.plans.values() for name, norm in plan.norms.items()},
        people_date=people.date if people is not None else None,
        statistics=ground.statistics,
        calibration=ground.tables.get("calibration"),
        roads_by_unit=ground.tables.get("roads_by_unit"),
    )


def judge_plans(
    project: Project,
    ground: Ground,
    access: pd.DataFrame,
    plans: Mapping[str, Plan],
    *,
    extra_layers: Mapping[str, LayerWords],
    progress: Progress,
) -> Judged:
    """Judge every plan of a project.

    Parameters
    ----------
    project : Project
    ground : Ground
    access : pandas.DataFrame
        The access contract, long: at least what
        :func:`servicecircle.standards.evaluate.required_access` names.
    plans : mapping of str to Plan
        By their name in the project.
    extra_layers : mapping of str to LayerWords
        Layers that the project adds to the registry.
    progress : Progress

    Returns
    -------
    Judged
        Without plans no further tables.
    """
    if not plans:
        return Judged(
            scorecard=pd.DataFrame(columns=list(SCORECARD_COLUMNS)),
            unit_results=pd.DataFrame(columns=list(UNIT_RESULT_COLUMNS)),
        )
    evidence = plan_evidence(project, ground, access, extra_layers=extra_layers)
    cards, units, traces = [], [], []
    judged: list[JudgedPlan] = []
    with progress.stage("plans", len(plans)) as advance:
        for name, plan in plans.items():
            settings = project.plans[name]
            found = evaluate_plan(
                plan,
                evidence,
                area=settings.area,
                own_level=settings.level,
                pins=settings.pins,
                invented=project.project.invented,
                anyway=settings.anyway,
                language=project.project.language,
            )
            card, rows = found.scorecard, found.unit_results
            cards.append(card)
            units.append(rows)
            traces.append(found.trace)
            study = Study(
                plan=plan,
                evidence=evidence,
                area=settings.area,
                own_level=level_of_area(plan, evidence, settings.area, settings.level),
                pins=settings.pins,
                language=project.project.language,
            )
            judged.append(JudgedPlan(study=study, scorecard=card, unit_results=rows))
            advance(1)
    tables = outlook_tables(
        judged,
        places=(ground.demand_points.x, ground.demand_points.y),
        slopes=project.roads is not None and project.roads.dem is not None,
    )
    tables |= doubt_tables(
        judged, places=places_of(ground), settings=project.monte_carlo, progress=progress
    )
    scorecard = pd.concat(cards, ignore_index=True)
    conflicts = conflict_table(plans.values(), scorecard, project.project.language)
    return Judged(
        scorecard=scorecard,
        unit_results=pd.concat(units, ignore_index=True),
        tables={**tables, "conflicts": conflicts, "trace": trace_table(traces)},
    )
