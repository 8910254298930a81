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
from servicecircle.standards.governing import governing
from servicecircle.standards.kinds import KINDS, Measured, Study
from servicecircle.standards.plan import Indicator, Plan, Target, variants
from servicecircle.standards.scorecard import UNIT_RESULT_COLUMNS, scorecard_table, unit_rows
from servicecircle.standards.scorecard_row import scorecard_row
from servicecircle.standards.standing import Standing, standing_of
from servicecircle.standards.studied import level_of_area
from servicecircle.standards.trace import trace_of_row, trace_table
from servicecircle.standards.verdicts import headline_target

__all__ = ["Evaluation", "evaluate", "evaluate_plan", "required_access"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evaluation:
    """A plan held against the evidence.

    Parameters
    ----------
    scorecard, unit_results : pandas.DataFrame
        See :func:`evaluate`.
    trace : pandas.DataFrame
        Columns :data:`servicecircle.standards.trace.TRACE_TABLE_COLUMNS`: the addends of numerator
        and denominator of each row of the scorecard.
    """

    scorecard: pd.DataFrame
    unit_results: pd.DataFrame
    trace: pd.DataFrame


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
    found = evaluate_plan(
        plan,
        evidence,
        area=area,
        own_level=own_level,
        pins=pins,
        invented=invented,
        anyway=anyway,
        language=language,
    )
    return found.scorecard, found.unit_results


def evaluate_plan(
    plan: Plan,
    evidence: Evidence,
    *,
    area: Literal["whole", "part"],
    own_level: str | None = None,
    pins: Mapping[str, str] | None = None,
    invented: bool = False,
    anyway: Collection[str] = (),
    language: Language = "zh",
) -> Evaluation:
    """Judge every indicator of a plan as :func:`evaluate` does, and trace each value.

    Parameters
    ----------
    plan, evidence, area, own_level, pins, invented, anyway, language
        See :func:`evaluate`.

    Raises
    ------
    UnknownNameError
        If ``pins`` or ``anyway`` name an indicator that the plan does not have.
    """
    _check_names(plan, (*(pins or {}), *anyway))
    study = Study(
        plan=plan,
        evidence=evidence,
        area=area,
        own_level=level_of_area(plan, evidence, area, own_level),
        pins=pins or {},
        language=language,
    )
    rows: list[dict[str, Any]] = []
    tables: list[pd.DataFrame] = []
    traces: list[pd.DataFrame] = []
    for first in plan.indicators:
        standing = standing_of(first, study, first.id in anyway)
        rules = governing(first)
        known: dict[tuple[object, ...], Measured] = {}
        for indicator in variants(first):
            headline = headline_target(indicator.targets, evidence.as_of)
            for target in indicator.targets or (None,):
                key = _what_is_measured(indicator, target)
                if key not in known:
                    known[key] = _measure(indicator, study, target, standing)
                measured = known[key]
                row = scorecard_row(indicator, study, measured, target, invented=invented)
                row |= {"headline": target == headline and not indicator.alternative}
                if indicator.alternative not in rules:
                    row["notes"] = f"{_not_governing(first, study, rules)} | {row['notes']}"
                rows.append(row | {"governing": indicator.alternative in rules})
                traces.append(trace_of_row(measured.trace, row))
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
    return Evaluation(
        scorecard=scorecard_table(rows), unit_results=results, trace=trace_table(traces)
    )


def _what_is_measured(indicator: Indicator, target: Target | None) -> tuple[object, ...]:
    """Return what tells the measurements of an indicator's alternatives and targets apart."""
    dated = indicator.flow_of or indicator.kind == "phasing"
    return (
        indicator.level,
        indicator.scope,
        indicator.threshold,
        indicator.since,
        bool(indicator.targets),
        target.year if dated and target is not None else None,
    )


def _check_names(plan: Plan, names: Collection[str]) -> None:
    known = tuple(indicator.id for indicator in plan.indicators)
    for name in names:
        if name not in known:
            raise UnknownNameError(f"indicator of plan {plan.id}", name, known)


def _measure(
    indicator: Indicator, study: Study, target: Target | None, standing: Standing
) -> Measured:
    """Measure an indicator and say whether the study can be judged by it."""
    kind = KINDS[indicator.kind]
    measured = kind.measure(indicator, study, None if target is None else target.year)
    notes = (*standing.notes, *measured.notes)
    applicable = standing.applicable and measured.applicable
    if study.area == "part" and kind.total:
        applicable = False
        notes += (study.note("total_on_part"),)
    elif study.area == "part" and not math.isnan(measured.value):
        notes += (study.note("part"),)
    if not math.isnan(measured.value):
        notes += _unplaced(indicator, study)
    if standing.missing:
        # Whether the clause applies is not known, so neither is the answer.
        measured = replace(measured, value=math.nan, low=math.nan, high=math.nan)
    return replace(
        measured,
        applicable=applicable,
        missing=tuple(dict.fromkeys((*standing.missing, *measured.missing))),
        notes=notes,
    )


def _not_governing(first: Indicator, study: Study, rules: frozenset[str]) -> str:
    """Say on the row of what does not govern which of the alternatives does."""
    beside = {other.name for other in first.alternatives if other.as_well}
    names = [f"“{name}”" if name else study.note("said_first") for name in sorted(rules - beside)]
    return study.note("not_governing", rows="、".join(names))


def _unplaced(indicator: Indicator, study: Study) -> tuple[str, ...]:
    """Say how many facilities no drawn unit could be told for, and so do not count."""
    level = study.level_title(indicator.level)
    return tuple(
        study.note("no_place_drawn", layer=study.layer_title(layer), count=count, level=level)
        for layer in indicator.layers
        if (count := study.unplaced(layer, indicator.level))
    )


def _reference(indicator: Indicator, measured: Measured, evidence: Evidence) -> frozenset[str]:
    """Return the units that are only shown: of other levels than the plan's."""
    if measured.judged_by == "nothing":
        return frozenset()
    units = evidence.units
    return frozenset(units.index[units["level"] != indicator.level].astype(str))
