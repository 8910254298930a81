"""What one more facility, or one more person, does to the value of an indicator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.measure.most_within import most_within
from servicecircle.standards.evidence import FASTEST_KMH
from servicecircle.standards.kinds.base import Study
from servicecircle.standards.kinds.reach import KMH, profile_of, start, within
from servicecircle.standards.plan import Indicator
from servicecircle.standards.registry import QuantityWords
from servicecircle.standards.things import counted_thing, reached_people

__all__ = ["Worth", "worth_of_reach", "worth_of_things"]

NAN = math.nan
Floats = NDArray[np.float64]
_RELATIVE = 1e-9
# Tobler's best slope is this much faster than the flat, see network/slope.py.
_DOWNHILL = math.exp(3.5 * 0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What one more of something does to an indicator's value.

    Parameters
    ----------
    of : str
        What there is one more of: ``facilities``, or what numerator or denominator count.
    size : float
        Of the one that is added, in what the numerator counts; NaN unknown.
    uncovered : float
        People out of reach now, for shares of people within reach.
    gain : float
        Change of the value, in the indicator's unit.
    bound : {"exact", "assumed", "at_most", "unknown"}
        Of the gain; assumed: for one of the size named.
    needed : float
        How many it takes at least to reach the target.
    assumption : str
        In the language of the study.
    """

    of: str = "facilities"
    size: float = NAN
    uncovered: float = NAN
    gain: float = NAN
    bound: str = "unknown"
    needed: float = NAN
    assumption: str = ""


def worth_of_things(
    indicator: Indicator, study: Study, card: Mapping[str, Any], units: pd.DataFrame
) -> Worth:
    """Return the worth to an indicator that counts units, facilities, or a ratio of quantities.

    Parameters
    ----------
    indicator : Indicator
    study : Study
    card : mapping of str
        The row of the scorecard that holds the indicator against its headline target.
    units : pandas.DataFrame
        Its rows of ``unit_results``.

    Returns
    -------
    Worth

    Examples
    --------
    >>> import datetime as dt
    >>> from servicecircle.standards.evidence import Evidence
    >>> from servicecircle.standards.indicators import load_plan
    >>> evidence = Evidence(
    ...     as_of=dt.date(2025, 12, 31), units=pd.DataFrame(), layers=frozenset(),
    ...     facilities=pd.DataFrame(), demand=pd.DataFrame(), access=pd.DataFrame(),
    ... )
    >>> study = Study(plan=load_plan("minle"), evidence=evidence, area="whole", own_level="county")
    >>> rule = Indicator(
    ...     id="a", name_zh="甲", name_en="a", layer="canteen", kind="count", level="township",
    ...     unit="facilities",
    ... )
    >>> one = worth_of_things(rule, study, {"shortfall": 3.0}, pd.DataFrame())
    >>> one.gain, one.bound, one.needed
    (1.0, 'exact', 3.0)
    """
    if indicator.kind == "count":
        note = study.note("worth_count_flow" if indicator.measure == "flow" else "worth_count")
        return Worth(size=1.0, gain=1.0, bound="exact", needed=card["shortfall"], assumption=note)
    if indicator.kind == "travel_time":
        return Worth(assumption=study.note("worth_siting"))
    if _counts_units(indicator):
        return _of_units(indicator, study, card, units)
    return _of_ratio(indicator, study, card, units)


def _counts_units(indicator: Indicator) -> bool:
    return indicator.kind in {"presence_per_unit", "phasing"} or indicator.numerator in {
        "units_with",
        "units",
    }


def _of_units(
    indicator: Indicator, study: Study, card: Mapping[str, Any], units: pd.DataFrame
) -> Worth:
    """Return the worth where units that have enough are counted: 100 ÷ units, in the right one."""
    total = card["denominator"]
    lacking = units.loc[units["shortfall_of"] == "facilities", "shortfall"].dropna()
    lacks = np.sort(np.ceil(lacking[lacking > 0].to_numpy(float) - _RELATIVE))
    gain = 100.0 / total if total > 0 else NAN
    if not len(lacks):
        # Of units held against a norm one facility may make one comply, whatever its size.
        lacks_none = card["numerator"] >= total
        note = study.note("worth_all_have" if lacks_none else "worth_unit_norm")
        return Worth(
            size=1.0,
            gain=0.0 if lacks_none else gain,
            bound="exact" if lacks_none else "at_most",
            needed=card["shortfall"],
            assumption=note,
        )
    if lacks[0] > 1:
        gain, note = 0.0, study.note("worth_several", count=f"{lacks[0]:g}")
    else:
        note = study.note("worth_unit")
    short = card["shortfall"]
    needed = NAN if math.isnan(short) else float(lacks[: int(short)].sum())
    shared = _most_served(indicator, study)
    if shared > 1:
        note += "; " + study.note("worth_shared", count=shared)
        needed = needed if math.isnan(needed) else float(math.ceil(needed / shared))
    bound = "exact" if shared == 1 else "assumed"
    return Worth(size=1.0, gain=gain, bound=bound, needed=needed, assumption=note)


def _most_served(indicator: Indicator, study: Study) -> int:
    """Return how many units of the indicator's level one facility serves at most, at least one."""
    if study.units(indicator.level).empty:
        return 1
    most = 1
    for layer in (indicator.layer, *indicator.also):
        pairs = study.pairs(layer, indicator.level) if layer in study.evidence.layers else None
        if pairs is not None and len(pairs):
            most = max(most, int(pairs.groupby("facility_id")["unit_id"].nunique().max()))
    return most


def _of_ratio(
    indicator: Indicator, study: Study, card: Mapping[str, Any], units: pd.DataFrame
) -> Worth:
    """Return the worth to numerator ÷ denominator: of a facility of median size, or of a person."""
    above, below, value = card["numerator"], card["denominator"], card["value"]
    quantities = study.registry.quantities
    top, bottom = quantities.get(indicator.numerator), quantities.get(indicator.denominator)
    if top is None or bottom is None or not below > 0:
        return Worth(assumption=study.note("worth_unknown"))
    scale = value * below / above if above > 0 else indicator.per
    if indicator.operator == "at_most":
        more = above * scale / (below + 1.0) - value
        return Worth(
            of=counted_thing(bottom),
            size=1.0,
            gain=more,
            bound="exact",
            needed=card["shortfall"],
            assumption=study.note("worth_person"),
        )
    if top.kind != "facilities":
        return Worth(
            of=counted_thing(top),
            size=1.0,
            gain=scale / below,
            bound="exact",
            needed=card["shortfall"],
            assumption=study.note("worth_person"),
        )
    lacks = _one_by_one(indicator, study, units)
    return _of_size(indicator, study, card, scale, (top, bottom), lacks)


def _one_by_one(indicator: Indicator, study: Study, units: pd.DataFrame) -> Floats:
    """Return what each unit lacks, where each of them has to reach the target by itself."""
    level = study.registry.levels[indicator.level]
    below = study.registry.quantities[indicator.denominator]
    smaller = not level.administrative or study.registry.finer(indicator.level, study.own_level)
    if not smaller and (below.kind != "units" or below.of):
        return np.empty(0)
    judged = units.loc[units["verdict"] != "not_applicable", "shortfall"].dropna()
    return judged[judged > 0].to_numpy(float)


def _of_size(
    indicator: Indicator,
    study: Study,
    card: Mapping[str, Any],
    scale: float,
    quantities: tuple[QuantityWords, QuantityWords],
    lacks: Floats,
) -> Worth:
    """Return the worth of a facility of median size; of a part of facilities it is all such."""
    top, bottom = quantities
    if top.of and bottom.kind == "facilities" and not bottom.of:
        return Worth(assumption=study.note("worth_each"))
    above, below, target = card["numerator"], card["denominator"], card["target"]
    size, known = (1.0, 0) if not top.of else _median_size(indicator, study, top)
    added = 0.0
    if bottom.kind == "facilities":
        # The new one is wholly of the kind asked for: all its beds are nursing beds.
        size, known = (1.0, 0) if not bottom.of else _median_size(indicator, study, bottom)
        added = size
    if math.isnan(size):
        return Worth(assumption=study.note("worth_no_sizes"))
    gain = (above + size) / (below + added) * scale - card["value"]
    lacking, each = target / scale * below - above, size - target / scale * added
    needed = 0.0 if card["shortfall"] == 0 else NAN
    if len(lacks) and not added:
        needed = float(np.ceil(lacks / size - _RELATIVE).sum())
    elif lacking > 0 and each > _RELATIVE * size:
        needed = float(math.ceil(lacking / each - _RELATIVE))
    key = "worth_size" if known else "worth_passing"
    title = top.zh if study.language == "zh" else top.en
    notes = [study.note(key, size=f"{size:g}", thing=title, count=known)]
    if added and known:
        notes.append(study.note("worth_all_new"))
    if added and lacking > 0 and not each > _RELATIVE * size:
        notes.append(study.note("worth_never"))
    return Worth(
        size=size,
        gain=gain,
        bound="assumed" if known else "exact",
        needed=needed,
        assumption="; ".join(notes),
    )


def _median_size(indicator: Indicator, study: Study, quantity: QuantityWords) -> tuple[float, int]:
    """Return the median of a column over the open facilities of the layer, and of how many."""
    rows = study.open_rows(indicator.layer)
    chosen = study.select(rows, indicator.filter, indicator.layer).certain
    if quantity.of not in rows.columns:
        return NAN, 0
    sizes = rows.loc[rows.index.astype(str).isin(chosen), quantity.of].astype(float)
    sizes = sizes[sizes > 0]
    return (float(sizes.median()), len(sizes)) if len(sizes) else (NAN, 0)


def worth_of_reach(
    indicator: Indicator,
    study: Study,
    card: Mapping[str, Any],
    places: tuple[Floats, Floats],
    *,
    slopes: bool,
) -> dict[str, Worth]:
    """Return the most that one place can add to a share of people within reach, and by unit.

    No way is shorter than the straight line, so no place reaches more uncovered people than live
    within the straight-line limit of it; see :func:`servicecircle.measure.most_within.most_within`.

    Parameters
    ----------
    indicator : Indicator
        Of kind distance or travel_time, with a share of people.
    study : Study
    card : mapping of str
        The row of the scorecard that holds the indicator against its headline target.
    places : tuple of numpy.ndarray of float, shape (n,)
        Metres east and north of the demand points of the evidence, in their order.
    slopes : bool
        Slopes count, so that people may be faster than their profile downhill.

    Returns
    -------
    dict of str to Worth
        "" for the whole area, then unit → of one more for the people of that unit; empty where
        the share cannot be measured.

    Examples
    --------
    >>> import datetime as dt
    >>> from servicecircle.standards.evidence import Evidence
    >>> from servicecircle.standards.indicators import load_plan
    >>> evidence = Evidence(
    ...     as_of=dt.date(2025, 12, 31), units=pd.DataFrame(), layers=frozenset(),
    ...     facilities=pd.DataFrame(), demand=pd.DataFrame(), access=pd.DataFrame(),
    ... )
    >>> study = Study(plan=load_plan("minle"), evidence=evidence, area="whole", own_level="county")
    >>> rule = Indicator(
    ...     id="a", name_zh="甲", name_en="a", layer="canteen", kind="distance", level="township",
    ...     unit="%", threshold=500, denominator="population",
    ... )
    >>> nowhere = np.empty(0)
    >>> worth_of_reach(rule, study, {"denominator": math.nan}, (nowhere, nowhere), slopes=False)
    {}
    """
    people, weight, access, stopped = start(indicator, study, reached_people(indicator))
    if stopped is not None:
        return {}
    limit = indicator.threshold or 0.0
    if indicator.kind == "distance":
        straight = study.pins.get(indicator.id, indicator.distance) == "straight"
        reached = within(access["straight_metres" if straight else "metres"], limit)
        radius = limit
    else:
        speed = study.evidence.speeds.get(profile_of(indicator, study, indicator.layer), 0.0)
        reached = within(access["seconds"], 60.0 * limit)
        fastest = speed * (_DOWNHILL if slopes else 1.0) if speed > 0 else FASTEST_KMH
        radius = limit * 60.0 * fastest / KMH
    left = np.where(reached, 0.0, weight)
    at = study.evidence.demand.index.get_indexer(people.index)
    best = most_within(places[0][at], places[1][at], left, radius)
    total = card["denominator"]
    note = study.note("worth_within", metres=f"{radius:,.0f}")
    uncovered = float(left.sum())
    short = card["shortfall"]
    needed = 0.0 if short == 0 else NAN
    if short > 0 and best > 0:
        needed = float(math.ceil(short / best - _RELATIVE))
    found = {
        "": Worth(
            size=best,
            uncovered=uncovered,
            gain=100.0 * best / total,
            bound="at_most",
            needed=needed,
            assumption=note,
        )
    }
    note = study.note("worth_unit_people")
    for level in study.levels():
        column = f"unit_{level}"
        if column not in people.columns:
            continue
        sums = pd.Series(left).groupby(people[column].to_numpy()).sum()
        index = study.evidence.units.index[study.evidence.units["level"] == level]
        for unit in index[index.isin(sums.index)]:
            most = min(float(sums[unit]), best)
            found[str(unit)] = Worth(
                size=most,
                uncovered=float(sums[unit]),
                gain=100.0 * most / total,
                bound="at_most",
                assumption=note,
            )
    return found
