"""From a target of a plan to what new facilities have to do for its verdict to turn."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from servicecircle.errors import SitingError
from servicecircle.measure.ground import Ground
from servicecircle.problems import Problem, nearest_name
from servicecircle.project import Project
from servicecircle.siting.target_amounts import amounts_target
from servicecircle.siting.target_people import communities_target, people_target
from servicecircle.siting.wanted import End, SiteTarget, refused
from servicecircle.standards.each import each_found
from servicecircle.standards.governing import governing
from servicecircle.standards.judge import plan_evidence
from servicecircle.standards.kinds import KINDS, Measured, Study
from servicecircle.standards.plan import Indicator, Plan, Target, variants
from servicecircle.standards.registry import LayerWords
from servicecircle.standards.standing import standing_of
from servicecircle.standards.studied import level_of_area
from servicecircle.standards.verdicts import headline_target, verdict_of

__all__ = ["SiteTarget", "rule_of", "site_target", "study_of"]

_PART = 4
_MOST_NEAR = 3
_UNKNOWN = {
    "plan": "siting.unknown_plan",
    "indicator": "siting.unknown_indicator",
    "alternative": "siting.unknown_alternative",
}


def rule_of(plans: Mapping[str, Plan], text: str) -> tuple[str, Indicator]:
    """Return the indicator that a text names, and the plan that has it.

    Parameters
    ----------
    plans : mapping of str to Plan
        By their name in the project.
    text : str
        ``PLAN:ID``, ``PLAN:ID:ALTERNATIVE``, or the id alone where one plan has it. Without an
        alternative it is what governs: what the plan says first, or what stands against it.

    Raises
    ------
    SitingError
        If there is no such plan, indicator or alternative.

    Examples
    --------
    >>> from servicecircle.standards.indicators import load_plan
    >>> plans = {"minle": load_plan("minle")}
    >>> name, rule = rule_of(plans, "minle:minle_township_comprehensive_care_coverage:30")
    >>> name, rule.targets[0].value
    ('minle', 30.0)
    >>> rule_of(plans, "minle_childrens_home")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    servicecircle.errors.SitingError: no plan of the project has an indicator "minle_childr...
    """
    name, _, rest = text.partition(":")
    if name not in plans:
        found = [key for key, plan in plans.items() if any(o.id == name for o in plan.indicators)]
        if rest and not found:
            raise _unknown("plan", name, tuple(plans), plans=", ".join(plans))
        if not found:
            known = tuple(one.id for plan in plans.values() for one in plan.indicators)
            raise _unknown("indicator", name, known, plans=", ".join(plans))
        name, rest = found[0], text
    indicator_id, _, alternative = rest.partition(":")
    known_rules = {one.id: one for one in plans[name].indicators}
    if indicator_id not in known_rules:
        raise _unknown("indicator", indicator_id, tuple(known_rules), plans=name)
    first = known_rules[indicator_id]
    all_of = {one.alternative: one for one in variants(first)}
    if alternative and alternative not in all_of:
        named = tuple(one for one in all_of if one)
        raise _unknown("alternative", alternative, named, plans=name, indicator=indicator_id)
    if not alternative and "" not in governing(first):
        alternative = min(governing(first), default="")
    return name, all_of[alternative]


def _unknown(kind: str, name: str, known: tuple[str, ...], **details: str) -> SitingError:
    """Return the error that a plan, an indicator or an alternative is not known."""
    # Ids are long: part of one is near to those that hold it.
    holding = [one for one in known if name in one] if len(name) >= _PART else []
    near = nearest_name(name, known)
    if holding and near not in known:
        near = ", ".join(holding[:_MOST_NEAR])
    return SitingError(
        Problem(
            code=_UNKNOWN[kind],
            severity="fatal",
            action="stopped",
            value=name,
            details={"near": near, "known": ", ".join(known), **details},
        )
    )


def study_of(
    project: Project,
    ground: Ground,
    access: pd.DataFrame,
    *,
    name: str,
    plan: Plan,
    extra_layers: Mapping[str, LayerWords],
) -> Study:
    """Return one plan of a project held against what was measured.

    Parameters
    ----------
    project : Project
    ground : Ground
    access : pandas.DataFrame
        The access contract, long, as of a run of the project.
    name : str
        Of the plan in the project.
    plan : Plan
    extra_layers : mapping of str to LayerWords
        Layers that the project adds to the registry.
    """
    settings = project.plans[name]
    evidence = plan_evidence(project, ground, access, extra_layers=extra_layers)
    return Study(
        plan=plan,
        evidence=evidence,
        area=settings.area,
        own_level=level_of_area(plan, evidence, settings.area, settings.level),
        pins=settings.pins,
        language=project.project.language,
    )


def site_target(
    study: Study,
    rule: Indicator,
    *,
    year: int | None = None,
    end: End = "low",
    each_level: str = "",
    size: float | None = None,
    goal: float | None = None,
    anyway: bool = False,
) -> SiteTarget:
    """Return what new facilities have to do so that the verdict on a target turns to met.

    - Presence (``presence_per_unit``, ``phasing``, a share of units): so many of the units as the
      target asks for have their number of facilities; the units that lack, and how many each.
    - ``count``: so many facilities more in the scope. Additions in a period count sites opened by
      its end.
    - ``capacity_ratio``, ``area_ratio``, shares of beds, norms: beds or square metres that are
      missing, of the area or of each unit where the rule holds for each; a facility brings its
      capacity, else ``size``, else the median of those that exist.
    - ``distance``, ``travel_time``: a share of the people of the scope within the limit; or, with
      ``each_level``, of every unit of a level.
    - ``travel_time`` of units: units whose people reach every layer of the basket in a mean time.

    Parameters
    ----------
    study : Study
    rule : Indicator
        Of the study's plan, or one of its alternatives.
    year : int, optional
        Of the target; else the latest one due, or the next.
    end : {"low", "value"}
        Whether the lower end of the value has to reach the target, so that the verdict is met
        whatever is in doubt (cells, speeds, places), or the value alone.
    each_level : str
        For a share of people: every unit of this level has to reach it.
    size : float, optional
        Beds or square metres of a new facility.
    goal : float, optional
        Instead of the target's value.
    anyway : bool
        Also where the clause speaks of other areas.

    Returns
    -------
    SiteTarget

    Raises
    ------
    SitingError
        If no site can turn the verdict (staff, renovation, grades of what exists, a period that is
        over), the input is missing, the rule speaks of another area, or there is no such year; the
        message says what to do instead.

    Examples
    --------
    >>> import datetime as dt
    >>> from servicecircle.standards.evidence import Evidence
    >>> from servicecircle.standards.indicators import load_plan
    >>> nothing = pd.DataFrame()
    >>> units = pd.DataFrame({
    ...     "level": "township", "type": "", "name": ["a", "b"], "should_have": True,
    ...     "is_urban": pd.array([None, None], dtype="boolean"), "parent_id": "", "code": "",
    ... }, index=pd.Index(["t:1", "t:2"], name="unit_id"))
    >>> homes = pd.DataFrame(
    ...     {"layer": [], "opened": [], "closed": [], "status": [], "serves": []}
    ... ).rename_axis("facility_id")
    >>> plan = load_plan("quzhou")
    >>> evidence = Evidence(
    ...     as_of=dt.date(2025, 12, 31), units=units, facilities=homes, demand=nothing,
    ...     access=nothing, layers=frozenset({"social_work_station"}),
    ... )
    >>> study = Study(plan=plan, evidence=evidence, area="whole", own_level="county")
    >>> rule = next(one for one in plan.indicators if one.id.endswith("work_station_township"))
    >>> wanted = site_target(study, rule)
    >>> wanted.form, wanted.wanted, wanted.units["need"].tolist()
    ('amounts', 2, [1.0, 1.0])
    """
    target = _target(study, rule, year)
    if rule.needs:
        raise refused("not_in_tables", rule, study, needs=rule.needs)
    standing = standing_of(rule, study, anyway)
    kind = KINDS[rule.kind]
    measured = kind.measure(rule, study, None if target is None else target.year)
    if study.area == "part" and kind.total:
        raise refused("total_on_part", rule, study)
    if not (standing.applicable and measured.applicable):
        raise refused(
            "other_area", rule, study, why="; ".join((*standing.notes, *measured.notes)) or "-"
        )
    wished = goal if goal is not None else None if target is None else target.value
    base = SiteTarget(
        study=study,
        rule=rule,
        target=target,
        goal=math.nan if wished is None else wished,
        form="amounts",
        end=end,
        opened=_opened(study, target),
    )
    missing = tuple(dict.fromkeys((*standing.missing, *measured.missing)))
    if kind.travels and rule.denominator == "units":
        found = communities_target(base, measured, missing)
    elif kind.travels:
        found = people_target(base, measured, missing, each_level=each_level)
    else:
        found = amounts_target(base, measured, missing, size=size)
    low = measured.value if math.isnan(measured.low) else measured.low
    return replace(
        found,
        value=measured.value,
        low=low,
        verdict=_verdict(found, measured),
        notes=(*measured.notes, *found.notes),
    )


def _target(study: Study, rule: Indicator, year: int | None) -> Target | None:
    if year is None:
        return headline_target(rule.targets, study.evidence.as_of)
    for one in rule.targets:
        if one.year == year:
            return one
    years = ", ".join(str(one.year) for one in rule.targets) or "-"
    raise refused("no_such_year", rule, study, year=year, years=years)


def _opened(study: Study, target: Target | None) -> dt.date:
    """Return the day by which a site has to be open: the end of the target's year, or today."""
    as_of = study.evidence.as_of
    return as_of if target is None else max(as_of, dt.date(target.year, 12, 31))


def _verdict(found: SiteTarget, measured: Measured) -> str:
    """Return the verdict as it is, at the end that is asked for."""
    if found.form != "people":
        return "met" if found.short == 0 else "not_met"
    if found.each_level:
        return "met" if bool((found.units["verdict"] == "met").all()) else "not_met"
    each = each_found(found.rule, measured, found.target)
    if each is not None:
        return each.verdict
    low = measured.value if found.end == "value" or math.isnan(measured.low) else measured.low
    value = measured.value
    return verdict_of(value, low, value, found.goal, operator=found.rule.operator).replace(
        "undecided", "not_met"
    )
