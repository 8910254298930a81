"""Places and competition of a run: catchments and assignment by unit, by facility and by point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.measure.assignment import Placement, least_time, nearest_first
from servicecircle.measure.catchments import (
    Competition,
    floating_catchments,
    gaussian_weights,
    step_weights,
)
from servicecircle.measure.competition import Contest, Groups, contests, unit_groups
from servicecircle.measure.ground import Ground
from servicecircle.problems import Problem
from servicecircle.progress import Progress
from servicecircle.project import AssignmentSettings, CatchmentSettings, Project

__all__ = [
    "ASSIGNMENT_COLUMNS",
    "ASSIGNMENT_FACILITY_COLUMNS",
    "CATCHMENT_COLUMNS",
    "CATCHMENT_FACILITY_COLUMNS",
    "Capacity",
    "all_capacity",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Parts of a person that rounding leaves.
_NOBODY = 1e-9

_ASKED = ("name", "layer", "profile", "minutes", "weight")
_UNIT = ("level", "unit_id", "unit_name", "people")
_REACHED = ("beyond_limit", "unreachable", "unsnapped")
CATCHMENT_COLUMNS = (
    *(*_ASKED, "method", "per", *_UNIT, "within", *_REACHED),
    *("score", "norm", "people_at_norm", "share_at_norm"),
)
ASSIGNMENT_COLUMNS = (
    *(*_ASKED, "rule", "share", *_UNIT, "placed", "left", "full", *_REACHED, "mean_minutes"),
)
_FACILITY = ("facility_id", "facility_name", "capacity", "status", "people_in_reach")
CATCHMENT_FACILITY_COLUMNS = (*_ASKED, "method", "per", *_FACILITY, "people_weighted", "ratio")
ASSIGNMENT_FACILITY_COLUMNS = (
    *(*_ASKED, "rule", "share", *_FACILITY, "assigned", "free", "mean_minutes"),
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Capacity:
    """What people find where they compete for places.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        ``catchments``, ``catchment_facilities``, ``assignment``, ``assignment_facilities``, as
        far as the project asks for them.
    demand : mapping of str to numpy.ndarray
        ``score_<name>_<method>`` (places for ``per`` people, NaN where somebody has no way or does
        not compete) and ``left_<name>_<rule>`` (people without a place), as rows of the demand.
    problems : tuple of Problem
    record : mapping
        For ``run.json``.
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    demand: Mapping[str, Floats] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    record: Mapping[str, object] = field(default_factory=dict)


def all_capacity(project: Project, ground: Ground, progress: Progress) -> Capacity:
    """Compute the catchments and the assignments that a project asks for.

    Parameters
    ----------
    project : Project
    ground : Ground
    progress : Progress

    Returns
    -------
    Capacity
        Empty where nothing is asked for.
    """
    asked: list[tuple[str, CatchmentSettings | AssignmentSettings]] = [
        *project.catchments.items(),
        *project.assignment.items(),
    ]
    if not asked:
        return Capacity()
    lay, groups = contests(project, ground), unit_groups(ground)
    units: dict[str, list[pd.DataFrame]] = {"catchments": [], "assignment": []}
    facilities: dict[str, list[pd.DataFrame]] = {"catchments": [], "assignment": []}
    demand: dict[str, Floats] = {}
    problems: list[Problem] = []
    record: dict[str, Any] = {}
    with progress.stage("capacity", len(asked)) as advance:
        for name, settings in asked:
            competing = isinstance(settings, CatchmentSettings)
            kind = "catchments" if competing else "assignment"
            contest = lay(name, settings)
            if isinstance(contest, Problem):
                problems.append(contest)
                advance(1)
                continue
            problems += _problems(contest, settings, f"[{kind}.{name}]")
            about = _about(contest, settings, name)
            if isinstance(settings, CatchmentSettings):
                found = _catchments(contest, settings, about, groups)
            else:
                found = _assignments(contest, settings, about, groups)
            units[kind] += found.units
            facilities[kind] += found.facilities
            demand |= found.demand
            record[f"{kind}.{name}"] = {**_counts(contest), **found.record}
            advance(1)
    tables = {}
    for kind, columns, of_facilities in (
        ("catchments", CATCHMENT_COLUMNS, CATCHMENT_FACILITY_COLUMNS),
        ("assignment", ASSIGNMENT_COLUMNS, ASSIGNMENT_FACILITY_COLUMNS),
    ):
        if getattr(project, kind):
            part = "catchment_facilities" if kind == "catchments" else "assignment_facilities"
            tables[kind] = _joined(units[kind], columns)
            tables[part] = _joined(facilities[kind], of_facilities)
    return Capacity(tables=tables, demand=demand, problems=tuple(problems), record=record)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Found:
    units: list[pd.DataFrame]
    facilities: list[pd.DataFrame]
    demand: dict[str, Floats]
    record: dict[str, object]


def _joined(frames: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(frames, ignore_index=True)[list(columns)]


def _about(
    contest: Contest, settings: CatchmentSettings | AssignmentSettings, name: str
) -> dict[str, Any]:
    return {
        "name": name,
        "layer": contest.layer,
        "profile": contest.profile,
        "minutes": float(settings.minutes),
        "weight": settings.weight,
    }


def _counts(contest: Contest) -> dict[str, object]:
    statuses = contest.facilities["status"].value_counts().sort_index()
    return {
        "facilities": {str(name): int(count) for name, count in statuses.items()},
        "pairs": int(contest.minutes.nnz),
    }


def _problems(
    contest: Contest, settings: CatchmentSettings | AssignmentSettings, value: str
) -> list[Problem]:
    table = contest.facilities
    unknown = int((table["status"] == "no_capacity").sum())
    problems = []
    if unknown:
        problems.append(
            Problem(
                code="capacity.unknown",
                severity="warning",
                action="counted",
                value=str(unknown),
                details={"layer": contest.layer, "total": len(table), "name": value},
            )
        )
    reached = contest.of_facilities(_in_reach(contest))
    lost = (table["status"] != "no_capacity").to_numpy() & ~(reached > 0.0)
    places = float(table.loc[lost, "capacity"].sum())
    if places > 0.0:
        problems.append(
            Problem(
                code="capacity.out_of_reach",
                severity="note",
                action="counted",
                value=str(int(lost.sum())),
                details={
                    "layer": contest.layer,
                    "places": f"{places:g}",
                    "minutes": f"{settings.minutes:g}",
                    "name": value,
                },
            )
        )
    return problems


def _in_reach(contest: Contest) -> Floats:
    """Return the people within reach of each facility."""
    rows = np.repeat(contest.people, np.diff(contest.minutes.indptr))
    return _added(contest.minutes.indices, rows, contest.capacity.size)


def _catchments(
    contest: Contest, settings: CatchmentSettings, about: dict[str, Any], groups: Groups
) -> _Found:
    minutes = contest.minutes
    if settings.steps:
        steps = [(end, weight) for end, weight in settings.steps]
        weighed = step_weights(minutes.data, steps)
    else:
        weighed = gaussian_weights(minutes.data, settings.minutes)
    weights = csr_array((weighed, minutes.indices, minutes.indptr), shape=minutes.shape)
    people = _unit_people(contest, contest.people, groups)
    units, facilities, demand = [], [], {}
    for method in settings.methods:
        found = floating_catchments(weights, contest.people, contest.capacity, method=method)
        head = {**about, "method": method, "per": settings.per}
        scores = _unit_scores(contest, settings, found, groups, people["people"])
        units.append(_table(groups.table, head, people | scores))
        columns = {
            "people_weighted": contest.of_facilities(found.weighted),
            "ratio": contest.of_facilities(found.ratio) * settings.per,
        }
        facilities.append(_table(_facility_rows(contest), head, columns))
        score = np.where(_has_way(contest), found.score * settings.per, np.nan)
        demand[f"score_{about['name']}_{method}"] = contest.in_order(score)
    weighting = "steps" if settings.steps else "gaussian"
    record: dict[str, object] = {"weights": weighting, "outsiders": settings.outsiders}
    return _Found(units=units, facilities=facilities, demand=demand, record=record)


def _table(
    table: pd.DataFrame, head: Mapping[str, Any], columns: Mapping[str, Floats]
) -> pd.DataFrame:
    said = {name: [value] * len(table) for name, value in head.items()}
    more = pd.DataFrame({**said, **columns}, index=table.index)
    return pd.concat([table, more], axis=1)


def _has_way(contest: Contest) -> NDArray[np.bool_]:
    """Tell who compete and have a way to facilities, be they out of reach."""
    way = (contest.status == "within") | (contest.status == "beyond_limit")
    return np.asarray(way & (contest.people > 0.0) & _is_known(contest), np.bool_)


def _is_known(contest: Contest) -> bool:
    """Tell whether the supply is known: that of no open facility is 0."""
    return contest.capacity.size > 0 or not len(contest.facilities)


def _facility_rows(contest: Contest) -> pd.DataFrame:
    table = contest.facilities.rename(columns={"name": "facility_name"}).drop(columns="column")
    status = table["status"].to_numpy(object)
    reached = contest.of_facilities(_in_reach(contest))
    nobody = (status == "counted") & ~(reached > 0.0)
    return table.assign(people_in_reach=reached, status=np.where(nobody, "nobody", status))


def _added(group: Ints, values: Floats, count: int) -> Floats:
    # Of nothing numpy's sums are whole numbers.
    return np.bincount(group, values, count).astype(np.float64)


def _unit_people(contest: Contest, people: Floats, groups: Groups) -> dict[str, Floats]:
    """Return the people of units, in all and by what they reach."""
    sums = {"people": groups.sums(contest.points, people)}
    for status in ("within", *_REACHED):
        chosen = np.where(contest.status == status, people, 0.0)
        sums[status] = groups.sums(contest.points, chosen)
    return sums


def _share(part: Floats, whole: Floats) -> Floats:
    """Return part ÷ whole, NaN of nobody."""
    share = np.full(part.size, np.nan)
    np.divide(part, whole, out=share, where=whole > 0.0)
    return share


def _unit_scores(
    contest: Contest,
    settings: CatchmentSettings,
    found: Competition,
    groups: Groups,
    people: Floats,
) -> dict[str, Floats]:
    score = found.score * settings.per
    unknown = np.full(people.size, np.nan)
    norm = np.nan if settings.norm is None else settings.norm
    if not _is_known(contest):
        return dict.fromkeys(("score", "people_at_norm", "share_at_norm"), unknown) | {
            "norm": unknown + norm
        }
    # A hair less by rounding still is the norm.
    enough = np.where(score >= norm * (1.0 - 1e-12), contest.people, 0.0)
    at_norm = unknown if settings.norm is None else groups.sums(contest.points, enough)
    return {
        "score": _share(groups.sums(contest.points, score * contest.people), people),
        "norm": np.full(people.size, norm),
        "people_at_norm": at_norm,
        "share_at_norm": _share(at_norm, people),
    }


def _assignments(
    contest: Contest, settings: AssignmentSettings, about: dict[str, Any], groups: Groups
) -> _Found:
    needing = contest.people * settings.share
    people = _unit_people(contest, needing, groups)
    units, facilities, demand = [], [], {}
    record: dict[str, object] = {"outsiders": settings.outsiders}
    for rule in settings.rules:
        place = nearest_first if rule == "nearest" else least_time
        found = place(contest.minutes, needing, contest.capacity)
        head = {**about, "rule": rule, "share": settings.share}
        units.append(_table(groups.table, head, people | _unit_places(contest, found, groups)))
        spent = _added(
            found.flow.indices, found.flow.data * contest.minutes.data, contest.capacity.size
        )
        free = np.maximum(contest.capacity - found.load, 0.0)
        columns = {
            "assigned": contest.of_facilities(found.load),
            "free": contest.of_facilities(np.where(free <= _NOBODY, 0.0, free)),
            "mean_minutes": contest.of_facilities(_share(spent, found.load)),
        }
        facilities.append(_table(_facility_rows(contest), head, columns))
        left = np.where((needing > 0.0) & _is_known(contest), found.left, np.nan)
        demand[f"left_{about['name']}_{rule}"] = contest.in_order(left)
        said = {"placed": found.placed, "person_minutes": found.cost}
        if rule == "least_time":
            said |= {"bound_by_duality": found.cost - found.gap, "gap": found.gap}
        record[rule] = said
    return _Found(units=units, facilities=facilities, demand=demand, record=record)


def _unit_places(contest: Contest, found: Placement, groups: Groups) -> dict[str, Floats]:
    if not _is_known(contest):
        unknown = np.full(len(groups.table), np.nan)
        return dict.fromkeys(("placed", "left", "full", "mean_minutes"), unknown)
    count = contest.people.size
    rows = np.repeat(np.arange(count), np.diff(contest.minutes.indptr))
    placed = groups.sums(contest.points, _added(rows, found.flow.data, count))
    spent = _added(rows, found.flow.data * contest.minutes.data, count)
    full = np.where(contest.status == "within", found.left, 0.0)
    return {
        "placed": placed,
        "left": groups.sums(contest.points, found.left),
        "full": groups.sums(contest.points, full),
        "mean_minutes": _share(groups.sums(contest.points, spent), placed),
    }
