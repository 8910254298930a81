"""Quantities: what stands above and below the line of a ratio, in all and by unit.

What a quantity is read from stands in the registry (``from``).
"""

from __future__ import annotations

from servicecircle.standards.chosen import Dated, items_of
from servicecircle.standards.item_sums import sum_items
from servicecircle.standards.people_sums import people_of
from servicecircle.standards.plan import Filter, Indicator
from servicecircle.standards.quantity import Quantity, not_known
from servicecircle.standards.scopes import Where
from servicecircle.standards.studied import Study
from servicecircle.standards.unit_sums import count_units, figures_of, staff_of, sum_of_units

__all__ = ["quantity"]


def quantity(
    study: Study,
    indicator: Indicator,
    name: str,
    where: Where,
    *,
    conditions: tuple[Filter, ...] = (),
    dated: Dated | None = None,
    beside: str = "",
) -> Quantity:
    """Return a quantity of the registry over a part of the area and by unit.

    Parameters
    ----------
    study : Study
    indicator : Indicator
        Its layers are those of facilities, its level that of units.
    name : str
        Of the quantity.
    where : Where
    conditions : tuple of Filter
        Which facilities count.
    dated : Dated, optional
        By which dates they count.
    beside : str
        Name of the quantity on the other side of the ratio: staff beside beds are those of the
        facilities, staff beside people those of the units.

    Returns
    -------
    Quantity
        Its value is NaN where an input is missing. What the addends of its trace add up to is its
        value.
    """
    words = study.registry.quantities[name]
    if words.kind == "facilities":
        items = items_of(
            study,
            indicator,
            words.of,
            where,
            also=words.also,
            conditions=conditions,
            dated=dated,
        )
        return sum_items(study, items)
    if words.kind == "staff":
        other = study.registry.quantities[beside].kind if beside else ""
        return staff_of(study, indicator, words, where, at_facilities=other == "facilities")
    if words.kind == "people":
        return people_of(study, words, where)
    if words.kind == "statistics":
        return figures_of(study, words, where)
    if words.kind == "units":
        return (
            sum_of_units(study, words, where)
            if words.of
            else count_units(study, indicator.level, where)
        )
    return not_known(words.needs.format(layer=indicator.layer))
