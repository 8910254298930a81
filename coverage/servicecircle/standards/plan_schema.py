"""The shape of a plan file, and the checks that go beyond shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from servicecircle.problems import nearest_name
from servicecircle.standards.kinds import KINDS
from servicecircle.standards.plan import (
    Attribute,
    Basis,
    DistanceMeaning,
    FlowOf,
    Measure,
    Operator,
    Profile,
)
from servicecircle.standards.registry import LayerWords, load_registry

__all__ = [
    "AlternativeTable",
    "AppliesToTable",
    "FilterTable",
    "IndicatorTable",
    "Location",
    "PlanFile",
    "PlanTable",
    "TargetTable",
    "plan_faults",
    "target_year",
]

_FULL = 100.0


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TargetTable(Table):
    """One entry of ``targets``."""

    year: int | None = Field(default=None, ge=1949, le=2100)
    phase_year: int | None = Field(default=None, ge=1, le=50)
    value: float = Field(allow_inf_nan=False)
    basis: Basis = "stated"


class FilterTable(Table):
    """``filter`` and ``numerator_filter``."""

    grade_at_least: str = ""
    grade_in: list[str] = []
    beds_at_least: float | None = None
    nursing_beds_at_least: float | None = None
    dementia_beds_at_least: float | None = None
    floor_area_at_least: float | None = None
    layers: list[str] = []


class AppliesToTable(Table):
    """``applies_to``."""

    levels: list[str] = []
    county_population_at_least: float | None = None


class AlternativeTable(Table):
    """``[[indicators.ID.alternatives]]``."""

    name: str = Field(min_length=1)
    targets: list[TargetTable] | None = None
    level: str | None = None
    scope: str | None = None
    threshold: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    since: int | None = None
    attribute: Attribute | None = None
    source_lines: str | None = None
    notes: str = ""


class IndicatorTable(Table):
    """``[indicators.ID]``."""

    name_zh: str = Field(min_length=1)
    name_en: str = Field(min_length=1)
    layer: str
    also: list[str] = []
    basket: list[str] = []
    kind: str
    level: str
    scope: str = "all"
    filter: FilterTable = FilterTable()
    numerator_filter: FilterTable = FilterTable()
    numerator: str = ""
    denominator: str = ""
    per: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    operator: Operator = "at_least"
    measure: Measure = "stock"
    flow_of: FlowOf = ""
    since: int | None = None
    threshold: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    threshold_max: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    threshold_unit: str = ""
    unit: str = Field(min_length=1)
    distance: DistanceMeaning = ""
    profile: Profile = ""
    applies_to: AppliesToTable = AppliesToTable()
    phase_start: int | None = None
    needs: str = ""
    attribute: Attribute = ""
    baseline_year: int | None = None
    baseline: float | None = Field(default=None, allow_inf_nan=False)
    baseline_basis: Basis = "stated"
    targets: list[TargetTable] = []
    alternatives: list[AlternativeTable] = []
    source_file: str = ""
    source_lines: str = ""
    conflicts: list[str] = []
    notes: str = ""


class PlanTable(Table):
    """``[plan]``."""

    id: str = Field(min_length=1)
    name_zh: str = Field(min_length=1)
    name_en: str = Field(min_length=1)
    level: str
    region_zh: str
    region_en: str
    period: list[int] = Field(min_length=2, max_length=2)
    source_file: str = ""
    provisional: bool = False


class PlanFile(Table):
    """A whole plan file."""

    plan: PlanTable
    indicators: dict[str, IndicatorTable] = Field(min_length=1)


Location = tuple[str, ...]
Fault = tuple[str, Location, dict[str, Any]]
"""Code, place in the file, further fields of the problem."""


def plan_faults(parsed: PlanFile, extra: Mapping[str, LayerWords]) -> Iterator[Fault]:
    """Yield what is wrong with a plan file whose shape is right: code, place, further words."""
    registry = load_registry()
    names: dict[str, Sequence[str]] = {
        "layer": (*registry.layers, *extra),
        "kind": tuple(KINDS),
        "level": tuple(registry.levels),
        "scope": tuple(registry.scopes),
        "quantity": tuple(registry.quantities),
    }

    yield from _known(names, "level", parsed.plan.level, ("plan", "level"))
    if parsed.plan.period[0] > parsed.plan.period[1]:
        reason = {"reason": "first year ≤ last year"}
        value = str(parsed.plan.period)
        yield "bad_value", ("plan", "period"), {"value": value, "details": reason}
    for name, one in parsed.indicators.items():
        yield from _indicator_faults(one, ("indicators", name), names)


def _known(
    names: Mapping[str, Sequence[str]], what: str, value: str, where: Location
) -> Iterator[Fault]:
    if value not in names[what]:
        more = {"known": ", ".join(names[what]), "near": nearest_name(value, names[what])}
        yield f"unknown_{what}", where, {"value": value, "details": more}


def _indicator_faults(
    one: IndicatorTable, at: Location, names: Mapping[str, Sequence[str]]
) -> Iterator[Fault]:
    words = [
        ("kind", one.kind, "kind"),
        ("level", one.level, "level"),
        ("scope", one.scope, "scope"),
    ]
    words += [("layer", one.layer, "layer")]
    words += [("layer", layer, key) for key in ("also", "basket") for layer in getattr(one, key)]
    words += [("layer", layer, "filter") for layer in one.filter.layers]
    words += [("quantity", getattr(one, key), key) for key in ("numerator", "denominator")]
    words += [("level", level, "applies_to") for level in one.applies_to.levels]
    for what, value, key in words:
        if value or what != "quantity":
            yield from _known(names, what, value, (*at, key))
    if one.kind in KINDS:
        yield from _kind_faults(one, at)
    yield from _scope_faults(one, one.level, one.scope, at)
    yield from _value_faults(one, one.targets, at)
    seen: set[str] = set()
    for index, other in enumerate(one.alternatives):
        here = (*at, "alternatives", str(index))
        yield from _known(names, "level", other.level or one.level, (*here, "level"))
        yield from _known(names, "scope", other.scope or one.scope, (*here, "scope"))
        yield from _scope_faults(one, other.level or one.level, other.scope or one.scope, here)
        yield from _value_faults(one, other.targets or [], here)
        if other.name in seen:
            yield "duplicate", (*here, "name"), {"value": other.name}
        seen.add(other.name)


def _kind_faults(one: IndicatorTable, at: Location) -> Iterator[Fault]:
    kind = KINDS[one.kind]
    for key in kind.requires:
        if getattr(one, key) in (None, ""):
            yield "missing_key", (*at, key), {}
    for key in kind.forbids:
        if getattr(one, key) not in (None, "", [], FilterTable()):
            yield "forbidden_key", (*at, key), {"details": {"kind": one.kind}}
    if one.measure == "flow" and not one.flow_of:
        yield "missing_key", (*at, "flow_of"), {}


def _scope_faults(one: IndicatorTable, level: str, scope: str, at: Location) -> Iterator[Fault]:
    registry = load_registry()
    if one.kind not in KINDS or scope not in registry.scopes:
        return
    words = registry.scopes[scope]
    if KINDS[one.kind].counts_units and words.level not in ("", level):
        details = {"scope_level": words.level, "level": level}
        yield "scope_of_other_level", (*at, "scope"), {"value": scope, "details": details}


def _value_faults(
    one: IndicatorTable, targets: Sequence[TargetTable], at: Location
) -> Iterator[Fault]:
    values: list[tuple[Location, float | None]] = [((*at, "baseline"), one.baseline)]
    values += [((*at, "targets", str(n)), target.value) for n, target in enumerate(targets)]
    for where, value in values:
        if value is None:
            continue
        if value < 0:
            yield "negative", where, {"value": f"{value:g}"}
        elif one.unit == "%" and value > _FULL:
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
        if one.baseline_year is not None and year < one.baseline_year:
            details = {"baseline_year": one.baseline_year}
            yield "target_before_baseline", where, {"value": str(year), "details": details}
        if year in years:
            yield "duplicate", where, {"value": str(year)}
        years.add(year)


def target_year(one: IndicatorTable, target: TargetTable) -> int:
    """Return the calendar year of a target, also of one counted from the start of a programme."""
    if target.phase_year is not None and one.phase_start is not None:
        return one.phase_start + target.phase_year - 1
    return target.year or 0
