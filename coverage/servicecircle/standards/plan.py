"""What a plan says: frozen records of a plan, its indicators, targets and alternatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from servicecircle.messages import Language
from servicecircle.standards.conflicts import Conflict

__all__ = [
    "Alternative",
    "AppliesTo",
    "Attribute",
    "Basis",
    "Filter",
    "Indicator",
    "Norm",
    "Plan",
    "Target",
    "variants",
]

Basis = Literal["stated", "inferred", "reading"]
Attribute = Literal["", "binding", "expected"]
Operator = Literal["at_least", "at_most"]
Measure = Literal["stock", "flow"]
FlowOf = Literal["", "opened", "renovated", "opened_or_renovated"]
DistanceMeaning = Literal["", "unstated", "straight", "network"]
Profile = Literal["", "walk", "elderly"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One dated target.

    Parameters
    ----------
    year : int
        Due at the end of this year.
    value : float
        In the indicator's unit.
    basis : {"stated", "inferred", "reading"}
        Whether the plan states figure and year, the year follows from the plan's period, or the
        figure is only a reading of the wording.
    phase_year : int, optional
        The year as the plan counts it, where it counts from the start of a programme.
    """

    year: int
    value: float
    basis: Basis = "stated"
    phase_year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which facilities of a layer count; all conditions must hold.

    Parameters
    ----------
    grade_at_least : str
        Such as ``3A``, ``三级`` (one is the highest) or ``三星``.
    grade_in : tuple of str
        Words one of which the grade must contain.
    beds_at_least, nursing_beds_at_least, dementia_beds_at_least, floor_area_at_least : float
        Beds, and square metres.
    having : tuple of str
        Attributes of the registry of the type yes_no that must be yes.
    choices : mapping of str to tuple of str
        Attribute of the registry of the type choice → the values one of which it must have.
    layers : tuple of str
        The layers the filter is for; empty: all of the indicator's.
    """

    grade_at_least: str = ""
    grade_in: tuple[str, ...] = ()
    beds_at_least: float | None = None
    nursing_beds_at_least: float | None = None
    dementia_beds_at_least: float | None = None
    floor_area_at_least: float | None = None
    having: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm:
    """What a unit must have to comply: numerator ÷ denominator × per is at least so much.

    Parameters
    ----------
    numerator, denominator : str
        Quantities of the registry.
    per : float
    value : float, optional
        Of the plan itself; else the project supplies it.
    unit : str
    """

    numerator: str = ""
    denominator: str = ""
    per: float = 1.0
    value: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliesTo:
    """The areas that a clause speaks of: their level, and the people a county must have."""

    levels: tuple[str, ...] = ()
    county_population_at_least: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What the plan says elsewhere about the same thing; None keeps the indicator's own.

    Parameters
    ----------
    as_well : bool
        The plan asks for this too, rather than instead: the same rule at another level.
    doubtful : bool
        The plan itself shows that this is a slip: it is judged, but never governs.
    """

    name: str
    targets: tuple[Target, ...] | None = None
    level: str | None = None
    scope: str | None = None
    threshold: float | None = None
    since: int | None = None
    attribute: Attribute | None = None
    source_lines: str | None = None
    as_well: bool = False
    doubtful: bool = False
    notes: str = ""
    notes_zh: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One indicator of a plan.

    Parameters
    ----------
    id : str
    alternative : str
        "" for what the plan says first, else the name of the alternative.
    layer : str
        Facility layer of the registry.
    also : tuple of str
        Further layers whose facilities count as well.
    basket : tuple of str
        Layers that must all be within reach (travel times of communities).
    kind : str
        One of :data:`servicecircle.standards.kinds.KINDS`.
    level : str
        For presence the level of the units counted, else the level whose total is judged.
    scope : str
    numerator, denominator : str
        Quantities of the registry; "" where there is none.
    per : float
        The ratio is numerator ÷ denominator × per.
    operator : {"at_least", "at_most"}
    measure : {"stock", "flow"}
        A stock at a date, or additions in a period.
    flow_of : str
        Which date makes an addition: opened, renovated, opened_or_renovated.
    since : int, optional
        First year of the period of additions; the plan's first year where not given.
    threshold, threshold_max : float, optional
        Facilities per unit, metres, minutes, or the norm of a ratio.
    norm : Norm, optional
        What makes a unit one that has it, where that is more than a facility.
    distance : {"", "unstated", "straight", "network"}
        What the clause means by distance.
    profile : str
        "" where the plan names no mode of travel.
    needs : str
        A further input, in words, that no table gives yet.
    conflicts : tuple of str
        Ids of the plan's conflicts that concern it.
    unit_zh : str
        The unit in Chinese where the registry has no words for it.
    notes, notes_zh : str
        A remark in English, and in Chinese; "" where there is none in that language.
    """

    id: str
    name_zh: str
    name_en: str
    layer: str
    kind: str
    level: str
    unit: str
    alternative: str = ""
    also: tuple[str, ...] = ()
    basket: tuple[str, ...] = ()
    scope: str = "all"
    filter: Filter = Filter()
    numerator_filter: Filter = Filter()
    numerator: str = ""
    denominator: str = ""
    per: float = 1.0
    operator: Operator = "at_least"
    measure: Measure = "stock"
    flow_of: FlowOf = ""
    since: int | None = None
    threshold: float | None = None
    threshold_max: float | None = None
    threshold_unit: str = ""
    norm: Norm | None = None
    distance: DistanceMeaning = ""
    profile: Profile = ""
    applies_to: AppliesTo = AppliesTo()
    phase_start: int | None = None
    needs: str = ""
    attribute: Attribute = ""
    baseline_year: int | None = None
    baseline: float | None = None
    baseline_basis: Basis = "stated"
    targets: tuple[Target, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    source_file: str = ""
    source_lines: str = ""
    conflicts: tuple[str, ...] = ()
    unit_zh: str = ""
    notes: str = ""
    notes_zh: str = ""

    def name(self, language: Language) -> str:
        """Return the title in one language."""
        return self.name_zh if language == "zh" else self.name_en

    def note(self, language: Language) -> str:
        """Return the remark in one language, else in the other one."""
        return self.notes_zh or self.notes if language == "zh" else self.notes or self.notes_zh

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers the indicator counts: its own, the further ones, the basket."""
        return tuple(dict.fromkeys((self.layer, *self.also, *self.basket)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan: what it is, and its indicators in the order of the plan file.

    Parameters
    ----------
    level : str
        Administrative level of the area that the plan is for.
    period : tuple of int
        First and last year.
    provisional : bool
        The text is a draft.
    conflicts : tuple of Conflict
        Of the plan itself, then between it and other plans.
    """

    id: str
    name_zh: str
    name_en: str
    level: str
    region_zh: str
    region_en: str
    period: tuple[int, int]
    source_file: str = ""
    provisional: bool = False
    indicators: tuple[Indicator, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    def name(self, language: Language) -> str:
        """Return the title in one language."""
        return self.name_zh if language == "zh" else self.name_en


def variants(indicator: Indicator) -> tuple[Indicator, ...]:
    """Return the indicator and one more of it for each of its alternatives.

    Examples
    --------
    >>> rule = Indicator(
    ...     id="a", name_zh="甲", name_en="a", layer="canteen", kind="presence_per_unit",
    ...     level="township", unit="%", threshold=1,
    ...     targets=(Target(year=2025, value=60),),
    ...     alternatives=(Alternative(name="30", targets=(Target(year=2025, value=30),)),),
    ... )
    >>> [(one.alternative, one.targets[0].value) for one in variants(rule)]
    [('', 60), ('30', 30)]
    """
    found = [indicator]
    for other in indicator.alternatives:
        given = {
            key: value
            for key in (
                "targets",
                "level",
                "scope",
                "threshold",
                "since",
                "attribute",
                "source_lines",
            )
            if (value := getattr(other, key)) is not None
        }
        own = other if other.notes or other.notes_zh else indicator
        found.append(
            replace(
                indicator,
                alternative=other.name,
                alternatives=(),
                notes=own.notes,
                notes_zh=own.notes_zh,
                **given,
            )
        )
    return tuple(found)
