"""share, capacity_ratio, area_ratio: what stands above the line over what stands below it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from servicecircle.standards.chosen import dated_by
from servicecircle.standards.kinds.base import (
    UNIT_COLUMNS,
    Measured,
    Study,
    not_measured,
    unit_table,
)
from servicecircle.standards.kinds.norms import measure_compliance
from servicecircle.standards.kinds.parts import measure_parts
from servicecircle.standards.kinds.ratio_units import divided
from servicecircle.standards.plan import Indicator
from servicecircle.standards.quantities import quantity
from servicecircle.standards.quantity import Quantity
from servicecircle.standards.registry import QuantityWords
from servicecircle.standards.scopes import Where, where_of
from servicecircle.standards.trace import as_part, join_traces

__all__ = ["measure_ratio"]


def measure_ratio(indicator: Indicator, study: Study, year: int | None) -> Measured:
    """Measure a ratio: numerator ÷ denominator × per.

    The value is that of the whole part of the area that the indicator speaks of; units are shown
    beside it. Where the rule holds for each unit (units stand below the line, or its level lies
    below the study's own, or has to be drawn), or for each facility, each of them has to reach the
    target, and the farthest off decides.

    - Facilities above and below the line are parts of a whole: see :func:`measure_parts`.
    - Units that have it: see :func:`measure_compliance`.
    - ``low`` and ``high`` follow from those of both quantities.
    - Nothing below the line is no data; where less is better and nothing stands below the line but
      something above it, any target is missed.
    """
    quantities = study.registry.quantities
    if indicator.needs:
        return not_measured(indicator.needs)
    above, below = quantities[indicator.numerator], quantities[indicator.denominator]
    level = study.registry.levels[indicator.level]
    each = (
        (below.kind == "units" and not below.of)
        or not level.administrative
        or study.registry.finer(indicator.level, study.own_level)
    )
    facilities = above.kind == below.kind == "facilities"
    each_unit = each and not (facilities and indicator.level != study.own_level and _of_all(below))
    if each and study.units(indicator.level).empty:
        if level.administrative and study.registry.finer(study.own_level, indicator.level):
            return Measured(applicable=False, notes=(study.note_above(indicator.level),))
        return not_measured(f"[boundaries.{indicator.level}]", *_lacking(indicator, study))
    where = where_of(study, indicator.scope, indicator.level if each_unit else "")
    missing = where.missing
    if not missing and where.level and where.units.empty:
        missing = (f"[boundaries.{where.level}] {indicator.scope}",)
    if missing:
        missing = tuple(dict.fromkeys((*missing, *_lacking(indicator, study))))
        return not_measured(*missing, notes=where.notes)
    if above.kind == "presence":
        return measure_compliance(indicator, study, where)
    if facilities:
        return measure_parts(indicator, study, year, where)
    return _ratio(indicator, study, year, where, each_unit=each_unit)


def _lacking(indicator: Indicator, study: Study) -> tuple[str, ...]:
    """Return what both sides of a ratio would need besides the units or the part of the area."""
    names = (indicator.numerator, indicator.denominator)
    counted = {"units", "presence", "reach"}
    return tuple(
        needed
        for name, beside in (names, names[::-1])
        if study.registry.quantities[name].kind not in counted
        for needed in quantity(study, indicator, name, Where(), beside=beside).missing
    )


def _of_all(words: QuantityWords) -> bool:
    """Return whether a quantity counts the facilities themselves."""
    return words.kind == "facilities" and not words.of


def _ratio(
    indicator: Indicator, study: Study, year: int | None, where: Where, *, each_unit: bool
) -> Measured:
    names = (indicator.numerator, indicator.denominator)
    conditions = (indicator.filter, indicator.numerator_filter)
    top = quantity(
        study,
        indicator,
        names[0],
        where,
        conditions=conditions,
        dated=dated_by(indicator, study, year),
        beside=names[1],
    )
    bottom = quantity(
        study, indicator, names[1], where, conditions=(indicator.filter,), beside=names[0]
    )
    notes = (*where.notes, *top.notes, *bottom.notes)
    missing = tuple(dict.fromkeys((*top.missing, *bottom.missing)))
    words = study.registry.quantities[names[1]]
    value, low, high = ratio_of(top, bottom, indicator)
    if bottom.value == 0 and not bottom.missing:
        title = words.zh if study.language == "zh" else words.en
        notes += (study.note("zero", what=title),)
        if math.isnan(low):
            missing += (words.needs.format(layer=indicator.layer),)
    units = _units(indicator, study, where, top, bottom)
    each = None
    if each_unit:
        each = units[units["unit_id"].isin(where.units)]
        unknown = len(where.units) - len(each)
        if unknown and not math.isnan(value):
            notes += (study.note("unknown_units", count=unknown),)
    found = Measured(
        value=value,
        numerator=top.value,
        denominator=bottom.value,
        low=low,
        high=high,
        causes=tuple(dict.fromkeys((*top.causes, *bottom.causes))),
        missing=missing,
        notes=tuple(dict.fromkeys(notes)),
        units=units,
        judged_by="target" if indicator.targets else "threshold",
        unit_operator=indicator.operator,
        scale=indicator.per,
        each=each,
        each_title=_people_title(study, words) if each_unit else "",
        trace=join_traces((as_part(top.trace, "numerator"), as_part(bottom.trace, "denominator"))),
    )
    # A trace of what has no number would add up to something.
    return found if not missing else replace(found, trace=_of_known(found))


def _of_known(found: Measured) -> pd.DataFrame:
    known = [
        part
        for part, number in (("numerator", found.numerator), ("denominator", found.denominator))
        if not math.isnan(number)
    ]
    return found.trace[found.trace["part"].isin(known)].reset_index(drop=True)


def _people_title(study: Study, words: QuantityWords) -> str:
    if words.kind != "people":
        return ""
    return words.zh if study.language == "zh" else words.en


def ratio_of(top: Quantity, bottom: Quantity, indicator: Indicator) -> tuple[float, float, float]:
    """Return value, low and high of a ratio of two quantities."""
    table = divided(
        pd.DataFrame({"value": [top.value], "low": [top.low], "high": [top.high]}),
        pd.DataFrame({"value": [bottom.value], "low": [bottom.low], "high": [bottom.high]}),
        per=indicator.per,
        less_is_better=indicator.operator == "at_most",
    )
    value, low, high = table.iloc[0].tolist()
    return value, low, high


def _units(
    indicator: Indicator, study: Study, where: Where, top: Quantity, bottom: Quantity
) -> pd.DataFrame:
    """Return the ratio of every unit that both quantities are known of."""
    units = study.evidence.units
    index = where.units
    if not where.level:
        index = units.index[units["level"].isin(study.all_levels())]
    for side in (top.units.index, bottom.units.index):
        index = index[side.get_indexer(index) >= 0]
    above, below = top.units.reindex(index), bottom.units.reindex(index)
    table = divided(above, below, per=indicator.per, less_is_better=indicator.operator == "at_most")
    table = table.assign(
        unit_id=np.asarray(index, dtype=object),
        numerator=above["value"],
        denominator=below["value"],
    )
    known = table["value"].notna() | table["low"].notna()
    table = table.loc[known, list(UNIT_COLUMNS)].reset_index(drop=True)
    return table if len(table) else unit_table([])
