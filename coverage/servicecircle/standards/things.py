"""What a shortfall counts: beds, staff, facilities, units, persons, square metres."""

from __future__ import annotations

from servicecircle.standards.plan import Indicator
from servicecircle.standards.registry import QuantityWords, load_registry

__all__ = ["WHOLE_THINGS", "counted_thing", "missing_thing", "ratio_scale", "reached_people"]

WHOLE_THINGS = frozenset({"beds", "facilities", "patients_served", "places", "staff", "units"})
"""Things that come one by one, so what is missing of them is rounded up."""

_OF_FACILITIES = {
    "": "facilities",
    "capacity": "beds",
    "nursing_beds": "beds",
    "dementia_beds": "beds",
    "floor_area_m2": "m2",
    "remaining_places": "places",
}
_OF_KIND = {"presence": "units", "reach": "persons", "people": "persons", "staff": "staff"}
_OF_UNITS = {"": "units", "floor_area_m2": "m2"}


def counted_thing(quantity: QuantityWords) -> str:
    """Return what one more of a quantity is one more of.

    Examples
    --------
    >>> quantities = load_registry().quantities
    >>> [counted_thing(quantities[name]) for name in ("nursing_beds", "social_workers", "elderly")]
    ['beds', 'staff', 'persons']
    >>> counted_thing(quantities["patients_served"])
    'patients_served'
    """
    if quantity.kind == "facilities":
        return _OF_FACILITIES.get(quantity.of, quantity.of)
    if quantity.kind == "units":
        return _OF_UNITS.get(quantity.of, quantity.of)
    return _OF_KIND.get(quantity.kind, quantity.of or quantity.name)


def missing_thing(indicator: Indicator, *, per_unit: bool = False) -> str:
    """Return what the shortfall of an indicator counts.

    A ratio lacks of its numerator, or of its denominator where less is better: at most 450 older
    persons per social worker is short of social workers. Where units are counted, the region
    lacks units, and one of its units lacks facilities, or minutes of a mean time.

    Parameters
    ----------
    indicator : Indicator
    per_unit : bool
        Of one unit held against the threshold, not of the region.

    Examples
    --------
    >>> from servicecircle.standards.indicators import load_plan
    >>> known = {one.id: one for one in load_plan("quzhou").indicators}
    >>> missing_thing(known["quzhou_elderly_per_social_worker"])
    'staff'
    >>> rule = known["quzhou_childrens_home_village_coverage"]
    >>> missing_thing(rule), missing_thing(rule, per_unit=True)
    ('units', 'facilities')
    """
    kind = indicator.kind
    if kind == "count":
        return "facilities"
    if kind in {"presence_per_unit", "phasing"}:
        return "facilities" if per_unit else "units"
    if kind == "travel_time" and indicator.denominator == "units":
        return "minutes" if per_unit else "units"
    if kind in {"distance", "travel_time"}:
        return "persons"
    name = indicator.denominator if indicator.operator == "at_most" else indicator.numerator
    quantities = load_registry().quantities
    thing = counted_thing(quantities[name]) if name in quantities else ""
    if not per_unit or thing != "units":
        return thing
    norm = indicator.norm
    return "facilities" if norm is None else counted_thing(quantities[norm.numerator])


def reached_people(indicator: Indicator) -> str:
    """Return whom a rule of distance or travel time counts: ``elderly``, or ``population``.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from servicecircle.standards.indicators import load_plan
    >>> known = {one.id: one for one in load_plan("zhejiang").indicators}
    >>> rule = known["zhejiang_care_home_within_1km"]
    >>> reached_people(rule), reached_people(replace(rule, denominator="population"))
    ('elderly', 'population')
    >>> reached_people(replace(rule, denominator=""))
    'elderly'
    """
    return "population" if indicator.denominator == "population" else "elderly"


def ratio_scale(indicator: Indicator, scale: float) -> float | None:
    """Return by how much a unit's numerator ÷ denominator is multiplied to give its value.

    Parameters
    ----------
    indicator : Indicator
    scale : float
        That of the indicator as a whole.

    Returns
    -------
    float or None
        None where a unit's value is a number of its own: facilities, or minutes.

    Examples
    --------
    >>> from servicecircle.standards.indicators import load_plan
    >>> known = {one.id: one for one in load_plan("quzhou").indicators}
    >>> ratio_scale(known["quzhou_nursing_bed_share"], 100.0)
    100.0
    >>> ratio_scale(known["quzhou_childrens_home_village_coverage"], 100.0) is None
    True
    """
    if indicator.norm is not None:
        return indicator.norm.per
    thing = missing_thing(indicator, per_unit=True)
    return None if thing in {"facilities", "minutes"} and not _of_facilities(indicator) else scale


def _of_facilities(indicator: Indicator) -> bool:
    """Return whether an indicator is a share of facilities, which lacks facilities in each unit."""
    quantities = load_registry().quantities
    known = quantities.get(indicator.numerator)
    return indicator.kind != "count" and known is not None and known.kind == "facilities"
