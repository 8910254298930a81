"""From an indicator of a plan to the fewest sites that turn its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from servicecircle.errors import SitingError
from servicecircle.inputs.sites import Sites
from servicecircle.measure.ground import Ground
from servicecircle.messages import LANGUAGES, label
from servicecircle.problems import Problem
from servicecircle.project import LEVELS, Project
from servicecircle.siting.candidates import Candidates, find_candidates
from servicecircle.siting.gains import covered_by
from servicecircle.siting.pairs import candidate_pairs
from servicecircle.siting.proposal import (
    Promise,
    Proposal,
    chosen_sites,
    described,
    in_phases,
    spaced,
)
from servicecircle.siting.request import SiteRequest
from servicecircle.siting.target_models import TargetModel, target_model
from servicecircle.siting.target_solve import TargetAnswer, solve_target
from servicecircle.siting.targets import rule_of, site_target, study_of
from servicecircle.siting.turned import turned
from servicecircle.siting.wanted import Service, SiteTarget
from servicecircle.standards.names import Names
from servicecircle.standards.things import reached_people

__all__ = ["propose_for_target"]

_MOST_NAMED = 5


def propose_for_target(
    request: SiteRequest,
    *,
    project: Project,
    names: Names,
    ground: Ground,
    sites: Sites,
    access: pd.DataFrame,
) -> Proposal:
    """Derive a model from an indicator, solve it, and say of each unit what turns.

    Parameters
    ----------
    request : SiteRequest
        With an indicator.
    project : Project
    names : Names
        With its plans.
    ground : Ground
    sites : Sites
    access : pandas.DataFrame
        Of the run as it is.

    Returns
    -------
    Proposal

    Raises
    ------
    SitingError
        If there is no such indicator, or no site can turn its verdict.
    """
    plan, rule = rule_of(names.plans, request.indicator)
    study = study_of(
        project, ground, access, name=plan, plan=names.plans[plan], extra_layers=names.extra
    )
    target = site_target(
        study,
        rule,
        year=request.year,
        end="value" if request.value_only else "low",
        each_level=request.level if request.level and request.every_unit else "",
    )
    services = _services(project, target)
    layers = tuple(dict.fromkeys(one.layer for one in services)) or (target.layer,)
    found = find_candidates(project, ground, sites, layer=layers[0], also=layers[1:])
    near = _near(ground, found, services)
    built = target_model(target, found.frame, near, apart=spaced(project, found))
    answered = solve_target(
        built,
        seconds=request.seconds,
        gap=request.gap,
        by_cost=request.by_cost,
        as_far=request.where_possible,
    )
    answer = answered.answer
    if answer.status in {"infeasible", "no_answer"}:
        raise _refusal(answered, built, ground, request)
    phases = in_phases(built.model, built.goal, answer, request)
    answer = answer if phases is None else phases.answer
    table = turned(built, answer.open, frame=found.frame)
    whole = table.iloc[0]
    counted = np.zeros(len(ground.demand), bool)
    counted[built.rows] = True
    year = None if target.target is None else target.target.year
    first = services[0]
    return Proposal(
        layers=layers,
        people=_people(target, ground),
        level=_level(target, request, ground),
        criterion=first.criterion,
        limit=first.limit,
        profile=first.profile,
        candidates=found.frame,
        model=built.model,
        goal=built.goal,
        answer=answer,
        phases=phases,
        chosen=chosen_sites(built.model, answer, phases, request, project.project.as_of),
        rows=built.rows,
        service=built.service,
        counted=counted,
        total=float(built.model.weights.sum()),
        need=1.0,
        lines=(_lines(built),) * len(layers),
        profiles=_profiles(layers, services),
        found=described(found, built.model) | _unreached(built),
        problems=found.problems,
        attributes=target.attributes,
        target=_described(target, answered, plan, whole),
        promised=Promise(
            plan=study.plan.id,
            indicator_id=rule.id,
            alternative=rule.alternative,
            year=year,
            verdict=str(whole["verdict_after"]),
            value_only=request.value_only,
        ),
        tables={"site_target": table},
    )


def _services(project: Project, target: SiteTarget) -> list[Service]:
    """Return how people reach what is asked for; of amounts that of the layer's service circle."""
    if target.services:
        return list(target.services)
    roads = project.roads is not None
    return [
        Service(
            layer=target.layer,
            profile=project.layer_profile(target.layer),
            criterion="seconds" if roads else "straight_metres",
            limit=60.0 * max(project.rules.minutes) if roads else min(project.rules.metres),
        )
    ]


def _near(ground: Ground, found: Candidates, services: list[Service]) -> list[csr_array]:
    return [
        candidate_pairs(
            ground,
            found,
            limit=one.limit,
            criterion=one.criterion,
            profile=one.profile,
            layer=one.layer,
        )
        for one in services
    ]


def _people(target: SiteTarget, ground: Ground) -> Any:
    """Return whom the rule speaks of; of amounts whom sites are put near to."""
    if target.form == "people":
        return reached_people(target.rule)
    if target.form == "communities":
        return "population"
    return "elderly" if ground.demand["elderly"].fillna(0.0).sum() > 0.0 else "population"


def _level(target: SiteTarget, request: SiteRequest, ground: Ground) -> str:
    """Return the level of the units told: the target's, else as asked, else the usual one."""
    there = [level for level in LEVELS if level in set(ground.units["level"])]
    wanted = target.level or request.level or "township"
    return wanted if f"unit_{wanted}" in ground.demand else there[-1]


def _described(
    target: SiteTarget, answered: TargetAnswer, plan: str, whole: pd.Series[Any]
) -> dict[str, Any]:
    """Return what was derived from the indicator, for the record."""
    return {
        "plan": plan,
        "indicator_id": target.rule.id,
        "alternative": target.rule.alternative,
        "name": {language: target.rule.name(language) for language in LANGUAGES},
        "kind": target.rule.kind,
        "year": None if target.target is None else target.target.year,
        "goal": _number(target.goal),
        "unit": target.rule.unit,
        "form": target.form,
        "end": target.end,
        "thing": target.thing,
        "size": _number(target.size),
        "units_short": int(target.short),
        "value_before": _number(target.value),
        "verdict_before": target.verdict,
        "verdict_after": str(whole["verdict_after"]),
        "sites_needed": int(answered.number),
        "no_fewer_than": _number(answered.least),
        "proven": bool(answered.proven),
        "attainable": _number(answered.attainable),
        "attributes": {str(name): str(value) for name, value in target.attributes.items()},
        "opened_by": target.opened.isoformat(),
        "notes": list(target.notes),
    }


def _unreached(built: TargetModel) -> dict[str, float]:
    """Return how many people no candidate reaches; nothing where the rule is not about people."""
    if built.target.form != "people":
        return {}
    model = built.model
    out = ~covered_by(model.pairs, ~model.forbidden) & (model.weights > 0.0)
    return {
        "people": float(model.weights.sum()),
        "people_unreached_by_any": float(model.weights[out].sum()),
        "points_unreached_by_any": int(out.sum()),
    }


def _lines(built: TargetModel) -> dict[str, float]:
    """Return the least share of the people of each unit, where one is asked for."""
    units = built.target.units.index.astype(str)
    return {
        name: float(line)
        for name, line in zip(units, built.model.floors, strict=True)
        if not np.isnan(line)
    }


def _profiles(layers: Sequence[str], services: Sequence[Service]) -> tuple[str, ...]:
    """Return the profile that people travel with to each layer."""
    known = {one.layer: one.profile for one in services}
    return tuple(known.get(layer, services[0].profile) for layer in layers)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _refusal(
    answered: TargetAnswer, built: TargetModel, ground: Ground, request: SiteRequest
) -> SitingError:
    """Return the error that says how far the verdict can be brought, and where it cannot."""
    if answered.answer.status == "no_answer":
        return SitingError(_fatal("siting.no_answer_in_time", value=f"{request.seconds:g}"))
    target = built.target
    names = ground.units.drop_duplicates("unit_id").set_index("unit_id")["name"]
    ids = [str(target.units.index[int(one)]) for one in answered.lacking]
    named = [str(names.get(one, "")) or one for one in ids]
    more = f" … +{len(named) - _MOST_NAMED}" if len(named) > _MOST_NAMED else ""
    people = target.form == "people"
    most = f"{answered.attainable:.2%}" if people else f"{answered.attainable:g}"
    asked = f"{target.share:.2%}" if people else f"{target.wanted:g}"
    language = target.study.language
    lacking = (", ".join(named[:_MOST_NAMED]) + more) or "–"
    if people and not named:
        count = f"{_unreached(built)['people_unreached_by_any']:,.0f}"
        lacking = label("siting_lost_people", language).format(count=count)
    return SitingError(
        _fatal(
            "siting.cannot_turn",
            value=target.rule.name(language),
            most=most,
            asked=asked,
            units=lacking,
        )
    )


def _fatal(code: str, *, value: str, **details: object) -> Problem:
    return Problem(code=code, severity="fatal", action="stopped", value=value, details=details)
