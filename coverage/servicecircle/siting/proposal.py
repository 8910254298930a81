"""What a siting study proposes: from candidates to chosen sites in their order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from servicecircle.errors import SitingError
from servicecircle.inputs.sites import Sites
from servicecircle.measure.ground import Ground
from servicecircle.messages import Language, label
from servicecircle.problems import Problem
from servicecircle.project import Project
from servicecircle.siting.answers import nearest_open
from servicecircle.siting.build import Built, build_model
from servicecircle.siting.candidates import Candidates, find_candidates
from servicecircle.siting.losses import guarantee_in, most_lost
from servicecircle.siting.model import Answer, Goal, SitingModel
from servicecircle.siting.needed import needed_instead
from servicecircle.siting.pairs import apart_pairs, candidate_pairs
from servicecircle.siting.phasing import Sequence as Phases
from servicecircle.siting.phasing import sequence
from servicecircle.siting.question import Criterion, Question
from servicecircle.siting.reached import in_order
from servicecircle.siting.refusals import (
    named_faults,
    no_candidates,
    refusal,
    unreached_problems,
)
from servicecircle.siting.request import SiteRequest, inside_scope
from servicecircle.siting.solve import solve
from servicecircle.siting.tables import Chosen

__all__ = [
    "Promise",
    "Proposal",
    "chosen_sites",
    "described",
    "in_phases",
    "propose",
    "spaced",
]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What the scorecard is to say of a target once the sites are there.

    Parameters
    ----------
    plan, indicator_id, alternative : str
    year : int, optional
    verdict : str
    value_only : bool
        Whether its value alone was asked for, whatever its bounds.
    """

    plan: str
    indicator_id: str
    alternative: str
    year: int | None
    verdict: str
    value_only: bool


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Proposal:
    """What a siting study proposes.

    Parameters
    ----------
    layers : tuple of str
        That the new sites serve.
    people : {"population", "elderly"}
        Whom they serve.
    level : str
        Of the units told before and after.
    criterion, limit, profile
        See :class:`servicecircle.siting.question.Question`.
    candidates : geopandas.GeoDataFrame
        Of the model's columns.
    model : SitingModel
    goal : Goal
    answer : Answer
    phases : Sequence, optional
    chosen : Chosen
    rows, service : numpy.ndarray of int64, shape (d,)
        Demand point, and number of the layer, of each row of the model.
    counted : numpy.ndarray of bool, shape (n,)
        Which demand points count.
    total : float
        All people asked about, once for each layer, those included whom nothing reaches.
    need : float
        Share of the people who need a place: the model's weights are people times this.
    lines : tuple of mapping of str to float, one for each layer
        Least share of the people of each unit, where one is asked for.
    profiles : tuple of str
        That people travel with to each layer.
    found : mapping
        What is to be said of the candidates in ``run.json``.
    problems : tuple of Problem
    attributes : mapping
        Columns of the list that the new facilities need besides.
    target : mapping
        Of an indicator: what was derived from it, for ``run.json``; empty without.
    promised : Promise, optional
    tables : mapping of str to pandas.DataFrame
        Further tables, as their files are called.
    """

    layers: tuple[str, ...]
    people: Literal["population", "elderly"]
    level: str
    criterion: Criterion
    limit: float
    profile: str
    candidates: gpd.GeoDataFrame
    model: SitingModel
    goal: Goal
    answer: Answer
    phases: Phases | None
    chosen: Chosen
    rows: Ints
    service: Ints
    counted: Bools
    total: float
    need: float
    lines: tuple[Mapping[str, float], ...]
    profiles: tuple[str, ...]
    found: Mapping[str, Any]
    problems: tuple[Problem, ...]
    attributes: Mapping[str, object] = field(default_factory=dict)
    target: Mapping[str, Any] = field(default_factory=dict)
    promised: Promise | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def named(self, units: pd.DataFrame, language: Language) -> Proposal:
        """Return the proposal with a name for each chosen candidate that has none.

        Parameters
        ----------
        units : pandas.DataFrame
            unit_id, name.
        language : {"zh", "en"}
        """
        names = units.drop_duplicates("unit_id").set_index("unit_id")["name"]
        chosen = self.chosen.columns
        given = self.candidates["name"].fillna("").astype(str).to_numpy(object).copy()
        column = f"unit_{self.level}"
        where = self.candidates[column].to_numpy(object)[chosen]
        for number, (at, unit) in enumerate(zip(chosen.tolist(), where, strict=True), start=1):
            name = names.get(unit, "") if isinstance(unit, str) else ""
            given[at] = given[at] or label("site_name", language).format(unit=name, number=number)
        return replace(self, candidates=self.candidates.assign(name=given))

    @property
    def new(self) -> gpd.GeoDataFrame:
        """The chosen candidates in their order."""
        return self.candidates.iloc[self.chosen.columns].reset_index(drop=True)

    @property
    def existing(self) -> Bools:
        """Which columns of the model are sites that are there."""
        return np.asarray(self.model.kept | self.model.closable)

    def covered(self) -> list[tuple[Bools, Bools]]:
        """Return which demand points are covered before and after, for each layer."""
        found = []
        pairs = self.model.pairs
        was, now = (nearest_open(pairs, one)[1] >= 0 for one in (self.existing, self.answer.open))
        for service in range(len(self.layers)):
            mine = self.service == service
            before, after = np.zeros((2, self.counted.size), bool)
            before[self.rows[mine & was]] = True
            after[self.rows[mine & now]] = True
            found.append((before, after))
        return found


def propose(
    question: Question,
    request: SiteRequest,
    *,
    project: Project,
    ground: Ground,
    sites: Sites,
) -> Proposal:
    """Find candidates, build the model of a question, solve it, and put the sites in order.

    Parameters
    ----------
    question : Question
    request : SiteRequest
        That it was made of: phases, seconds and gap.
    project : Project
    ground : Ground
    sites : Sites
        Lists of candidates and excluded areas, as read.

    Returns
    -------
    Proposal

    Raises
    ------
    SitingError
        If the question contradicts itself, or no choice of candidates can meet it.
    """
    units = pd.DataFrame(ground.units.drop(columns="geometry"))
    found = find_candidates(
        project, ground, sites, layer=question.layers[0], also=question.layers[1:]
    )
    counted = inside_scope(question.scope, ground.demand, units)

    def model_of(asked: Question, pairs: list[csr_array]) -> Built:
        return build_model(
            asked,
            demand=ground.demand,
            inside=counted,
            units=units,
            candidates=found.frame,
            pairs=pairs,
            apart=spaced(project, found),
        )

    built = model_of(question, _near(question, ground, found))
    if found.existing.all():
        raise SitingError(no_candidates(found.problems))
    try:
        answer = solve(built.model, built.goal, seconds=request.seconds, gap=request.gap)
    except SitingError as error:
        raise SitingError(named_faults(error.problems, found.frame)) from None
    if answer.status in ("infeasible", "no_answer"):
        raise refusal(
            answer,
            built,
            units,
            seconds=request.seconds,
            needed=needed_instead(built.model, built.goal, answer, seconds=request.seconds),
        )
    lost = _most_lost(built, answer, request, ground=ground, found=found, model_of=model_of)
    phases = in_phases(built.model, built.goal, answer, request)
    answer = answer if phases is None else phases.answer
    return Proposal(
        layers=question.layers,
        people=question.people,
        level=question.level,
        criterion=question.criterion,
        limit=question.limit,
        profile=question.profile,
        candidates=found.frame,
        model=built.model,
        goal=built.goal,
        answer=answer,
        phases=phases,
        chosen=chosen_sites(built.model, answer, phases, request, project.project.as_of),
        rows=built.rows,
        service=built.service,
        counted=counted,
        total=built.people,
        need=question.need if question.capacities else 1.0,
        lines=tuple(built.lines(service) for service in range(len(question.layers))),
        profiles=tuple(question.profile_to(layer) for layer in question.layers),
        found=described(found, built.model)
        | {
            "people": built.people,
            "people_unreached_by_any": built.unreached_people,
            "points_unreached_by_any": int(built.unreached.size),
            **lost,
        },
        problems=(*found.problems, *unreached_problems(built)),
    )


def in_phases(
    model: SitingModel, goal: Goal, answer: Answer, request: SiteRequest
) -> Phases | None:
    """Return the sites in phases, where they are asked for.

    Parameters
    ----------
    model, goal, answer
    request : SiteRequest
    """
    new = answer.open & ~(model.kept | model.closable)
    if not (request.parts or request.budgets) or not new.any():
        return None
    return sequence(
        model,
        goal,
        answer,
        parts=request.parts or (1.0,),
        budgets=request.budgets or None,
        seconds=request.seconds,
    )


def chosen_sites(
    model: SitingModel, answer: Answer, phases: Phases | None, request: SiteRequest, as_of: dt.date
) -> Chosen:
    """Return the new sites in their order, with the year of each.

    Phases are years one after the other: from the first year asked for; else they end with the
    year of the target; else they begin in the year after the date of judgement.

    Parameters
    ----------
    model, answer
    phases : Sequence, optional
        Without, sites stand in the order of what they add, and have the target's year alone.
    request : SiteRequest
    as_of : datetime.date
    """
    existing = model.kept | model.closable
    closed = np.flatnonzero(existing & ~answer.open)
    if phases is None:
        new = np.flatnonzero(answer.open & ~existing)
        order = in_order(model, new, existing & answer.open)
        only = request.year if request.first_year is None else request.first_year
        years: tuple[int | None, ...] = (only,) * order.size
        return Chosen(columns=order, phase=np.ones(order.size, np.int64), year=years, closed=closed)
    phase = phases.phase + 1
    first = request.first_year
    if first is None:
        last = int(phase.max(initial=1))
        first = as_of.year + 1 if request.year is None else request.year - last + 1
    years = tuple(first + int(one) - 1 for one in phase)
    return Chosen(columns=phases.order, phase=phase, year=years, closed=closed)


def _near(
    question: Question, ground: Ground, found: Candidates, *, more: float = 0.0
) -> list[csr_array]:
    """Return for each layer what each demand point reaches of the candidates that can serve it."""
    return [
        candidate_pairs(
            ground,
            found,
            limit=question.limit + more,
            criterion=question.criterion,
            profile=question.profile_to(layer),
            layer=layer,
        )
        for layer in question.layers
    ]


def _most_lost(
    built: Built,
    answer: Answer,
    request: SiteRequest,
    *,
    ground: Ground,
    found: Candidates,
    model_of: Callable[[Question, list[csr_array]], Built],
) -> dict[str, float | None]:
    """Return what siting on the grid can lose at most; nothing where no guarantee speaks of it."""
    question, model = built.question, built.model
    more = guarantee_in(ground, found, criterion=question.criterion, profile=question.profile)
    new = ~(model.kept | model.closable)
    bound = (model.mandatory | model.forbidden)[new].any() or bool(model.apart.size)
    bound = bound or bool((model.presence > 0).any()) or bool(np.isfinite(model.capacity).any())
    # The guarantee is that of the first layer's travel.
    bound = bound or bool(question.profiles) or len(set(found.directions.values())) > 1
    if bound or not np.isfinite(more) or question.objective not in {"fewest", "cover"}:
        return {}
    wide = _near(question, ground, found, more=more)
    if question.objective == "cover" and question.floor is None:
        # Between the candidates may be places that reach people whom none of them does.
        model = model_of(replace(question, share=0.0), wide).model
        wider = model.pairs
    else:
        mine = [part[built.rows[built.service == at]] for at, part in enumerate(wide)]
        wider = csr_array(vstack(mine, format="csr"))
    loss = most_lost(
        model, built.goal, answer, wider=wider, seconds=request.seconds, gap=max(request.gap, 0.01)
    )
    return {
        "any_point_at_best": float(loss.best) if np.isfinite(loss.best) else None,
        "lost_at_most": float(loss.lost) if np.isfinite(loss.lost) else None,
    }


def spaced(project: Project, found: Candidates) -> Ints:
    """Return the candidates that are too close to each other, as the project sees it."""
    settings = project.siting
    if settings is None:
        return np.empty((0, 2), np.int64)
    return apart_pairs(found, spacing_m=settings.spacing_m, existing_m=settings.spacing_existing_m)


def described(found: Candidates, model: SitingModel) -> dict[str, Any]:
    """Return what is said of the candidates in the record."""
    return {
        "chosen_by": dict(found.chosen),
        "by_source": {
            str(source): int(count)
            for source, count in found.frame["source"].value_counts(sort=False).items()
        },
        "excluded": dict(found.excluded),
        "guarantee_m": None if np.isnan(found.guarantee_m) else float(found.guarantee_m),
        "demand_points": int(model.weights.size),
        "pairs": int(model.pairs.nnz),
    }
