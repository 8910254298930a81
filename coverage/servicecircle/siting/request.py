"""What a siting study is asked for on the command line, settled with the project it is about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.errors import SitingError
from servicecircle.measure.ways import profile_of
from servicecircle.problems import Problem, nearest_name
from servicecircle.project import Project
from servicecircle.siting.model import Objective
from servicecircle.siting.question import Criterion, Question
from servicecircle.standards.registry import load_registry
from servicecircle.standards.scopes import units_in_scope

__all__ = ["SiteRequest", "check_request", "inside_scope", "settle_request"]

_FAR = 4.0
"""So many times the longest minutes of the rules is looked for the nearest site, for a mean."""
_USUAL_LEVEL = "township"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRequest:
    """A siting study as it is asked for; None where nothing was said.

    Parameters
    ----------
    layers : tuple of str
        Empty with ``indicator``.
    objective : Objective
    sites, budget, by_cost, share, floor, each, closings, capacities, need, where_possible
        See :class:`servicecircle.siting.question.Question`.
    minutes, metres, straight : float, optional
        The limit, at most one of them: by time, along the roads, in a straight line.
    level, scope, people, profile : str, optional
    indicator : str
        ``PLAN:ID`` or ``ID``; "" without.
    year : int, optional
        Of its dated target, and of the date of judgement.
    value_only : bool
        Whether its value alone is to reach the target, and not the lower end of its bounds too.
    every_unit : bool
        Whether every unit of ``level`` is to reach it.
    parts : tuple of float
        Sizes of the phases to each other; empty: one phase.
    budgets : tuple of float
        Of each phase, in the place of parts.
    first_year : int, optional
        Of the first phase.
    seconds : float
        That each model may be solved for.
    gap : float
        At which solving may stop.
    """

    layers: tuple[str, ...] = ()
    objective: Objective = "fewest"
    sites: int | None = None
    budget: float | None = None
    by_cost: bool = False
    share: float | None = None
    floor: float | None = None
    each: int = 0
    closings: int = 0
    capacities: bool = False
    need: float = 1.0
    where_possible: bool = False
    minutes: float | None = None
    metres: float | None = None
    straight: float | None = None
    level: str | None = None
    scope: str | None = None
    people: str | None = None
    profile: str | None = None
    indicator: str = ""
    year: int | None = None
    value_only: bool = False
    every_unit: bool = False
    parts: tuple[float, ...] = ()
    budgets: tuple[float, ...] = ()
    first_year: int | None = None
    seconds: float = 60.0
    gap: float = 0.0


def check_request(request: SiteRequest, project: Project) -> None:
    """Refuse what needs no input to be seen as wrong, before any is read.

    Parameters
    ----------
    request : SiteRequest
    project : Project

    Raises
    ------
    SitingError
        With all layers that the project does not have; a number of sites of 0, or none where one
        is needed; minutes without roads; phases that end with ``year`` and begin before the date
        of judgement.
    UnknownNameError
        If there is no such profile.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "a.gpkg"}},
    ...     "facilities": {"canteen": {"path": "b.csv"}},
    ... })
    >>> try:
    ...     check_request(SiteRequest(layers=("canten",), sites=0), project)
    ... except SitingError as error:
    ...     print([one.code for one in error.problems])
    ['siting.unknown_layer', 'siting.no_sites']
    >>> check_request(SiteRequest(layers=("canteen",)), project)
    """
    faults = _unknown_layers(request, project)
    if request.sites is not None and request.sites + request.closings <= 0:
        faults.append(_fault("siting.no_sites", value=str(request.sites)))
    if request.objective != "fewest" and request.sites is None and request.budget is None:
        faults.append(_fault("siting.no_limit", value=request.objective))
    if project.roads is None and request.minutes is not None:
        faults.append(_fault("siting.minutes_without_roads", value=f"{request.minutes:g}"))
    faults += _past_phases(request, project)
    if faults:
        raise SitingError(faults)
    if request.profile:
        profile_of(project, request.profile)


def _past_phases(request: SiteRequest, project: Project) -> list[Problem]:
    """Refuse phases that would have to be over: sites open on the last day of their year."""
    phases = max(len(request.parts), len(request.budgets))
    if request.year is None or request.first_year is not None or not phases:
        return []
    as_of, first = project.project.as_of, request.year - phases + 1
    if dt.date(first, 12, 31) > as_of:
        return []
    day = as_of.isoformat()
    told = {"phases": phases, "first": first, "as_of": day}
    return [_fault("siting.phases_past", value=str(request.year), **told)]


def _unknown_layers(request: SiteRequest, project: Project) -> list[Problem]:
    return [
        _unknown("layer", layer, tuple(project.travel_layers))
        for layer in request.layers
        if layer not in project.travel_layers
    ]


def settle_request(
    request: SiteRequest, project: Project, *, demand: pd.DataFrame, levels: Iterable[str]
) -> Question:
    """Return the question that a request asks of a project.

    Without a limit it is the longest time of the project's rules (without roads the shortest
    straight distance), and four times that where a mean or a longest way is to be least. People
    are the elderly where they are known, units the townships where there are any, else those of
    the finest level.

    Parameters
    ----------
    request : SiteRequest
        With layers.
    project : Project
    demand : pandas.DataFrame
        population and elderly of each point.
    levels : iterable of str
        That have units, coarse before fine.

    Raises
    ------
    SitingError
        With all layers, levels and people that are not known.
    """
    known = tuple(levels)
    faults = _unknown_layers(request, project)
    level = request.level or (_USUAL_LEVEL if _USUAL_LEVEL in known else known[-1])
    if level not in known:
        faults.append(_unknown("level", level, known))
    there = [name for name in ("elderly", "population") if demand[name].fillna(0.0).sum() > 0.0]
    people = request.people or (there[0] if there else "population")
    if people not in there:
        known_people = ", ".join(there)
        faults.append(
            _fault("siting.no_such_people", value=people, known=known_people)
            if there
            else _fault("siting.no_people", value=people)
        )
    if faults:
        raise SitingError(faults)
    limit, criterion = _limit(request, project)
    layers = tuple(dict.fromkeys(request.layers))
    profile = request.profile or project.layer_profile(layers[0])
    others = {layer: request.profile or project.layer_profile(layer) for layer in layers[1:]}
    return Question(
        layers=layers,
        objective=request.objective,
        limit=limit,
        criterion=criterion,
        profile=profile,
        profiles={layer: other for layer, other in others.items() if other != profile},
        people="elderly" if people == "elderly" else "population",
        level=level,
        scope=request.scope or "all",
        sites=request.sites,
        budget=request.budget,
        by_cost=request.by_cost,
        share=request.share,
        floor=request.floor,
        each=request.each,
        closings=request.closings,
        capacities=request.capacities,
        need=request.need,
        where_possible=request.where_possible,
    )


def inside_scope(scope: str, demand: pd.DataFrame, units: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which demand points lie in a scope.

    Parameters
    ----------
    scope : str
        ``all``, an area of the project, or units of the registry told by their type.
    demand : pandas.DataFrame, length n
        ``in_<scope>`` of each area, ``unit_<level>``.
    units : pandas.DataFrame

    Returns
    -------
    numpy.ndarray of bool, shape (n,)

    Raises
    ------
    SitingError
        If the scope is not known, or its area is not supplied.

    Examples
    --------
    >>> demand = pd.DataFrame({"in_main_urban_area": [True, False]})
    >>> inside_scope("main_urban_area", demand, pd.DataFrame()).tolist()
    [True, False]
    >>> inside_scope("all", demand.iloc[:0], pd.DataFrame()).tolist()
    []
    """
    if scope == "all":
        return np.ones(len(demand), bool)
    if f"in_{scope}" in demand:
        return demand[f"in_{scope}"].to_numpy(bool)
    words = load_registry().scopes.get(scope)
    told = words is not None and bool(words.types) and not words.having and not words.built
    column = f"unit_{words.level}" if words is not None else ""
    if words is None or not told or column not in demand:
        areas = [name.removeprefix("in_") for name in map(str, demand) if name.startswith("in_")]
        typed = [
            name
            for name, one in load_registry().scopes.items()
            if one.types and not one.having and f"unit_{one.level}" in demand
        ]
        raise SitingError(_unknown("scope", scope, ("all", *areas, *typed)))
    of_level = units[units["level"] == words.level]
    inside, _ = units_in_scope(of_level, words)
    ids = of_level.loc[inside.to_numpy(bool), "unit_id"]
    return demand[column].isin(ids).to_numpy(bool)


def _limit(request: SiteRequest, project: Project) -> tuple[float, Criterion]:
    if request.straight is not None:
        return request.straight, "straight_metres"
    if request.metres is not None:
        return request.metres, "metres" if project.roads is not None else "straight_metres"
    if project.roads is None:
        if request.minutes is not None:
            raise SitingError(_fault("siting.minutes_without_roads", value=f"{request.minutes:g}"))
        return min(project.rules.metres), "straight_metres"
    far = _FAR if request.objective in ("mean", "worst") else 1.0
    minutes = request.minutes or far * max(project.rules.minutes)
    return 60.0 * minutes, "seconds"


def _fault(code: str, *, value: str, **details: object) -> Problem:
    return Problem(code=code, severity="fatal", action="stopped", value=value, details=details)


_UNKNOWN = {
    "layer": "siting.unknown_layer",
    "level": "siting.unknown_level",
    "scope": "siting.unknown_scope",
}


def _unknown(kind: str, value: str, known: tuple[str, ...]) -> Problem:
    near = nearest_name(value, known)
    return _fault(_UNKNOWN[kind], value=value, known=", ".join(known), near=near)
