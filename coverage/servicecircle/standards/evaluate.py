"""Evaluation: every indicator of a plan held against the evidence, target by target."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from servicecircle.errors import UnknownNameError
from servicecircle.messages import Language
from servicecircle.standards.evidence import Evidence
from servicecircle.standards.kinds import KINDS, Kind, Measured, Study
from servicecircle.standards.plan import Indicator, Plan, Target, variants
from servicecircle.standards.registry import load_registry
from servicecircle.standards.scorecard import (
    UNIT_RESULT_COLUMNS,
    headline_target,
    is_due,
    scorecard_table,
    shortfall,
    unit_rows,
    verdict_of,
)

__all__ = ["evaluate", "required_access"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """Whether an indicator speaks of this study at all."""

    applicable: bool = True
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def required_access(plans: Iterable[Plan], layers: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return which access tables the plans' rules of distance and travel time need.

    Parameters
    ----------
    plans : iterable of Plan
    layers : mapping
        Supplied layer → the profile it is measured with where a rule names none.

    Returns
    -------
    set of (layer, profile)
        Supplied layers only.

    Examples
    --------
    >>> from servicecircle.standards.indicators import load_plan
    >>> plans = [load_plan("shangcheng")]
    >>> sorted(required_access(plans, {"canteen": "walk", "elderly_day_center": "walk"}))
    [('canteen', 'elderly'), ('elderly_day_center', 'walk')]
    >>> required_access(plans, {})
    set()
    """
    return {
        (layer, indicator.profile or layers[layer])
        for plan in plans
        for indicator in plan.indicators
        if KINDS[indicator.kind].travels
        for layer in indicator.layers
        if layer in layers
    }


def evaluate(
    plan: Plan,
    evidence: Evidence,
    *,
    area: Literal["whole", "part"],
    own_level: str | None = None,
    pins: Mapping[str, str] | None = None,
    invented: bool = False,
    anyway: Collection[str] = (),
    language: Language = "zh",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judge every indicator of a plan.

    Values are those at ``evidence.as_of``, also for targets of earlier years; additions are
    counted to the end of the target's year. A target is due at the end of its year.

    Parameters
    ----------
    plan : Plan
    evidence : Evidence
    area : {"whole", "part"}
        Whether the study covers the plan's area. Counts and totals of the region are not judged
        on a part; shares are, as of the part, with a note.
    own_level : str, optional
        Level of the study's own area; the plan's for the whole, the coarsest level supplied for a
        part, where not given.
    pins : mapping, optional
        Indicator id → straight or network: what the project takes distance to mean.
    invented : bool
        Everything in the project is invented.
    anyway : collection of str
        Indicators to judge although their clause speaks of other areas.
    language : {"zh", "en"}
        Of the notes.

    Returns
    -------
    scorecard : pandas.DataFrame
        Columns of :data:`servicecircle.standards.scorecard.SCORECARD_COLUMNS`: one row per
        indicator, alternative and target year, in the order of the plan file; one row without a
        year where there is no target. ``headline`` marks, for what the plan says first, the
        latest target due, else the next one.
    unit_results : pandas.DataFrame
        Columns of :data:`servicecircle.standards.scorecard.UNIT_RESULT_COLUMNS`; units against the
        threshold or the headline target.

    Raises
    ------
    UnknownNameError
        If ``pins`` or ``anyway`` name an indicator that the plan does not have.

    Examples
    --------
    >>> import datetime as dt
    >>> from servicecircle.standards.indicators import load_plan
    >>> units = pd.DataFrame(
    ...     columns=["code", "name", "level", "type", "parent_id", "should_have", "is_urban"]
    ... )
    >>> nothing = Evidence(
    ...     as_of=dt.date(2025, 12, 31), units=units, layers=frozenset(),
    ...     facilities=pd.DataFrame(columns=["layer", "opened", "closed", "status", "grade"]),
    ...     demand=pd.DataFrame(), access=pd.DataFrame(),
    ... )
    >>> scorecard, results = evaluate(load_plan("quzhou"), nothing, area="whole")
    >>> set(scorecard["verdict"]), len(results)
    ({'no_data'}, 0)
    """
    _check_names(plan, (*(pins or {}), *anyway))
    study = Study(
        plan=plan,
        evidence=evidence,
        area=area,
        own_level=own_level or _own_level(plan, evidence, area),
        pins=pins or {},
        language=language,
    )
    rows: list[dict[str, Any]] = []
    tables: list[pd.DataFrame] = []
    for first in plan.indicators:
        standing = _standing(first, study, first.id in anyway)
        for indicator in variants(first):
            kind = KINDS[indicator.kind]
            headline = headline_target(indicator.targets, evidence.as_of)
            for target in indicator.targets or (None,):
                measured = _measure(indicator, study, target, kind, standing)
                rows.append(
                    _row(indicator, study, measured, target, invented=invented)
                    | {"headline": target == headline and not indicator.alternative}
                )
                if target == headline:
                    tables.append(
                        unit_rows(
                            indicator,
                            measured,
                            plan=plan.id,
                            target=target,
                            as_of=evidence.as_of,
                            applicable=measured.applicable,
                            reference=_reference(indicator, measured, evidence),
                        )
                    )
    filled = [table for table in tables if not table.empty]
    results = (
        pd.concat(filled, ignore_index=True)
        if filled
        else pd.DataFrame(columns=list(UNIT_RESULT_COLUMNS))
    )
    return scorecard_table(rows), results


def _check_names(plan: Plan, names: Collection[str]) -> None:
    known = tuple(indicator.id for indicator in plan.indicators)
    for name in names:
        if name not in known:
            raise UnknownNameError(f"indicator of plan {plan.id}", name, known)


def _own_level(plan: Plan, evidence: Evidence, area: str) -> str:
    given = set(evidence.units["level"])
    levels = [name for name in load_registry().levels if name in given]
    return plan.level if area == "whole" or not levels else levels[0]


def _standing(indicator: Indicator, study: Study, asked: bool) -> _Standing:
    """Return whether the clause speaks of the study's area, or is to be judged anyway."""
    standing = _clause_standing(indicator, study)
    if asked and (standing.missing or not standing.applicable):
        return _Standing(notes=(study.note("anyway"),))
    return standing


def _clause_standing(indicator: Indicator, study: Study) -> _Standing:
    """Return whether the clause speaks of an area like the study's.

    Areas coarser than those it names contain them; finer ones, and counties with fewer people than
    it asks for, are not meant.
    """
    clause = indicator.applies_to
    if not clause.levels:
        return _Standing()
    finest = max(clause.levels, key=lambda level: study.registry.levels[level].order)
    if study.registry.finer(study.own_level, finest):
        return _Standing(applicable=False, notes=(study.note("not_this_area"),))
    least = clause.county_population_at_least
    if least is None or study.own_level != "county":
        return _Standing()
    people = _population(study.evidence)
    if math.isnan(people):
        return _Standing(missing=("[population]",), notes=(study.note("population_condition"),))
    if people < least:
        note = study.note("small_county", people=f"{people:,.0f}", least=f"{least:,.0f}")
        return _Standing(applicable=False, notes=(note,))
    return _Standing()


def _population(evidence: Evidence) -> float:
    """Return the people of the area: of its counties where stated, else of the demand points."""
    units = evidence.units
    for table in (units[units["level"] == "county"], evidence.demand):
        if "population" in table.columns:
            people = float(table["population"].sum(min_count=1))
            if not math.isnan(people):
                return people
    return math.nan


def _measure(
    indicator: Indicator, study: Study, target: Target | None, kind: Kind, standing: _Standing
) -> Measured:
    """Measure an indicator and say whether the study can be judged by it."""
    measured = kind.measure(indicator, study, None if target is None else target.year)
    notes = (*standing.notes, *measured.notes)
    applicable = standing.applicable and measured.applicable
    if study.area == "part" and kind.total:
        applicable = False
        notes += (study.note("total_on_part"),)
    elif study.area == "part" and not math.isnan(measured.value):
        notes += (study.note("part"),)
    if standing.missing:
        # Whether the clause applies is not known, so neither is the answer.
        measured = replace(measured, value=math.nan, low=math.nan, high=math.nan)
    return replace(
        measured,
        applicable=applicable,
        missing=(*standing.missing, *measured.missing),
        notes=notes,
    )


def _reference(indicator: Indicator, measured: Measured, evidence: Evidence) -> frozenset[str]:
    """Return the units that a share is only shown for: of other levels than the plan's."""
    if measured.judged_by != "target":
        return frozenset()
    units = evidence.units
    return frozenset(units.index[units["level"] != indicator.level].astype(str))


def _verdict(indicator: Indicator, study: Study, measured: Measured, target: Target | None) -> str:
    if not measured.applicable:
        return "not_applicable"
    goal = math.nan if target is None else target.value
    found = verdict_of(
        measured.value,
        measured.low,
        measured.high,
        goal,
        operator=indicator.operator,
        ambiguous=measured.ambiguous,
    )
    if target is None:
        return "no_data" if math.isnan(measured.value) else "no_target"
    if found == "no_data":
        return found
    if not is_due(target, study.evidence.as_of):
        return "not_due"
    return "undecided" if found == "not_met" and target.basis == "reading" else found


def _notes(
    indicator: Indicator, study: Study, measured: Measured, target: Target | None, *, invented: bool
) -> str:
    notes = list(measured.notes)
    if target is not None and target.basis == "reading":
        notes.append(study.note("reading"))
    if target is not None and target.basis == "inferred":
        notes.append(study.note("inferred"))
    year = study.evidence.as_of.year
    if target is not None and target.year < year and indicator.measure == "stock":
        notes.append(study.note("later_than_target", year=year, target=target.year))
    if study.plan.provisional:
        notes.append(study.note("provisional"))
    stand_ins = [name for name in indicator.layers if name in study.evidence.invented_layers]
    if invented:
        notes.append(study.note("invented_all"))
    elif stand_ins:
        notes.append(study.note("invented", layers="、".join(stand_ins)))
    if indicator.notes:
        notes.append(indicator.notes)
    return " | ".join(dict.fromkeys(notes))


def _row(
    indicator: Indicator, study: Study, measured: Measured, target: Target | None, *, invented: bool
) -> dict[str, Any]:
    verdict = _verdict(indicator, study, measured, target)
    causes = list(measured.causes)
    if target is not None and target.basis == "reading" and verdict == "undecided":
        causes.append("reading")
    goal = math.nan if target is None else target.value
    low = measured.value if math.isnan(measured.low) else measured.low
    high = measured.value if math.isnan(measured.high) else measured.high
    return {
        "plan": study.plan.id,
        "indicator_id": indicator.id,
        "alternative": indicator.alternative,
        "target_year": None if target is None else target.year,
        "name_zh": indicator.name_zh,
        "name_en": indicator.name_en,
        "layer": indicator.layer,
        "kind": indicator.kind,
        "measure": indicator.measure,
        "unit_level": indicator.level,
        "denominator_name": indicator.denominator,
        "scope": indicator.scope,
        "attribute": indicator.attribute,
        "as_of": study.evidence.as_of.isoformat(),
        "profile": measured.profile,
        "speed_kmh": measured.speed_kmh,
        "value": measured.value,
        "straight_value": measured.straight_value,
        "unit": indicator.unit,
        "numerator": measured.numerator,
        "denominator": measured.denominator,
        "baseline_year": indicator.baseline_year,
        "baseline": math.nan if indicator.baseline is None else indicator.baseline,
        "target": goal,
        "target_basis": "" if target is None else target.basis,
        "verdict": verdict,
        "low": low,
        "high": high,
        "width_causes": ";".join(causes),
        "shortfall": shortfall(
            measured.value,
            goal,
            operator=indicator.operator,
            numerator=measured.numerator,
            denominator=measured.denominator,
            scale=measured.scale,
            whole=measured.whole,
        ),
        "missing_inputs": "; ".join(measured.missing),
        "notes": _notes(indicator, study, measured, target, invented=invented),
        "source_file": indicator.source_file,
        "source_lines": indicator.source_lines,
    }
