"""distance and travel_time: the share of people, or of communities, within reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.standards.evidence import ELDERLY_SPEED_RANGE_KMH, FASTEST_KMH
from servicecircle.standards.kinds.base import (
    NAN,
    Measured,
    Study,
    not_measured,
    share,
    unit_table,
    units_in_scope,
)
from servicecircle.standards.plan import Indicator

__all__ = ["measure_distance", "measure_travel_time"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_KMH = 3.6


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Reach:
    """People of the scope and what reaches them: as is, straight, at least, at most.

    ``value`` is None without roads, where the network's share is not known.
    """

    people: pd.DataFrame
    weight: Floats
    value: Bools | None
    straight: Bools
    low: Bools
    high: Bools
    causes: tuple[str, ...]


def _people(indicator: Indicator, study: Study) -> tuple[Bools, tuple[str, ...]]:
    """Return which demand points of the scope belong to the area, and what is missing."""
    demand = study.evidence.demand
    scope = study.registry.scopes[indicator.scope]
    everyone = np.ones(len(demand), bool)
    if demand.empty:
        return everyone, ("[population]",)
    if scope.polygon:
        column = f"in_{scope.name}"
        if scope.name not in study.evidence.scopes or column not in demand.columns:
            return everyone, (f"[boundaries.{scope.name}]",)
        return demand[column].fillna(False).to_numpy(bool), ()
    placed = [f"unit_{level}" for level in study.levels() if f"unit_{level}" in demand.columns]
    return (demand[placed].notna().any(axis=1).to_numpy(bool) if placed else everyone), ()


def _profile(indicator: Indicator, study: Study, layer: str) -> str:
    given = study.evidence.layer_profiles.get(layer, study.evidence.default_profile)
    return indicator.profile or given


def _access(study: Study, layer: str, profile: str, mask: Bools) -> pd.DataFrame | None:
    """Return the access of some demand points to a layer, in their order.

    None where the table was not computed; a layer that is supplied and empty reaches nobody.
    """
    demand, access = study.evidence.demand, study.evidence.access
    rows = access
    if not access.empty:
        rows = access[
            (access["layer"] == layer)
            & (access["profile"] == profile)
            & (access["criterion"] == "metres")
        ]
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


def _start(
    indicator: Indicator, study: Study, weight: str
) -> tuple[pd.DataFrame, Floats, pd.DataFrame, Measured | None]:
    """Return people, their weights and their access; or a measurement that says what is missing."""
    mask, missing = _people(indicator, study)
    missing += study.missing_layers((indicator.layer,))
    nothing = pd.DataFrame()
    if missing:
        return nothing, np.zeros(0), nothing, not_measured(*missing)
    people = study.evidence.demand[mask]
    values = people[weight].to_numpy(float, na_value=np.nan)
    if not np.isfinite(values).any():
        needed = f"[population] {weight}" if len(people) else "[population]"
        return nothing, np.zeros(0), nothing, not_measured(needed)
    profile = _profile(indicator, study, indicator.layer)
    access = _access(study, indicator.layer, profile, mask)
    if access is None:
        missing_access = not_measured(f"access {indicator.layer} {profile}")
        return nothing, np.zeros(0), nothing, missing_access
    return people, np.nan_to_num(values), access, None


def _within(values: pd.Series[float] | Floats, limit: float) -> Bools:
    from servicecircle.measure.access import reaches

    return reaches(np.asarray(values, float), limit)


def _with_unsnapped(access: pd.DataFrame, covered: Bools, limit_m: float) -> Bools:
    """Add the unsnapped points that could be within reach: no road is shorter than straight."""
    unsnapped = (access["status"] == "unsnapped").to_numpy(bool)
    return np.asarray(covered | (unsnapped & _within(access["straight_metres"], limit_m)))


def _by_position(access: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return access with facilities as near, and as far, as the errors of their places allow."""
    tables = []
    for end in ("least", "most"):
        bounds = {
            column: access[f"{short}_{end}"].fillna(access[column])
            for column, short in (
                ("metres", "metres"),
                ("seconds", "seconds"),
                ("straight_metres", "straight"),
            )
            if f"{short}_{end}" in access.columns
        }
        tables.append(access.assign(**bounds))
    return tables[0], tables[1]


def _with_position(
    low: Bools, high: Bools, weight: Floats, *, far: Bools, near: Bools
) -> tuple[Bools, Bools, tuple[str, ...]]:
    """Return bounds that hold wherever the facilities really are, and the cause if they differ."""
    wider_low, wider_high = low & far, high | near
    differ = ((wider_low != low) | (wider_high != high)) & (weight > 0)
    return wider_low, wider_high, ("coordinates",) if differ.any() else ()


def measure_distance(indicator: Indicator, study: Study, year: int | None) -> Measured:  # noqa: ARG001 - a stock at the date of judgement
    """Measure the share of older people within so many metres of a facility, in per cent.

    ``value`` is the share over the network, or along the straight line where that is what the
    clause or a pin says; ``straight_value`` is the straight-line share. People without a number
    are not covered and stay in the denominator.

    What bounds the answer, and is named as a cause of its width:

    - ``definition``: the clause does not say which distance is meant, nor does a pin, so the
      answer lies between the network's share and the straight-line one;
    - ``unsnapped``: people too far from the network for a number, as they are (not covered) in
      ``low``, and in ``high`` covered where the straight line is short enough;
    - ``roads``: there are none. The straight-line share is the most that any network can give, so
      falling short of the target proves failure; reaching it proves nothing;
    - ``coordinates``: a facility with a position error may be so many metres nearer (``high``) or
      farther (``low``).
    """
    people, weight, access, stopped = _start(indicator, study, "elderly")
    if stopped is not None:
        return stopped
    limit = indicator.threshold or 0.0
    meaning = study.pins.get(indicator.id, indicator.distance or "unstated")
    straight = _within(access["straight_metres"], limit)
    if study.evidence.has_roads:
        value = _within(access["metres"], limit)
        high = _with_unsnapped(access, value, limit)
        causes: tuple[str, ...] = ("unsnapped",) if (high & ~value & (weight > 0)).any() else ()
        low = value
        if meaning == "unstated" and (straight & ~value & (weight > 0)).any():
            high, causes = high | straight, ("definition", *causes)
    else:
        value, low, high, causes = None, np.zeros(straight.size, bool), straight, ("roads",)
        if meaning == "unstated":
            causes = ("definition", "roads")
    if meaning == "straight":
        value, low, high, causes = straight, straight, straight, ()
    nearer, farther = _by_position(access)
    near, far = (_within(one["straight_metres"], limit) for one in (nearer, farther))
    if value is not None and meaning != "straight":
        near = near if meaning == "unstated" else np.zeros_like(near)
        near = near | _with_unsnapped(nearer, _within(nearer["metres"], limit), limit)
        far = _within(farther["metres"], limit)
    low, high, cause = _with_position(low, high, weight, far=far, near=near)
    causes += cause
    reach = _Reach(
        people=people,
        weight=weight,
        value=value,
        straight=straight,
        low=low,
        high=high,
        causes=causes,
    )
    notes = (study.note(f"pinned_{meaning}"),) if indicator.id in study.pins else ()
    return _people_share(
        reach,
        indicator,
        study,
        notes=notes,
        ambiguous=meaning == "unstated",
        need_roads=meaning != "straight",
    )


def measure_travel_time(indicator: Indicator, study: Study, year: int | None) -> Measured:
    """Measure the share of older people within so many minutes of a facility, in per cent.

    The way goes over the network at the speed of the rule's profile, else of the layer's.
    ``straight_value`` is the share whose straight line takes no longer, beside it.

    What bounds the answer, and is named as a cause of its width:

    - ``speed``: for the profile ``elderly``, 2.5 to 4 km/h, a declared assumption, on the same
      metres;
    - ``unsnapped``: as in :func:`measure_distance`, at the fastest speed;
    - ``roads``: there are none; the straight line at the fastest speed bounds the share;
    - ``coordinates``: as in :func:`measure_distance`.

    An indicator whose denominator is ``units`` is measured by community instead: it passes when
    the mean time of its people to each layer of the basket is at most the threshold.
    """
    if indicator.denominator == "units":
        return _communities(indicator, study, year)
    people, weight, access, stopped = _start(indicator, study, "elderly")
    if stopped is not None:
        return stopped
    profile = _profile(indicator, study, indicator.layer)
    seconds = 60.0 * (indicator.threshold or 0.0)
    speed = study.evidence.speeds[profile]
    slow, fast = _speeds(profile, speed)
    crow = speed if speed > 0.0 else FASTEST_KMH
    straight = _within(access["straight_metres"] / (crow / _KMH), seconds)
    causes: tuple[str, ...] = ()
    quickest = fast if fast > 0.0 else crow
    if study.evidence.has_roads:
        value = _within(access["seconds"], seconds)
        low = value & _within(access["seconds"] * _times(speed, slow), seconds)
        quick = value | _within(access["seconds"] * _times(speed, fast), seconds)
        high = _with_unsnapped(access, quick, seconds * quickest / _KMH)
        counted = weight > 0
        if ((low != value) & counted).any() or ((quick != value) & counted).any():
            causes += ("speed",)
        if (high & ~quick & counted).any():
            causes += ("unsnapped",)
    else:
        value, low = None, np.zeros(straight.size, bool)
        high = straight | _within(access["straight_metres"] / (quickest / _KMH), seconds)
        causes = ("roads",)
    nearer, farther = _by_position(access)
    if value is None:
        near, far = _within(nearer["straight_metres"] / (quickest / _KMH), seconds), low
    else:
        near = _within(nearer["seconds"] * _times(speed, fast), seconds)
        near = _with_unsnapped(nearer, near, seconds * quickest / _KMH)
        far = _within(farther["seconds"] * _times(speed, slow), seconds)
    low, high, cause = _with_position(low, high, weight, far=far, near=near)
    causes += cause
    reach = _Reach(
        people=people,
        weight=weight,
        value=value,
        straight=straight,
        low=low,
        high=high,
        causes=causes,
    )
    return _people_share(
        reach, indicator, study, notes=(), ambiguous=False, need_roads=True, profile=profile
    )


def _times(speed: float, other: float) -> float:
    """Return how many times longer the same way takes at another speed."""
    return 1.0 if other == speed or not speed > 0.0 else speed / other


def _speeds(profile: str, speed: float) -> tuple[float, float]:
    if profile != "elderly":
        return speed, speed
    return min(speed, ELDERLY_SPEED_RANGE_KMH[0]), max(speed, ELDERLY_SPEED_RANGE_KMH[1])


def _people_share(
    reach: _Reach,
    indicator: Indicator,
    study: Study,
    *,
    notes: tuple[str, ...],
    ambiguous: bool,
    need_roads: bool,
    profile: str = "",
) -> Measured:
    weight = reach.weight
    total = float(weight.sum())
    covered = NAN if reach.value is None else float(weight[reach.value].sum())
    unknown = int(reach.people["elderly"].isna().sum())
    if unknown:
        notes += (study.note("unknown_elderly", count=unknown),)
    if study.evidence.basis:
        basis = study.note(f"basis_{study.evidence.basis}")
        age = study.evidence.age_from if study.evidence.age_from is not None else "?"
        notes += (study.note("people", basis=basis, age=age),)
    notes += _unplaced(indicator, study)
    missing = ("[roads]",) if reach.value is None and need_roads else ()
    if total <= 0:
        return not_measured("[population] elderly", notes=notes)
    profile = profile or _profile(indicator, study, indicator.layer)
    return Measured(
        value=share(covered, total),
        straight_value=share(float(weight[reach.straight].sum()), total),
        numerator=covered,
        denominator=total,
        low=share(float(weight[reach.low].sum()), total),
        high=share(float(weight[reach.high].sum()), total),
        causes=reach.causes,
        missing=missing,
        notes=notes,
        units=_by_unit(reach, study),
        judged_by="target",
        profile=profile,
        speed_kmh=study.evidence.speeds.get(profile, NAN),
        scale=100.0,
        ambiguous=ambiguous,
    )


def _unplaced(indicator: Indicator, study: Study) -> tuple[str, ...]:
    """Say how many open facilities no way can lead to, since they have no place or no road."""
    rows = study.open_rows(indicator.layer)
    if "snap_status" not in rows.columns:
        return ()
    count = int(rows["snap_status"].isin(["no_place", "unsnapped"]).sum())
    return (study.note("unplaced", count=count, total=len(rows)),) if count else ()


def _by_unit(reach: _Reach, study: Study) -> pd.DataFrame:
    """Return the shares of the units of each level that have people of the scope."""
    empty = np.zeros(reach.weight.size)
    sums = pd.DataFrame(
        {
            "numerator": empty + NAN if reach.value is None else reach.weight * reach.value,
            "denominator": reach.weight,
            "low": reach.weight * reach.low,
            "high": reach.weight * reach.high,
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
        parts.append(
            unit_table(
                list(
                    zip(
                        totals.index,
                        100.0 * totals["numerator"] / whole,
                        totals["numerator"],
                        totals["denominator"],
                        100.0 * totals["low"] / whole,
                        100.0 * totals["high"] / whole,
                        strict=True,
                    )
                )
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else unit_table([])


def _communities(indicator: Indicator, study: Study, year: int | None) -> Measured:  # noqa: ARG001 - a stock at the date of judgement
    """Measure the share of units whose people reach every layer of the basket in time.

    A unit's time to a layer is the mean over its people; somebody without a number takes
    infinitely long, so the unit fails. Bounds: with the profile ``elderly`` everybody walks at 2.5
    or at 4 km/h (cause ``speed``); unsnapped people are as they are or have a road as short as
    the straight line (cause ``unsnapped``); facilities are as near, or as far, as the errors of
    their places allow (cause ``coordinates``). Units without people have no answer and are left
    out.
    The units' values are minutes to the layer that takes longest.
    """
    basket = indicator.basket or (indicator.layer,)
    mask, missing = _people(indicator, study)
    units = study.units(indicator.level)
    demand = study.evidence.demand
    column = f"unit_{indicator.level}"
    missing += study.missing_layers(basket)
    if units.empty or (not demand.empty and column not in demand.columns):
        missing += (f"[boundaries.{indicator.level}]",)
    missing += () if study.evidence.has_roads else ("[roads]",)
    if missing:
        return not_measured(*missing)
    inside, unknown = units_in_scope(units, study.registry.scopes[indicator.scope])
    if not inside.any():
        needed = f"[boundaries.{indicator.level}]" + (" type" if unknown.any() else "")
        return not_measured(needed)
    units = units[inside]
    mask = mask & (demand[column].isin(units.index) & (demand["population"] > 0)).to_numpy(bool)
    people = demand[mask]
    counted = units.index[units.index.isin(people[column])]
    if counted.empty:
        return not_measured("[population]")
    mean = _mean_by(people[column].to_numpy(), people["population"].to_numpy(float), counted)
    limit = indicator.threshold or 0.0
    names = ("value", "near", "low", "quick", "high", "far")
    minutes = {name: np.zeros(len(counted)) for name in names}
    for layer in basket:
        profile = _profile(indicator, study, layer)
        access = _access(study, layer, profile, mask)
        if access is None:
            return not_measured(f"access {layer} {profile}")
        for name, taken in _mean_minutes(access, profile, study, mean).items():
            minutes[name] = np.maximum(minutes[name], taken)
    passes = {name: _within(60.0 * taken, 60.0 * limit) for name, taken in minutes.items()}
    causes: tuple[str, ...] = ()
    if (passes["high"] != passes["quick"]).any():
        causes += ("speed",)
    if (passes["low"] != passes["quick"]).any():
        causes += ("unsnapped",)
    if (passes["far"] != passes["high"]).any() or (passes["near"] != passes["low"]).any():
        causes += ("coordinates",)
    notes = [study.note("basket", layers="、".join(basket))]
    if len(units) > len(counted):
        notes.append(study.note("empty_units", count=len(units) - len(counted)))
    has = float(passes["value"].sum())
    profile = _profile(indicator, study, indicator.layer)
    ones = np.ones(len(counted))
    return Measured(
        value=share(has, len(counted)),
        numerator=has,
        denominator=float(len(counted)),
        # The longest times make the lowest share.
        low=share(float(passes["far"].sum()), len(counted)),
        high=share(float(passes["near"].sum()), len(counted)),
        causes=causes,
        notes=tuple(notes),
        units=unit_table(
            list(
                zip(
                    counted,
                    minutes["value"],
                    passes["value"].astype(float),
                    ones,
                    minutes["near"],
                    minutes["far"],
                    strict=True,
                )
            )
        ),
        judged_by="threshold",
        unit_operator="at_most",
        profile=profile,
        speed_kmh=study.evidence.speeds.get(profile, NAN),
        scale=100.0,
        whole=True,
    )


def _mean_minutes(
    access: pd.DataFrame, profile: str, study: Study, mean: Callable[[Floats], Floats]
) -> dict[str, Floats]:
    """Return mean minutes by unit: as is, and at the bounds of speed, unsnapped and places."""
    found = _minutes_at(access, profile, study, mean)
    nearer, farther = _by_position(access)
    return found | {
        "near": np.minimum(found["low"], _minutes_at(nearer, profile, study, mean)["low"]),
        "far": np.maximum(found["high"], _minutes_at(farther, profile, study, mean)["high"]),
    }


def _minutes_at(
    access: pd.DataFrame, profile: str, study: Study, mean: Callable[[Floats], Floats]
) -> dict[str, Floats]:
    speed = study.evidence.speeds[profile]
    slow, fast = _speeds(profile, speed)
    crow = speed if speed > 0.0 else FASTEST_KMH
    minutes = access["seconds"].fillna(np.inf).to_numpy(float) / 60.0
    straight = access["straight_metres"].fillna(np.inf).to_numpy(float) * 0.06 / crow
    best = np.where((access["status"] == "unsnapped").to_numpy(bool), straight, minutes)
    return {
        "value": mean(minutes),
        "high": mean(minutes) * _times(speed, slow),
        "quick": mean(minutes) * _times(speed, fast),
        "low": mean(best) * _times(speed, fast),
    }


def _mean_by(
    unit: NDArray[np.object_], weight: Floats, index: pd.Index
) -> Callable[[Floats], Floats]:
    """Return the function that takes means by unit, weighted by people; all weights positive."""
    codes = index.get_indexer(pd.Index(unit))
    total = np.bincount(codes, weights=weight, minlength=len(index))

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(codes, weights=values * weight, minlength=len(index)) / total)

    return mean
