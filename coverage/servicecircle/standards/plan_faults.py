"""What is wrong with a plan file whose shape is right."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from servicecircle.problems import nearest_name
from servicecircle.standards.kinds import KINDS
from servicecircle.standards.plan_schema import (
    AlternativeTable,
    FilterTable,
    IndicatorTable,
    PlanFile,
    PlanTable,
    TargetTable,
    target_year,
)
from servicecircle.standards.registry import LayerWords, load_registry
from servicecircle.toml_files import Location

__all__ = ["Fault", "plan_faults"]

_FULL = 100.0

Fault = tuple[str, Location, dict[str, Any]]
"""Code, place in the file, further fields of the problem."""

Names = Mapping[str, Sequence[str]]


def plan_faults(
    parsed: PlanFile, extra: Mapping[str, LayerWords], conflicts: Collection[str] = ()
) -> Iterator[Fault]:
    """Yield what is wrong with a plan file whose shape is right: code, place, further words.

    Parameters
    ----------
    parsed : PlanFile
    extra : mapping of str to LayerWords
        Layers that the project adds to the registry.
    conflicts : collection of str
        Ids of conflicts that are known beside the file's own.
    """
    registry = load_registry()
    attributes = registry.attributes.items()
    names: Names = {
        "layer": (*registry.layers, *extra),
        "kind": tuple(KINDS),
        "level": tuple(registry.levels),
        "scope": tuple(registry.scopes),
        "quantity": tuple(registry.quantities),
        "yes_no": tuple(name for name, words in attributes if words.type == "yes_no"),
        "choice": tuple(name for name, words in attributes if words.type == "choice"),
        "conflict": (*parsed.conflicts, *conflicts),
    }

    yield from _known(names, "level", parsed.plan.level, ("plan", "level"))
    if parsed.plan.period[0] > parsed.plan.period[1]:
        reason = {"reason": "first year ≤ last year"}
        value = str(parsed.plan.period)
        yield "bad_value", ("plan", "period"), {"value": value, "details": reason}
    for name, one in parsed.indicators.items():
        yield from _indicator_faults(one, ("indicators", name), names, parsed.plan)


def _known(names: Names, what: str, value: str, where: Location) -> Iterator[Fault]:
    if value not in names[what]:
        known = names[what]
        more = {"known": ", ".join(known) or "–", "near": nearest_name(value, known)}
        yield f"unknown_{what}", where, {"value": value, "details": more}


def _indicator_faults(
    one: IndicatorTable, at: Location, names: Names, plan: PlanTable
) -> Iterator[Fault]:
    words = [("kind", one.kind, "kind"), ("layer", one.layer, "layer")]
    words += [("layer", layer, key) for key in ("also", "basket") for layer in getattr(one, key)]
    words += [("quantity", getattr(one, key), key) for key in ("numerator", "denominator")]
    if one.norm is not None:
        words += [
            ("quantity", one.norm.numerator, "norm"),
            ("quantity", one.norm.denominator, "norm"),
        ]
    words += [("level", level, "applies_to") for level in one.applies_to.levels]
    words += [("conflict", conflict, "conflicts") for conflict in one.conflicts]
    for what, value, key in words:
        if value or what != "quantity":
            yield from _known(names, what, value, (*at, key))
    for key in ("filter", "numerator_filter"):
        yield from _filter_faults(getattr(one, key), (*at, key), names)
    if one.kind in KINDS:
        yield from _kind_faults(one, at)
    if one.threshold_max is not None and one.threshold_max < (one.threshold or 0.0):
        details = {"threshold": f"{one.threshold:g}"}
        where = (*at, "threshold_max")
        yield "range", where, {"value": f"{one.threshold_max:g}", "details": details}
    if one.baseline is not None and one.baseline_year is None:
        yield "missing_key", (*at, "baseline_year"), {}
    yield from _place_faults(one, one, at, names, plan)
    yield from _value_faults(one, one.targets, at, plan)
    yield from _threshold_faults(one, one.threshold, at)
    seen: set[str] = set()
    for index, other in enumerate(one.alternatives):
        here = (*at, "alternatives", str(index))
        yield from _place_faults(one, other, here, names, plan)
        yield from _value_faults(one, other.targets or [], here, plan)
        yield from _threshold_faults(one, other.threshold, here)
        if not _CHANGES & other.model_fields_set:
            yield "alternative_same", (*here, "name"), {"value": other.name}
        if other.name in seen:
            yield "duplicate", (*here, "name"), {"value": other.name}
        seen.add(other.name)


# What an alternative may say otherwise than its indicator.
_CHANGES = frozenset(AlternativeTable.model_fields) - {
    "name", "source_lines", "as_well", "doubtful", "notes", "notes_zh",
}  # fmt: skip


def _filter_faults(one: FilterTable, at: Location, names: Names) -> Iterator[Fault]:
    for layer in one.layers:
        yield from _known(names, "layer", layer, (*at, "layers"))
    for name in one.having:
        yield from _known(names, "yes_no", name, (*at, "having"))
    for name, values in one.choices.items():
        where = (*at, "choices", name)
        yield from _known(names, "choice", name, where)
        if name not in names["choice"]:
            continue
        known = list(load_registry().attributes[name].values)
        for value in values:
            if value not in known:
                more = {"known": ", ".join(known), "near": nearest_name(value, known)}
                yield "unknown_value", where, {"value": value, "details": more}


def _kind_faults(one: IndicatorTable, at: Location) -> Iterator[Fault]:
    kind = KINDS[one.kind]
    for key in kind.requires:
        if getattr(one, key) in (None, ""):
            yield "missing_key", (*at, key), {}
    for key in kind.forbids:
        if getattr(one, key) not in (None, "", [], FilterTable()):
            yield "forbidden_key", (*at, key), {"details": {"kind": one.kind}}
    who = ("elderly", "population") + (("units",) if one.kind == "travel_time" else ())
    if kind.travels and one.denominator and one.denominator not in who:
        details = {"kind": one.kind, "known": ", ".join(who)}
        yield "unknown_people", (*at, "denominator"), {"value": one.denominator, "details": details}
    if one.measure == "flow" and not one.flow_of:
        yield "missing_key", (*at, "flow_of"), {}


def _place_faults(
    one: IndicatorTable,
    given: IndicatorTable | AlternativeTable,
    at: Location,
    names: Names,
    plan: PlanTable,
) -> Iterator[Fault]:
    """Yield faults of level and scope, of an indicator or of what an alternative changes."""
    registry = load_registry()
    level, scope = given.level or one.level, given.scope or one.scope
    if given.level is not None:
        yield from _known(names, "level", level, (*at, "level"))
        known = registry.levels.keys() >= {level, plan.level}
        if known and registry.levels[level].administrative and registry.finer(plan.level, level):
            details = {"plan_level": plan.level}
            yield "level_above_plan", (*at, "level"), {"value": level, "details": details}
    if given.scope is not None:
        yield from _known(names, "scope", scope, (*at, "scope"))
    if one.kind not in KINDS or scope not in registry.scopes or level not in registry.levels:
        return
    words = registry.scopes[scope]
    if KINDS[one.kind].counts_units and words.level not in ("", level):
        details = {"scope_level": words.level, "level": level}
        yield "scope_of_other_level", (*at, "scope"), {"value": scope, "details": details}


def _threshold_faults(
    one: IndicatorTable, threshold: float | None, at: Location
) -> Iterator[Fault]:
    if threshold is not None and one.threshold_unit.startswith("%") and threshold > _FULL:
        yield "percentage", (*at, "threshold"), {"value": f"{threshold:g}"}


def _value_faults(
    one: IndicatorTable, targets: Sequence[TargetTable], at: Location, plan: PlanTable
) -> Iterator[Fault]:
    values: list[tuple[Location, float]] = []
    if one.baseline is not None and targets is one.targets:
        values.append(((*at, "baseline"), one.baseline))
    values += [((*at, "targets", str(n)), target.value) for n, target in enumerate(targets)]
    for where, value in values:
        if value < 0:
            yield "negative", where, {"value": f"{value:g}"}
        elif one.unit.startswith("%") and value > _FULL:
            yield "percentage", where, {"value": f"{value:g}"}
    years: set[int] = set()
    for number, target in enumerate(targets):
        where = (*at, "targets", str(number))
        if target.phase_year is not None and one.phase_start is None:
            yield "missing_key", (*at, "phase_start"), {}
            continue
        if target.phase_year is None and target.year is None:
            yield "missing_key", (*where, "year"), {}
            continue
        year = target_year(one, target)
        yield from _year_faults(one, target, year, where, plan)
        if year in years:
            yield "duplicate", where, {"value": str(year)}
        years.add(year)


def _year_faults(
    one: IndicatorTable, target: TargetTable, year: int, where: Location, plan: PlanTable
) -> Iterator[Fault]:
    """Yield faults of a target's year.

    It lies in the plan's period, or is the year of the baseline (what became of an earlier plan),
    or was inferred by counting back.
    """
    if one.baseline_year is not None and year < one.baseline_year:
        details: dict[str, object] = {"baseline_year": one.baseline_year}
        yield "target_before_baseline", where, {"value": str(year), "details": details}
        return
    first, last = plan.period
    early = year < first and year != one.baseline_year and target.basis != "inferred"
    if first <= last and (early or year > last):
        details = {"first": first, "last": last}
        yield "out_of_period", where, {"value": str(year), "details": details}
