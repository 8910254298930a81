"""travel_time of units: the share of communities whose people reach a basket in time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.standards.journeys import in_seconds
from servicecircle.standards.kinds.base import (
    NAN,
    Measured,
    Study,
    not_measured,
    share,
    unit_table,
    units_in_scope,
)
from servicecircle.standards.kinds.reach import (
    Floats,
    access_of,
    people_in_scope,
    profile_of,
    within,
)
from servicecircle.standards.plan import Indicator
from servicecircle.standards.trace import addends, join_traces
from servicecircle.standards.uncertainty import Journeys, named_causes, times

__all__ = ["measure_communities"]


def measure_communities(indicator: Indicator, study: Study, year: int | None) -> Measured:  # noqa: ARG001 - a stock at the date of judgement
    """Measure the share of units whose people reach every layer of the basket in time.

    A unit's time to a layer is the mean over its people; somebody without a number takes
    infinitely long, so the unit fails. Bounds: with the profile ``elderly`` everybody walks at 2.5
    or at 4 km/h (cause ``speed``); unsnapped people are as they are or have a road as short as
    the straight line (cause ``unsnapped``); facilities are as near, or as far, as the errors of
    their places allow (cause ``coordinates``), and so are people (``cell_size`` or
    ``people_coordinates``); somebody near the edge may be served from beyond it (``edge``). Units
    without people have no answer and are left out.
    The units' values are minutes to the layer that takes longest.
    """
    basket = indicator.basket or (indicator.layer,)
    mask, missing = people_in_scope(indicator, study)
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
    limit = indicator.threshold or 0.0
    ways = []
    for layer in basket:
        profile = profile_of(indicator, study, layer)
        access = access_of(study, layer, profile, mask)
        if access is None:
            return not_measured(f"access {layer} {profile}")
        ways.append(
            in_seconds(access, people, profile=profile, evidence=study.evidence, limit=60.0 * limit)
        )
    unit = counted.get_indexer(pd.Index(people[column].to_numpy())).astype(np.int64)
    everybody = _Communities(
        ways=tuple(ways), unit=unit, weight=people["population"].to_numpy(float), count=len(counted)
    )
    doubts = {"speed", "unsnapped", "coordinates", "edge", study.evidence.people_cause}
    value = everybody.minutes((), "low")
    # The longest times make the lowest share.
    near, far = everybody.minutes(doubts, "high"), everybody.minutes(doubts, "low")
    passing, failing = within(60.0 * far, 60.0 * limit), ~within(60.0 * near, 60.0 * limit)
    open_units = np.flatnonzero(~passing & ~failing)
    some = everybody.of(open_units)

    def ends(on: Collection[str]) -> tuple[float, float]:
        low, high = (
            float(within(60.0 * some.minutes(on, end), 60.0 * limit).sum() + passing.sum())
            for end in ("low", "high")
        )
        return share(low, len(counted)), share(high, len(counted))

    causes, widths = named_causes(ends, doubts) if open_units.size else ((), ())
    passes = within(60.0 * value, 60.0 * limit)
    notes = [study.note("basket", layers="、".join(map(study.layer_title, basket)))]
    if len(units) > len(counted):
        notes.append(study.note("empty_units", count=len(units) - len(counted)))
    has = float(passes.sum())
    profile = profile_of(indicator, study, indicator.layer)
    ones = np.ones(len(counted))
    return Measured(
        value=share(has, len(counted)),
        numerator=has,
        denominator=float(len(counted)),
        low=share(float(passing.sum()), len(counted)),
        high=share(float((~failing).sum()), len(counted)),
        causes=causes,
        widths=widths,
        notes=tuple(notes),
        units=unit_table(
            list(
                zip(
                    counted,
                    value,
                    passes.astype(float),
                    ones,
                    near,
                    far,
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
        trace=join_traces(
            (
                addends("numerator", "unit", counted[passes], ones[passes], counted[passes]),
                addends("denominator", "unit", counted, ones, counted),
            )
        ),
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Communities:
    """People of communities, all of positive weight, and their ways to each layer of a basket."""

    ways: tuple[Journeys, ...]
    unit: NDArray[np.int64]
    weight: Floats
    count: int

    def minutes(self, doubts: Collection[str], end: Literal["low", "high"]) -> Floats:
        """Return the mean minutes of each community to the layer that takes longest."""
        total = np.bincount(self.unit, self.weight, self.count)
        longest = np.zeros(self.count)
        for way in self.ways:
            seconds = times(way, doubts, end=end)
            seconds = np.where(np.isnan(seconds), np.inf, seconds)
            mean = np.bincount(self.unit, seconds * self.weight, self.count) / total
            longest = np.maximum(longest, mean / 60.0)
        return longest

    def of(self, units: NDArray[np.int64]) -> _Communities:
        """Return some of the communities."""
        number = np.full(self.count, -1, np.int64)
        number[units] = np.arange(units.size)
        rows = np.flatnonzero(number[self.unit] >= 0)
        return _Communities(
            ways=tuple(way.take(rows) for way in self.ways),
            unit=number[self.unit[rows]],
            weight=self.weight[rows],
            count=units.size,
        )
