"""The shape of a plan file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from servicecircle.standards.conflicts import ConflictType, Severity
from servicecircle.standards.plan import (
    Attribute,
    Basis,
    DistanceMeaning,
    FlowOf,
    Measure,
    Operator,
    Profile,
)

__all__ = [
    "AlternativeTable",
    "AppliesToTable",
    "BetweenFile",
    "BetweenTable",
    "ConflictTable",
    "FilterTable",
    "IndicatorTable",
    "PlanFile",
    "PlanTable",
    "StatementTable",
    "TargetTable",
    "target_year",
]


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
    beds_at_least: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    nursing_beds_at_least: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    dementia_beds_at_least: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    floor_area_at_least: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    having: list[str] = []
    choices: dict[str, list[str]] = {}
    layers: list[str] = []


class NormTable(Table):
    """``norm``."""

    numerator: str
    denominator: str
    per: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    value: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    unit: str = ""


class AppliesToTable(Table):
    """``applies_to``."""

    levels: list[str] = []
    county_population_at_least: float | None = Field(default=None, gt=0, allow_inf_nan=False)


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
    as_well: bool = False
    doubtful: bool = False
    notes: str = ""
    notes_zh: str = ""


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
    norm: NormTable | None = None
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
    unit_zh: str = ""
    notes: str = ""
    notes_zh: str = ""


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


class StatementTable(Table):
    """One entry of ``says``."""

    plan: str = ""
    lines: str = ""
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class ConflictTable(Table):
    """``[conflicts.ID]``."""

    type: ConflictType
    severity: Severity
    topic_zh: str = Field(min_length=1)
    topic_en: str = Field(min_length=1)
    says: list[StatementTable] = Field(min_length=1)
    reason_zh: str = ""
    reason_en: str = ""
    handling_zh: str = Field(min_length=1)
    handling_en: str = Field(min_length=1)


class PlanFile(Table):
    """A whole plan file."""

    plan: PlanTable
    indicators: dict[str, IndicatorTable] = Field(min_length=1)
    conflicts: dict[str, ConflictTable] = {}


class BetweenTable(ConflictTable):
    """``[conflicts.ID]`` of the file of conflicts between the packaged plans."""

    plans: list[str] = Field(min_length=1)


class BetweenFile(Table):
    """The file of conflicts between the packaged plans."""

    conflicts: dict[str, BetweenTable]


def target_year(one: IndicatorTable, target: TargetTable) -> int:
    """Return the calendar year of a target, also of one counted from the start of a programme."""
    if target.phase_year is not None and one.phase_start is not None:
        return one.phase_start + target.phase_year - 1
    return target.year or 0
