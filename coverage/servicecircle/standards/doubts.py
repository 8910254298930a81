"""What makes the bounds of each rule of travel, and what drawn runs make of it, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.measure.ground import Ground
from servicecircle.progress import Progress
from servicecircle.project import MonteCarloSettings
from servicecircle.standards.kinds import KINDS, Measured, Study
from servicecircle.standards.kinds.reach import access_of
from servicecircle.standards.monte_carlo import (
    Draws,
    Moves,
    draw_shares,
    drawn_speeds,
    moves_of,
)
from servicecircle.standards.outlook import JudgedPlan
from servicecircle.standards.plan import Indicator, variants

__all__ = ["MONTE_CARLO_COLUMNS", "WIDTH_COLUMNS", "Places", "doubt_tables", "places_of"]

Floats = NDArray[np.float64]

_KEY = ("plan", "indicator_id", "alternative")
WIDTH_COLUMNS = (
    *_KEY,
    *("name_zh", "name_en", "value", "low", "high", "cause"),
    *("low_alone", "high_alone", "low_without", "high_without"),
)
MONTE_CARLO_COLUMNS = (
    *_KEY,
    *("target_year", "name_zh", "name_en", "value", "low", "high", "drawn", "runs", "seed"),
    *("mean", "p05", "p50", "p95", "target", "share_met"),
)
_KMH = 3.6


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Places:
    """Where the demand points and the facilities of an evidence are, in their order, in metres.

    Parameters
    ----------
    demand, facilities : pair of numpy.ndarray of float
        East and north.
    """

    demand: tuple[Floats, Floats]
    facilities: tuple[Floats, Floats]


def places_of(ground: Ground) -> Places:
    """Return the places of a ground."""
    return Places(
        demand=(ground.demand_points.x, ground.demand_points.y),
        facilities=(ground.facility_points.x, ground.facility_points.y),
    )


def doubt_tables(
    judged: Sequence[JudgedPlan],
    *,
    places: Places,
    settings: MonteCarloSettings | None,
    progress: Progress,
) -> dict[str, pd.DataFrame]:
    """Return the tables ``widths`` and, where runs are asked for, ``monte_carlo``.

    Parameters
    ----------
    judged : sequence of JudgedPlan
    places : Places
    settings : MonteCarloSettings, optional
        None: nothing is drawn.
    progress : Progress

    Returns
    -------
    dict of str to pandas.DataFrame

    Examples
    --------
    >>> from servicecircle.progress import Silent
    >>> nowhere = (np.empty(0), np.empty(0))
    >>> tables = doubt_tables(
    ...     [], places=Places(demand=nowhere, facilities=nowhere), settings=None, progress=Silent()
    ... )
    >>> {name: len(table) for name, table in tables.items()}
    {'widths': 0}
    """
    rules = [
        (plan, indicator, measured)
        for plan in judged
        for indicator, measured in _travel_rules(plan.study)
    ]
    tables = {"widths": _widths(rules)}
    if settings is None:
        return tables
    drawn = [
        rule for rule in rules if rule[2].reach is not None and rule[2].reach.value is not None
    ]
    rows: list[dict[str, Any]] = []
    with progress.stage("monte_carlo", len(drawn) * settings.runs) as advance:
        for plan, indicator, measured in drawn:
            rows += _runs(plan, indicator, measured, places, settings, advance)
    tables["monte_carlo"] = pd.DataFrame(rows, columns=list(MONTE_CARLO_COLUMNS))
    return tables


def _travel_rules(study: Study) -> Iterator[tuple[Indicator, Measured]]:
    """Yield the rules of distance and travel time that have bounds, with what was measured."""
    for first in study.plan.indicators:
        for indicator in variants(first):
            if KINDS[indicator.kind].travels:
                measured = KINDS[indicator.kind].measure(indicator, study, None)
                if not np.isnan(measured.low):
                    yield indicator, measured


def _widths(rules: Sequence[tuple[JudgedPlan, Indicator, Measured]]) -> pd.DataFrame:
    rows = [
        {
            **_key(plan, indicator),
            "value": measured.value,
            "low": measured.low,
            "high": measured.high,
            "cause": width.cause,
            "low_alone": width.low_alone,
            "high_alone": width.high_alone,
            "low_without": width.low_without,
            "high_without": width.high_without,
        }
        for plan, indicator, measured in rules
        for width in measured.widths
    ]
    return pd.DataFrame(rows, columns=list(WIDTH_COLUMNS))


def _key(plan: JudgedPlan, indicator: Indicator) -> dict[str, Any]:
    return {
        "plan": plan.study.plan.id,
        "indicator_id": indicator.id,
        "alternative": indicator.alternative,
        "name_zh": indicator.name_zh,
        "name_en": indicator.name_en,
    }


def _runs(
    plan: JudgedPlan,
    indicator: Indicator,
    measured: Measured,
    places: Places,
    settings: MonteCarloSettings,
    advance: Any,
) -> list[dict[str, Any]]:
    """Return a row for each target of a rule, or one where it has none."""
    reach = measured.reach
    if reach is None:
        return []
    evidence = plan.study.evidence
    timed = indicator.kind == "travel_time"
    speed = evidence.speeds.get(measured.profile, np.nan)
    factors = None
    if timed and measured.profile == "elderly":
        factors = speed / drawn_speeds(speed, runs=settings.runs, seed=settings.seed)
    legs = float(np.fmin(speed, evidence.speeds.get("walk", speed)))
    draws = Draws(
        runs=settings.runs,
        seed=settings.seed,
        factors=factors,
        moves=_moves(plan.study, indicator, measured, places, settings),
        seconds_per_metre=_KMH / legs if timed else 1.0,
        people_cause=evidence.people_cause,
    )
    shares = draw_shares(
        reach.journeys, reach.weight, draws, residuals=reach.residuals, advance=advance
    )
    values = measured.scale * shares
    p05, p50, p95 = (float(one) for one in np.quantile(values, [0.05, 0.5, 0.95]))
    common = {
        **_key(plan, indicator),
        "value": measured.value,
        "low": measured.low,
        "high": measured.high,
        "drawn": ";".join(draws.causes(reach.journeys, reach.residuals)),
        "runs": settings.runs,
        "seed": settings.seed,
        "mean": float(values.mean()),
        "p05": p05,
        "p50": p50,
        "p95": p95,
    }
    met = {"at_least": np.greater_equal, "at_most": np.less_equal}.get(indicator.operator)
    return [
        {
            **common,
            "target_year": None if target is None else target.year,
            "target": np.nan if target is None else target.value,
            "share_met": np.nan
            if target is None or met is None
            else float(met(values, target.value).mean()),
        }
        for target in indicator.targets or (None,)
    ]


def _moves(
    study: Study,
    indicator: Indicator,
    measured: Measured,
    places: Places,
    settings: MonteCarloSettings,
) -> Moves | None:
    """Draw the moves of the layer's vague facilities; None where all are exact."""
    evidence, reach = study.evidence, measured.reach
    facilities = evidence.facilities
    if reach is None or "position_error_m" not in facilities:
        return None
    mine = np.flatnonzero((facilities["layer"] == indicator.layer).to_numpy())
    mine = mine[np.argsort(facilities.index[mine].astype(str), kind="stable")]
    error_m = np.nan_to_num(facilities["position_error_m"].to_numpy(np.float64)[mine])
    if not (error_m > 0.0).any():
        return None
    rows = evidence.demand.index.get_indexer(reach.people.index)
    mask = np.zeros(len(evidence.demand), np.bool_)
    mask[rows] = True
    access = access_of(study, indicator.layer, measured.profile, mask)
    if access is None or "facility_id" not in access:
        return None
    at = facilities.index[mine].get_indexer(pd.Index(access["facility_id"].to_numpy()))
    nearest = np.append(mine, -1)[at]
    there = nearest >= 0
    east, north = (
        np.where(there, home[rows] - place[nearest], 0.0)
        for home, place in zip(places.demand, places.facilities, strict=True)
    )
    return moves_of(
        indicator.layer,
        error_m,
        facility=at.astype(np.int64),
        towards=(np.nan_to_num(east), np.nan_to_num(north)),
        runs=settings.runs,
        seed=settings.seed,
    )
