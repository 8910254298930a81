"""What the rules of distance and travel time share: people, their access, and who is reached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.standards.kinds.base import (
    NAN,
    Measured,
    Study,
    not_measured,
    share,
    unit_table,
)
from servicecircle.standards.people_sums import groups_of
from servicecircle.standards.plan import Indicator
from servicecircle.standards.residual_bounds import Residuals, residuals_of, unit_shares
from servicecircle.standards.things import reached_people
from servicecircle.standards.trace import addends, join_traces, part_sum
from servicecircle.standards.uncertainty import Bounds, Journeys

__all__ = [
    "KMH",
    "Bools",
    "Floats",
    "Reach",
    "access_of",
    "people_in_scope",
    "people_share",
    "profile_of",
    "residuals_in",
    "start",
    "within",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
KMH = 3.6
"""km/h in a metre a second."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Reach:
    """People of the scope and what reaches them: as is, straight, at least, at most.

    ``value`` is None without roads, where the network's share is not known. ``journeys`` and
    ``residuals`` are what the bounds were taken from.
    """

    people: pd.DataFrame
    weight: Floats
    value: Bools | None
    straight: Bools
    journeys: Journeys
    bounds: Bounds
    residuals: Residuals | None = None


def people_in_scope(indicator: Indicator, study: Study) -> tuple[Bools, tuple[str, ...]]:
    """Return which demand points of the scope belong to the area, and what is missing."""
    demand = study.evidence.demand
    scope = study.registry.scopes[indicator.scope]
    everyone = np.ones(len(demand), bool)
    column = f"in_{scope.name}"
    missing: tuple[str, ...] = ("[population]",) if demand.empty else ()
    if scope.polygon and scope.name not in study.evidence.scopes:
        missing += (f"[boundaries.{scope.name}]",)
    if missing:
        return everyone, missing
    if scope.polygon:
        if column not in demand.columns:
            return everyone, (f"[boundaries.{scope.name}]",)
        return demand[column].fillna(False).to_numpy(bool), ()
    placed = [f"unit_{level}" for level in study.levels() if f"unit_{level}" in demand.columns]
    return (demand[placed].notna().any(axis=1).to_numpy(bool) if placed else everyone), ()


def profile_of(indicator: Indicator, study: Study, layer: str) -> str:
    """Return the profile that an indicator is measured with for a layer."""
    given = study.evidence.layer_profiles.get(layer, study.evidence.default_profile)
    return indicator.profile or given


def access_of(study: Study, layer: str, profile: str, mask: Bools) -> pd.DataFrame | None:
    """Return the access of some demand points to a layer, in their order.

    None where the table was not computed; a layer that is supplied and empty reaches nobody.
    """
    demand, access = study.evidence.demand, study.evidence.access
    kept, key = study.evidence.kept, ("access", layer, profile)
    if key not in kept:
        kept[key] = access
        if not access.empty:
            mine = (
                (access["layer"] == layer)
                & (access["profile"] == profile)
                & (access["criterion"] == "metres")
            ).to_numpy(bool)
            first, last = int(mine.argmax()), len(mine) - int(mine[::-1].argmax())
            # Rows that follow each other, as those of a run do, are not copied.
            together = bool(mine[first:last].all())
            kept[key] = access.iloc[first:last] if together else access[mine]
    rows: pd.DataFrame = kept[key]
    if rows.empty:
        if not study.open_rows(layer).empty:
            return None
        return pd.DataFrame(
            {"metres": NAN, "straight_metres": NAN, "seconds": NAN, "status": "unreachable"},
            index=demand.index[mask],
        )
    # Access is made in the order of demand; looking ten million ids up again would take long.
    if len(rows) == len(demand) and bool((rows["demand_id"].array == demand.index.array).all()):
        return rows[mask]
    return rows.set_index("demand_id").reindex(demand.index[mask])


def start(
    indicator: Indicator, study: Study, weight: str
) -> tuple[pd.DataFrame, Floats, pd.DataFrame, Measured | None]:
    """Return people, their weights and their access; or a measurement that says what is missing."""
    mask, missing = people_in_scope(indicator, study)
    missing += study.missing_layers((indicator.layer,))
    nothing = pd.DataFrame()
    if missing:
        return nothing, np.zeros(0), nothing, not_measured(*missing)
    people = study.evidence.demand[mask]
    values = people[weight].to_numpy(float, na_value=np.nan)
    if not np.isfinite(values).any():
        # A raster of the elderly alone has points, but no population.
        needed = f"[population] {weight}" if len(people) else "[population]"
        return nothing, np.zeros(0), nothing, not_measured(needed)
    profile = profile_of(indicator, study, indicator.layer)
    access = access_of(study, indicator.layer, profile, mask)
    if access is None:
        missing_access = not_measured(f"access {indicator.layer} {profile}")
        return nothing, np.zeros(0), nothing, missing_access
    return people, np.nan_to_num(values), access, None


def within(values: pd.Series[float] | Floats, limit: float) -> Bools:
    """Return which values are at most a limit, with the slack of all rules."""
    from servicecircle.measure.access import reaches

    return reaches(np.asarray(values, float), limit)


def residuals_in(indicator: Indicator, study: Study, people: pd.DataFrame) -> Residuals | None:
    """Return how far the people of units may be from their points, where a figure tells."""
    scope = study.registry.scopes[indicator.scope]
    return residuals_of(
        study.evidence.calibration,
        people,
        what=reached_people(indicator),
        everywhere=not scope.polygon,
    )


def people_share(
    reach: Reach,
    indicator: Indicator,
    study: Study,
    *,
    notes: tuple[str, ...],
    ambiguous: bool,
    need_roads: bool,
    profile: str = "",
) -> Measured:
    """Return the share of people who are reached, with its bounds and units."""
    weight = reach.weight
    trace = _trace(reach, indicator, study)
    total = part_sum(trace, "denominator")
    covered = NAN if reach.value is None else part_sum(trace, "numerator")
    who = reached_people(indicator)
    unknown = int(reach.people[who].isna().sum())
    if unknown:
        notes += (study.note(f"unknown_{who}", count=unknown),)
    if study.evidence.basis:
        basis = study.note(f"basis_{study.evidence.basis}")
        age = study.evidence.age_from if study.evidence.age_from is not None else "?"
        key = "people" if who == "elderly" else "people_basis"
        notes += (study.note(key, basis=basis, age=age),)
    notes += _unplaced(indicator, study)
    missing = ("[roads]",) if reach.value is None and need_roads else ()
    if total <= 0:
        needed = "[population] elderly" if who == "elderly" else "[population]"
        return not_measured(needed, notes=notes)
    profile = profile or profile_of(indicator, study, indicator.layer)
    value = share(covered, total)
    low, high = 100.0 * reach.bounds.low_share, 100.0 * reach.bounds.high_share
    return Measured(
        value=value,
        straight_value=share(float(weight[reach.straight].sum()), total),
        numerator=covered,
        denominator=total,
        # Sums in another order differ in the last digit.
        low=float(np.fmin(low, value)),
        high=float(np.fmax(high, value)),
        causes=reach.bounds.causes,
        widths=tuple(one.scaled(100.0) for one in reach.bounds.widths),
        reach=reach,
        missing=missing,
        notes=notes,
        units=_by_unit(reach, study),
        judged_by="target",
        profile=profile,
        speed_kmh=study.evidence.speeds.get(profile, NAN),
        scale=100.0,
        ambiguous=ambiguous,
        trace=trace,
    )


def _trace(reach: Reach, indicator: Indicator, study: Study) -> pd.DataFrame:
    """Return the people reached, and all, summed up by the finest unit they live in."""
    groups = groups_of(study)
    group = groups.group[people_in_scope(indicator, study)[0]]
    finest = groups.finest(study.levels())
    parts = []
    reached = np.zeros_like(reach.weight) if reach.value is None else reach.weight * reach.value
    for part, people in (("numerator", reached), ("denominator", reach.weight)):
        sums = np.bincount(group, weights=people, minlength=len(finest))
        by_unit = pd.Series(sums).groupby(finest).sum()
        by_unit = by_unit[by_unit > 0.0]
        parts.append(addends(part, "demand", by_unit.index, by_unit, by_unit.index))
    return join_traces(parts)


def _unplaced(indicator: Indicator, study: Study) -> tuple[str, ...]:
    """Say how many open facilities no way can lead to, since they have no place or no road."""
    rows = study.open_rows(indicator.layer)
    if "snap_status" not in rows.columns:
        return ()
    count = int(rows["snap_status"].isin(["no_place", "unsnapped"]).sum())
    return (study.note("unplaced", count=count, total=len(rows)),) if count else ()


def _by_unit(reach: Reach, study: Study) -> pd.DataFrame:
    """Return the shares of the units of each level that have people of the scope."""
    empty = np.zeros(reach.weight.size)
    sums = pd.DataFrame(
        {
            "numerator": empty + NAN if reach.value is None else reach.weight * reach.value,
            "denominator": reach.weight,
            "low": reach.weight * reach.bounds.low,
            "high": reach.weight * reach.bounds.high,
        }
    )
    parts = []
    for level in study.levels():
        column = f"unit_{level}"
        if column not in reach.people.columns:
            continue
        known = study.evidence.units[study.evidence.units["level"] == level]
        unit = reach.people[column].to_numpy()
        totals = sums.groupby(unit).sum(min_count=1)
        totals = totals.reindex([one for one in known.index if one in totals.index])
        whole = totals["denominator"].where(totals["denominator"] > 0)
        low, high = (100.0 * totals[end] / whole for end in ("low", "high"))
        if reach.residuals is not None:
            low, high = _with_residuals(reach, level, study, totals.index, (low, high))
        parts.append(
            unit_table(
                list(
                    zip(
                        totals.index,
                        100.0 * totals["numerator"] / whole,
                        totals["numerator"],
                        totals["denominator"],
                        low,
                        high,
                        strict=True,
                    )
                )
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else unit_table([])


def _with_residuals(
    reach: Reach,
    level: str,
    study: Study,
    units: pd.Index,
    bounds: tuple[pd.Series[float], pd.Series[float]],
) -> tuple[pd.Series[float], pd.Series[float]]:
    """Widen the shares of units whose own parts may have other people than their points say."""
    if reach.residuals is None:
        return bounds
    ancestors = study.ancestors(reach.residuals.names, level)
    least, most = unit_shares(
        reach.weight,
        (reach.bounds.low, reach.bounds.high),
        reach.residuals,
        group=units.get_indexer(pd.Index(reach.people[f"unit_{level}"].fillna(""))),
        groups=len(units),
        spare_of=units.get_indexer(pd.Index(ancestors)),
    )
    low, high = (one.to_numpy(np.float64) for one in bounds)
    return (
        pd.Series(np.fmin(low, 100.0 * least), index=units),
        pd.Series(np.fmax(high, 100.0 * most), index=units),
    )
