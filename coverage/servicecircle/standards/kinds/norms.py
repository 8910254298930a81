"""Units that comply: with a facility, or with as much as a norm asks for."""

from __future__ import annotations

import numpy as np

from servicecircle.standards.kinds.base import NAN, Measured, Study, not_measured, share, unit_table
from servicecircle.standards.kinds.presence_per_unit import measure_presence
from servicecircle.standards.kinds.ratio_units import divided
from servicecircle.standards.plan import Indicator, Norm
from servicecircle.standards.quantities import quantity
from servicecircle.standards.scopes import Where
from servicecircle.standards.trace import addends, join_traces

__all__ = ["measure_compliance"]


def measure_compliance(indicator: Indicator, study: Study, where: Where) -> Measured:
    """Measure the share of units that have what is asked for, in per cent.

    Without a norm a unit has it with ``threshold`` facilities, see :func:`measure_presence`. With
    one, where numerator ÷ denominator × per of the norm (such as m² of floor per 100 households)
    reaches the norm's value: the plan's own, else the one that the project supplies. The units'
    values are those ratios, held against the norm.
    """
    norm = indicator.norm
    if norm is None:
        return measure_presence(indicator, study, None)
    goal = norm.value or study.evidence.norms.get(indicator.id)
    if goal is None:
        return not_measured(f"[plans.{study.plan.id}.norms] {indicator.id}", notes=where.notes)
    top = quantity(
        study,
        indicator,
        norm.numerator,
        where,
        conditions=(indicator.filter,),
        beside=norm.denominator,
    )
    bottom = quantity(study, indicator, norm.denominator, where, beside=norm.numerator)
    missing = tuple(dict.fromkeys((*top.missing, *bottom.missing)))
    notes = (*where.notes, *top.notes, *bottom.notes, _said(norm, goal, study))
    above, below = top.units.reindex(where.units), bottom.units.reindex(where.units)
    ratios = divided(above, below, per=norm.per)
    low, high = ratios["low"].fillna(0.0), ratios["high"].fillna(np.inf)
    value = ratios["value"]
    slack = 1e-9 * goal
    # Units of which neither side is known may comply or not.
    has = (low >= goal - slack) & value.notna()
    may = high >= goal - slack
    total = float(len(where.units))
    count = NAN if missing else float(has.sum())
    passing = where.units[has.to_numpy(bool)]
    return Measured(
        value=share(count, total),
        numerator=count,
        denominator=total,
        low=share(float(has.sum()), total),
        high=share(float(may.sum()), total),
        causes=tuple(dict.fromkeys((*top.causes, *bottom.causes))) if (may & ~has).any() else (),
        missing=missing,
        notes=tuple(dict.fromkeys(notes)),
        units=unit_table(
            list(
                zip(
                    where.units,
                    value,
                    above["value"],
                    below["value"],
                    low,
                    high,
                    strict=True,
                )
            )
        ),
        judged_by="threshold",
        unit_goal=goal,
        scale=100.0,
        whole=True,
        trace=join_traces(
            (
                addends("numerator", "unit", passing, np.ones(len(passing)), passing)
                if not missing
                else addends("", "", (), ()),
                addends("denominator", "unit", where.units, np.ones(int(total)), where.units),
            )
        ),
    )


def _said(norm: Norm, goal: float, study: Study) -> str:
    above, below = (study.registry.quantities[name] for name in (norm.numerator, norm.denominator))
    chinese = study.language == "zh"
    return study.note(
        "norm",
        per=f"{norm.per:g}",
        norm=f"{goal:g}",
        above=above.zh if chinese else above.en,
        below=below.zh if chinese else below.en,
    )
