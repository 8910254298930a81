"""What a run's folder keeps, as evidence: an indicator measured again from the files alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
from pydantic import ValidationError

from servicecircle.errors import InputError
from servicecircle.inputs.runs import Run, read_access, read_layer, read_units
from servicecircle.inputs.staff import no_staff
from servicecircle.measure.access import COLUMNS
from servicecircle.problems import Problem
from servicecircle.project import Project
from servicecircle.standards.evaluate import Evaluation, evaluate_plan, required_access
from servicecircle.standards.evidence import STATISTIC_COLUMNS, Evidence
from servicecircle.standards.indicators import load_plan
from servicecircle.standards.judge import plan_evidence
from servicecircle.standards.names import own_layers
from servicecircle.standards.plan import Indicator, Plan
from servicecircle.standards.registry import LayerWords, load_registry
from servicecircle.standards.studied import Study, level_of_area

__all__ = ["Recorded", "measure_again", "read_recorded", "recorded_evidence", "recorded_study"]

_DATES = ("opened", "closed", "renovated", "planned")
_TEXTS = frozenset({"unit_id", "code", "name", "level", "status"})


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Recorded:
    """What a run's folder keeps of its ground; see :class:`servicecircle.measure.ground.Ground`.

    Parameters
    ----------
    run : Run
    project : Project
        From ``run.json``; its paths are not looked at.
    extra_layers : mapping of str to LayerWords
        Layers that the project adds to the registry.
    units, facilities, demand, scopes, staff, statistics : pandas.DataFrame
    network : object
        None without roads.
    tables : mapping of str to pandas.DataFrame
    """

    run: Run
    project: Project
    extra_layers: Mapping[str, LayerWords]
    units: pd.DataFrame
    facilities: pd.DataFrame
    demand: pd.DataFrame
    scopes: pd.DataFrame
    network: object
    staff: pd.DataFrame
    statistics: pd.DataFrame
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def plan(self, plan_id: str) -> Plan:
        """Return a plan as the run was judged by it, from its copy in the folder."""
        return load_plan(self.run.plans[plan_id], extra_layers=self.extra_layers)

    def plan_name(self, plan_id: str) -> str:
        """Return the name that the project file gives a plan."""
        return next(str(one["name"]) for one in self.run.record["plans"] if one["id"] == plan_id)


def read_recorded(run: Run) -> Recorded:
    """Read what a run's folder keeps of its ground.

    Parameters
    ----------
    run : Run

    Raises
    ------
    InputError
        If ``run.json`` does not hold a project as this version knows it.
    """
    project = _project(run)
    scopes = read_layer(run, "scopes", shapes=False)
    return Recorded(
        run=run,
        project=project,
        extra_layers=own_layers(project),
        units=read_units(run),
        facilities=_facilities(run.facilities),
        demand=_demand(run),
        scopes=scopes,
        network=run.record.get("network"),
        staff=_dated(run.tables["staff"]) if "staff" in run.tables else no_staff(),
        statistics=_dated(run.tables["statistics"])
        if "statistics" in run.tables
        else pd.DataFrame(columns=list(STATISTIC_COLUMNS)),
        tables={
            name: _numbers(run.tables[name])
            for name in ("calibration", "roads_by_unit")
            if name in run.tables
        },
    )


def measure_again(recorded: Recorded, plan_id: str, indicator_id: str) -> Evaluation:
    """Measure an indicator again, from the tables of the folder alone.

    Parameters
    ----------
    recorded : Recorded
    plan_id, indicator_id : str
        As in the scorecard.

    Returns
    -------
    Evaluation
        Of all alternatives and years.
    """
    plan = recorded.plan(plan_id)
    only = replace(plan, indicators=tuple(x for x in plan.indicators if x.id == indicator_id))
    settings = recorded.project.plans[recorded.plan_name(plan_id)]
    return evaluate_plan(
        only,
        recorded_evidence(recorded, only),
        area=settings.area,
        own_level=settings.level,
        pins={name: pin for name, pin in settings.pins.items() if name == indicator_id},
        invented=recorded.project.project.invented,
        anyway=[name for name in settings.anyway if name == indicator_id],
        language=recorded.project.project.language,
    )


def recorded_evidence(recorded: Recorded, plan: Plan) -> Evidence:
    """Return the evidence of a run that a plan is judged on, with the access that it needs."""
    own = {name: str(recorded.project.layer_profile(name)) for name in recorded.project.facilities}
    tables = [
        read_access(recorded.run, layer=layer, profile=profile)
        for layer, profile in sorted(required_access([plan], own))
    ]
    access = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))
    return plan_evidence(recorded.project, recorded, access, extra_layers=recorded.extra_layers)


def recorded_study(recorded: Recorded, plan: Plan, indicator: Indicator) -> Study:
    """Return the study of an indicator on what a run's folder keeps, without access."""
    settings = recorded.project.plans[recorded.plan_name(plan.id)]
    access = pd.DataFrame(columns=list(COLUMNS))
    evidence = plan_evidence(recorded.project, recorded, access, extra_layers=recorded.extra_layers)
    return Study(
        plan=plan,
        evidence=evidence,
        area=settings.area,
        own_level=level_of_area(plan, evidence, settings.area, settings.level),
        pins={name: pin for name, pin in settings.pins.items() if name == indicator.id},
        language=recorded.project.project.language,
    )


def _project(run: Run) -> Project:
    """Return the project as ``run.json`` holds it; JSON has no dates."""
    data: Any = run.record["project"]
    for _ in range(2):
        try:
            return Project.model_validate(data)
        except ValidationError as error:
            wrong = [item["loc"] for item in error.errors() if item["type"] == "date_type"]
            data = _with_dates(data, wrong)
    raise InputError(
        Problem(code="runs.not_ours", severity="fatal", action="stopped", value=str(run.folder))
    )


def _with_dates(data: Any, places: list[tuple[int | str, ...]], here: tuple[Any, ...] = ()) -> Any:
    if isinstance(data, dict):
        return {key: _with_dates(value, places, (*here, key)) for key, value in data.items()}
    if isinstance(data, list):
        return [_with_dates(value, places, (*here, at)) for at, value in enumerate(data)]
    if here in places and isinstance(data, str):
        try:
            return dt.date.fromisoformat(data)
        except ValueError:
            return data
    return data


def _facilities(table: pd.DataFrame) -> pd.DataFrame:
    """Return facilities with the types of a run: dates, attributes, units that may be missing."""
    changed: dict[str, Any] = {
        name: pd.to_datetime(table[name].where(table[name] != ""))
        for name in _DATES
        if name in table
    }
    for name in map(str, table.columns):
        if name.startswith("unit_"):
            changed[name] = table[name].astype(object).where(table[name] != "", None)
    for name, words in load_registry().attributes.items():
        # Its name may begin as that of a scope, so that it was read as a switch already.
        if name not in table or name in changed or table[name].dtype == "boolean":
            continue
        if words.type == "yes_no":
            switches = table[name].str.lower().map({"true": True, "false": False})
            changed[name] = switches.astype("boolean")
        elif words.type == "number":
            changed[name] = pd.to_numeric(table[name].where(table[name] != ""))
    return table.assign(**changed)


def _demand(run: Run) -> pd.DataFrame:
    """Return the demand points: those of the first layer, for every layer has them all."""
    for entry in run.record.get("access", ()):
        layer, _, profile = str(entry).partition(" (")
        table = read_access(run, layer=layer, profile=profile.removesuffix(")"))
        if len(table):
            own = [
                name
                for name in map(str, table.columns)
                if name in {"demand_id", "population", "elderly", "lon", "lat", "position_error_m"}
                or name.startswith(("unit_", "in_"))
            ]
            return table[own]
    return pd.DataFrame(columns=["demand_id", "population", "elderly"])


def _dated(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(date=pd.to_datetime(table["date"].where(table["date"] != "")))


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of figures by unit with its numbers and switches."""
    changed: dict[str, Any] = {}
    for name in map(str, table.columns):
        texts = table[name]
        if name in _TEXTS:
            continue
        if texts.isin(["true", "false"]).any():
            changed[name] = texts.map({"true": True, "false": False}).astype("boolean")
        else:
            changed[name] = pd.to_numeric(texts.where(texts != ""), errors="coerce")
    return table.assign(**changed)
