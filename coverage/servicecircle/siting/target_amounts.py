"""Targets that ask for so much in units or the area: facilities, beds, square metres."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.siting.wanted import SiteTarget, attributes_of, refused
from servicecircle.standards.kinds import Measured, Study
from servicecircle.standards.kinds.parts import least_parts
from servicecircle.standards.plan import Indicator
from servicecircle.standards.quantities import quantity
from servicecircle.standards.registry import QuantityWords
from servicecircle.standards.scopes import knows_years, where_of
from servicecircle.standards.studied import AREA_UNIT
from servicecircle.standards.things import counted_thing

__all__ = ["amounts_target"]

Floats = NDArray[np.float64]

_RELATIVE = 1e-9
_SIZED = ("capacity", "nursing_beds", "dementia_beds", "floor_area_m2", "remaining_places")


def amounts_target(
    base: SiteTarget, measured: Measured, missing: tuple[str, ...], *, size: float | None
) -> SiteTarget:
    """Return what units, or the area, lack of facilities or of what facilities have.

    Parameters
    ----------
    base : SiteTarget
        Study, rule, target, goal.
    measured : Measured
        Of the rule.
    missing : tuple of str
        Inputs that are missing.
    size : float, optional
        Of a new facility.

    Raises
    ------
    SitingError
        If no new facility turns the verdict, or an input is missing.
    """
    rule, study = base.rule, base.study
    _check_kind(rule, study)
    if missing:
        raise refused("no_data", rule, study, missing="; ".join(missing))
    base = replace(base, attributes=attributes_of(rule))
    if rule.kind == "count":
        return _count(base, measured)
    if rule.kind in {"presence_per_unit", "phasing"} or rule.numerator == "units_with":
        return _presence(base, measured, size)
    return _ratio(base, measured, size)


def _check_kind(rule: Indicator, study: Study) -> None:
    """Refuse what no new facility changes."""
    if rule.flow_of == "renovated":
        raise refused("renovation", rule, study)
    if rule.kind in {"count", "presence_per_unit", "phasing"} or rule.numerator == "units_with":
        return
    above, below = (study.registry.quantities[one] for one in (rule.numerator, rule.denominator))
    title = above.zh if study.language == "zh" else above.en
    other = below.zh if study.language == "zh" else below.en
    staff = "staff" in {above.kind, below.kind}
    if staff:
        raise refused("staff", rule, study, above=title, below=other)
    if rule.operator == "at_most" or above.kind != "facilities":
        raise refused("not_sited", rule, study, above=title, below=other)
    if below.kind == "facilities" and (not above.of or not below.of):
        # A new one neither raises the grade of those that exist nor makes them larger.
        raise refused("existing_ones", rule, study, above=title, below=other)
    if above.of and above.of not in _SIZED:
        raise refused("not_sited", rule, study, above=title, below=other)


def _period_over(base: SiteTarget, *, end: dt.date) -> None:
    """Refuse a period, or a milestone, that was over before any site can open."""
    rule, study = base.rule, base.study
    if end >= study.evidence.as_of:
        return
    known = [
        one.id
        for one in study.plan.indicators
        if one.layer == rule.layer and one.id != rule.id and one.measure == "stock"
        if one.kind in {"presence_per_unit", "count"}
    ]
    raise refused(
        "period_over",
        rule,
        study,
        end=end.isoformat(),
        as_of=study.evidence.as_of.isoformat(),
        instead=", ".join(known) or "-",
    )


def _year_end(base: SiteTarget) -> dt.date:
    if base.target is None:
        return base.study.evidence.as_of
    return dt.date(base.target.year, 12, 31)


def _whole(amount: float) -> float:
    """Round up to a whole number of things, but not for the last digit."""
    return float(math.ceil(amount - _RELATIVE * max(1.0, amount)))


def _units(
    ids: Sequence[object], before: object, line: object, need: object, **more: object
) -> pd.DataFrame:
    """Return the table of units, with the verdict that their need gives."""
    index = pd.Index(np.asarray(ids, object), name="unit_id")
    table = pd.DataFrame({"before": before, "line": line, "need": need} | more, index=index)
    for column in ("numerator", "denominator"):
        if column not in table:
            table[column] = math.nan
    needs = table["need"].astype(float)
    verdict = np.where(needs.isna(), "no_data", np.where(needs <= 0.0, "met", "not_met"))
    columns = ["before", "line", "numerator", "denominator", "need"]
    return table[columns].astype(float).assign(verdict=verdict)


def _count(base: SiteTarget, measured: Measured) -> SiteTarget:
    rule, study = base.rule, base.study
    if math.isnan(base.goal) and rule.threshold is not None:
        base = replace(base, goal=rule.threshold)
    if math.isnan(base.goal):
        raise refused("no_target", rule, study)
    if rule.measure == "flow":
        _period_over(base, end=_year_end(base))
    have = measured.low
    need = max(_whole(base.goal - have), 0.0)
    where = where_of(study, rule.scope)
    allowed = {}
    if where.level:
        allowed[f"unit_{where.level}"] = frozenset(where.units.astype(str))
    return replace(
        base,
        units=_units([AREA_UNIT], [have], [base.goal], [need]),
        wanted=1,
        allowed=allowed,
        inside=f"in_{where.polygon}" if where.polygon else "",
    )


def _presence(base: SiteTarget, measured: Measured, size: float | None) -> SiteTarget:
    """Return which units lack facilities, or the square metres that a norm asks for."""
    rule, study = base.rule, base.study
    if rule.kind == "phasing":
        _period_over(base, end=_year_end(base))
    if math.isnan(base.goal):
        base = replace(base, goal=100.0, notes=(study.note("site_every_unit"),))
    found = measured.units
    total = int(measured.denominator)
    wanted = int(_whole(base.goal / 100.0 * total))
    level = "" if found["unit_id"].eq(AREA_UNIT).all() else rule.level
    scope = study.registry.scopes[rule.scope]
    by_polygon = scope.polygon and not knows_years(study.units(rule.level), scope)
    base = replace(
        base,
        level=level,
        wanted=wanted,
        inside=f"in_{scope.name}" if by_polygon else "",
        allowed={f"unit_{level}": frozenset(found["unit_id"].astype(str))} if level else {},
    )
    if rule.norm is None:
        line = rule.threshold or 1.0
        need = np.maximum(np.ceil(line - found["low"].to_numpy(float) - _RELATIVE), 0.0)
        units = _units(found["unit_id"].tolist(), found["low"].to_numpy(float), line, need)
        return replace(base, units=units)
    line = measured.unit_goal
    words = study.registry.quantities[rule.norm.numerator]
    above = np.nan_to_num(found["numerator"].to_numpy(float))
    below = found["denominator"].to_numpy(float)
    need = line / rule.norm.per * below - above
    met = found["low"].fillna(0.0).to_numpy(float) >= line * (1.0 - _RELATIVE)
    need = np.where(met, 0.0, np.maximum(need, _RELATIVE))
    units = _units(
        found["unit_id"].tolist(),
        found["value"].to_numpy(float),
        line,
        need,
        numerator=above,
        denominator=below,
    )
    return _sized(replace(base, units=units), words, size)


def _ratio(base: SiteTarget, measured: Measured, size: float | None) -> SiteTarget:
    rule, study = base.rule, base.study
    if math.isnan(base.goal) and rule.threshold is not None:
        base = replace(base, goal=rule.threshold)
    if math.isnan(base.goal):
        raise refused("no_target", rule, study)
    if rule.measure == "flow":
        _period_over(base, end=_year_end(base))
    above = study.registry.quantities[rule.numerator]
    below = study.registry.quantities[rule.denominator]
    goal, per = base.goal, rule.per
    parts = below.kind == "facilities"
    each = measured.each
    where = where_of(study, rule.scope, rule.level if each is not None else "")
    if each is None:
        lowest = measured.low if base.end == "low" else measured.value
        table = pd.DataFrame(
            {
                "unit_id": [AREA_UNIT],
                "value": [measured.value],
                "low": [measured.value if math.isnan(lowest) else lowest],
                "numerator": [measured.numerator],
                "denominator": [_most_below(base, measured)],
            }
        )
    else:
        table = each.assign(low=each["low"].fillna(each["value"]))
        if base.end == "value":
            table["low"] = table["value"]
    low = table["low"].to_numpy(float)
    over, under = (table[name].to_numpy(float) for name in ("numerator", "denominator"))
    short = (goal - low) / per * under
    if parts and base.end == "low":
        year = None if base.target is None else base.target.year
        over, under = _least_sums(*least_parts(rule, study, year, where), goal / per)
        short = goal / per * under - over
    short = np.where(low >= goal * (1.0 - _RELATIVE), 0.0, np.maximum(short, _RELATIVE))
    units = _units(
        table["unit_id"].tolist(),
        low,
        goal,
        short,
        numerator=over,
        denominator=under,
    )
    allowed = {}
    if where.level:
        allowed[f"unit_{where.level}"] = frozenset(where.units.astype(str))
    found = replace(
        base,
        level=rule.level if each is not None else "",
        units=units,
        wanted=int((units["verdict"] != "no_data").sum()),
        allowed=allowed,
        inside=f"in_{where.polygon}" if where.polygon else "",
        dilutes=goal / per if parts else 0.0,
    )
    if found.dilutes >= 1.0 and found.short:
        title = below.zh if study.language == "zh" else below.en
        raise refused("existing_ones", rule, study, above=above.name, below=title)
    return _sized(found, above, size)


def _least_sums(
    sure: list[tuple[float, float]], unsure: list[tuple[float, float]], goal: float
) -> tuple[Floats, Floats]:
    """Return what stands above and below the line in the choice that lacks most to a share.

    The share of any choice reaches the goal once that of this one does: what a choice lacks,
    goal × below − above, is a sum over its facilities, and an unsure one is in the worst choice
    where it lacks something.
    """
    taken = [*sure, *((n, b) for n, b in unsure if goal * b > n)]
    sums = (math.fsum(one[side] for one in taken) for side in (0, 1))
    over, under = (np.array([one]) for one in sums)
    return over, under


def _most_below(base: SiteTarget, measured: Measured) -> float:
    """Return what stands below the line of the area: the most of it, where low is asked for."""
    rule, study = base.rule, base.study
    if base.end == "value" or study.registry.quantities[rule.denominator].kind == "facilities":
        return measured.denominator
    where = where_of(study, rule.scope)
    found = quantity(
        study,
        rule,
        rule.denominator,
        where,
        conditions=(rule.filter,),
        beside=rule.numerator,
    )
    return measured.denominator if math.isnan(found.high) else found.high


def _sized(found: SiteTarget, words: QuantityWords, size: float | None) -> SiteTarget:
    """Say how much one new facility brings: as asked, else the median of those that exist."""
    rule, study = found.rule, found.study
    found = replace(found, thing=counted_thing(words), size_column=words.of)
    if not words.of:
        return found
    asked = found.attributes.get(words.of)
    least = float(asked) if isinstance(asked, float) else 0.0
    notes = found.notes
    if size is None:
        rows = study.open_rows(rule.layer)
        held = pd.Series(dtype=float) if words.of not in rows else rows[words.of].astype(float)
        held = held[held > 0.0]
        if held.empty and not least and found.short and words.of != "capacity":
            raise refused("no_size", rule, study, column=words.of)
        size = max(float(held.median()) if len(held) else least, least)
        if size > 0.0:
            notes += (study.note("site_median_size", size=f"{size:g}", column=words.of),)
    if not size > 0.0:
        # Beds may still be stated place by place.
        return replace(found, size=0.0)
    attributes = dict(found.attributes)
    if words.of in {"nursing_beds", "dementia_beds"}:
        # Beds of a kind are beds.
        attributes["capacity"] = max(float(size), float(attributes.get("capacity", 0.0) or 0.0))  # type: ignore[arg-type]  # numbers by construction
    attributes[words.of] = float(size)
    return replace(found, size=float(size), attributes=attributes, notes=notes)
