"""Targets of distance and travel time: people, or units, that a layer has to be in reach of."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.measure.access import reaches
from servicecircle.siting.wanted import Criterion, Journey, Service, SiteTarget, refused
from servicecircle.standards.journeys import in_seconds
from servicecircle.standards.kinds import Measured
from servicecircle.standards.kinds.reach import access_of, people_in_scope, profile_of
from servicecircle.standards.uncertainty import Journeys, times

__all__ = ["communities_target", "people_target"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FARTHER = 2.0
"""How many times the limit of a mean time candidates are looked for: who is nearer makes up."""


def people_target(
    base: SiteTarget, measured: Measured, missing: tuple[str, ...], *, each_level: str
) -> SiteTarget:
    """Return whose way has to become short enough, and for what share of them.

    At the low end a new site has to be so much nearer as people may live off their point, at the
    slowest speed; whom an existing facility reaches is taken from the same bounds as the verdict.
    What residuals of the population do to the low end is not looked at.

    Parameters
    ----------
    base : SiteTarget
    measured : Measured
        Of the rule.
    missing : tuple of str
    each_level : str

    Raises
    ------
    SitingError
        If an input is missing, or there are no units of the level.
    """
    rule, study = base.rule, base.study
    reach = measured.reach
    if missing or reach is None or reach.value is None:
        raise refused("no_data", rule, study, missing="; ".join(missing) or "[roads]")
    notes = base.notes
    goal = base.goal
    if math.isnan(goal):
        goal, notes = 100.0, (*notes, study.note("site_everybody"))
    profile = profile_of(rule, study, rule.layer)
    mask = people_in_scope(rule, study)[0]
    access = access_of(study, rule.layer, profile, mask)
    if access is None:
        raise refused("no_data", rule, study, missing=f"access {rule.layer} {profile}")
    limit = reach.journeys.limit
    criterion: Criterion = "seconds"
    if rule.kind == "distance":
        meaning = study.pins.get(rule.id, rule.distance or "unstated")
        criterion = "straight_metres" if meaning == "straight" else "metres"
    low = base.end == "low"
    if "residuals" in measured.causes and low:
        notes = (*notes, study.note("site_residuals"))
    journey = _journey(reach.journeys, reach.bounds.low if low else reach.value, access, low=low)
    units = _shares(base, measured, each_level, goal)
    return replace(
        base,
        form="people",
        goal=goal,
        services=(Service(layer=rule.layer, profile=profile, criterion=criterion, limit=limit),),
        level=each_level,
        each_level=each_level,
        units=units,
        wanted=len(units) if each_level else 0,
        rows=np.flatnonzero(mask),
        weights=reach.weight,
        journeys=(journey,),
        share=goal / 100.0,
        thing="persons",
        notes=notes,
    )


def _journey(ways: Journeys, reached: Bools, access: pd.DataFrame, *, low: bool) -> Journey:
    doubts = ("coordinates", "cell_size") if low else ()
    speed = ("speed",) if low else ()
    facility = access["facility_id"].fillna("").astype(str).to_numpy(object)
    return Journey(
        reached=np.asarray(reached, bool),
        taken=times(ways, (*doubts, *speed), end="low"),
        facility=facility,
        error=ways.error if low else np.zeros(ways.error.size),
        slow=ways.slow if low else 1.0,
    )


def _shares(base: SiteTarget, measured: Measured, each_level: str, goal: float) -> pd.DataFrame:
    """Return what each unit of the level lacks of people; empty without a level."""
    study = base.study
    known = study.evidence.units
    found = measured.units.set_index("unit_id")
    level = known["level"].reindex(found.index)
    found = found[(level == each_level).to_numpy(bool)]
    if each_level and found.empty:
        raise refused(
            "no_data", base.rule, study, missing=f"[boundaries.{each_level}] [population]"
        )
    found = found[found["denominator"] > 0.0]
    before = found["low"] if base.end == "low" else found["value"]
    before = before.fillna(found["value"]).astype(float)
    people = found["denominator"].astype(float)
    need = ((goal - before) / 100.0 * people).clip(lower=0.0)
    need = need.where(before < goal - 1e-9 * max(1.0, goal), 0.0)
    return pd.DataFrame(
        {
            "before": before,
            "line": goal,
            "numerator": before / 100.0 * people,
            "denominator": people,
            "need": need,
            "verdict": np.where(need <= 0.0, "met", "not_met"),
        },
        index=found.index,
    )


def communities_target(
    base: SiteTarget, measured: Measured, missing: tuple[str, ...]
) -> SiteTarget:
    """Return which units reach a layer of the basket too late, and how their people travel now.

    Parameters
    ----------
    base : SiteTarget
    measured : Measured
        Of the rule.
    missing : tuple of str

    Raises
    ------
    SitingError
        If an input is missing.
    """
    rule, study = base.rule, base.study
    if missing:
        raise refused("no_data", rule, study, missing="; ".join(missing))
    notes = base.notes
    goal = base.goal
    if math.isnan(goal):
        goal, notes = 100.0, (*notes, study.note("site_every_unit"))
    found = measured.units.set_index("unit_id")
    mask = people_in_scope(rule, study)[0]
    demand = study.evidence.demand
    column = f"unit_{rule.level}"
    there = (demand[column].isin(found.index) & (demand["population"] > 0)).to_numpy(bool)
    mask = mask & there
    limit = 60.0 * (rule.threshold or 0.0)
    low = base.end == "low"
    services, journeys = [], []
    for layer in rule.basket or (rule.layer,):
        profile = profile_of(rule, study, layer)
        access = access_of(study, layer, profile, mask)
        if access is None:
            raise refused("no_data", rule, study, missing=f"access {layer} {profile}")
        ways = in_seconds(
            access, demand[mask], profile=profile, evidence=study.evidence, limit=limit
        )
        journey = _journey(ways, np.zeros(len(access), bool), access, low=low)
        journeys.append(replace(journey, reached=reaches(journey.taken, limit)))
        services.append(
            Service(layer=layer, profile=profile, criterion="seconds", limit=FARTHER * limit)
        )
    # The table's high end is the longest time.
    minutes = found["high" if low else "value"].astype(np.float64)
    line = limit / 60.0
    need = np.where(reaches(np.asarray(60.0 * minutes, np.float64), limit), 0.0, minutes - line)
    return replace(
        base,
        form="communities",
        goal=goal,
        services=tuple(services),
        level=rule.level,
        units=pd.DataFrame(
            {
                "before": minutes,
                "line": line,
                "numerator": math.nan,
                "denominator": math.nan,
                "need": need,
                "verdict": np.where(need <= 0.0, "met", "not_met"),
            },
            index=found.index,
        ),
        wanted=math.ceil(goal / 100.0 * len(found) - 1e-9),
        rows=np.flatnonzero(mask),
        weights=demand.loc[mask, "population"].to_numpy(np.float64),
        journeys=tuple(journeys),
        thing="minutes",
        notes=notes,
    )
