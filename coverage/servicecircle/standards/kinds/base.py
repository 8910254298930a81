"""What every kind of indicator shares: what it measures, for which study, and from what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from servicecircle.inputs.gazetteer import Gazetteer, gazetteer
from servicecircle.measure.presence import is_open, place_facilities
from servicecircle.messages import Language, label
from servicecircle.standards.evidence import Evidence
from servicecircle.standards.grades import at_least
from servicecircle.standards.plan import Filter, Indicator, Operator, Plan
from servicecircle.standards.registry import Registry, ScopeWords, load_registry

__all__ = [
    "AREA_UNIT",
    "Kind",
    "Measured",
    "Selection",
    "Study",
    "not_measured",
    "share",
    "unit_table",
    "units_in_scope",
]

NAN = float("nan")
AREA_UNIT = "area"
"""Unit id of the whole study area, where it is itself the one unit of a level."""

UNIT_COLUMNS = ("unit_id", "value", "numerator", "denominator", "low", "high")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Measured:
    """What a kind found for one indicator.

    Parameters
    ----------
    value, straight_value : float
        In the indicator's unit; NaN unknown.
    numerator, denominator : float
    low, high : float
        Bounds of the value from named causes; NaN where the value is its own bound. They may be
        known where the value is not: without roads the straight line bounds the network's share.
    causes : tuple of str
        What makes low and high differ.
    missing : tuple of str
        Inputs that are missing, as the project file names them.
    notes : tuple of str
        In the language of the study.
    units : pandas.DataFrame
        Columns unit_id, value, numerator, denominator, low, high.
    judged_by : {"target", "threshold", "nothing"}
        What the units are held against; nothing: shown as reference.
    unit_operator : {"at_least", "at_most"}
        How a unit's value meets the threshold.
    profile : str
    speed_kmh : float
    scale : float
        100 for percentages: value = numerator ÷ denominator × scale.
    whole : bool
        The numerator counts things, so a shortfall is rounded up.
    applicable : bool
        False where the indicator speaks of another level.
    ambiguous : bool
        Bounds without a value are an answer in doubt, not a lack of data.
    """

    value: float = NAN
    straight_value: float = NAN
    numerator: float = NAN
    denominator: float = NAN
    low: float = NAN
    high: float = NAN
    causes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    units: pd.DataFrame = field(default_factory=lambda: unit_table([]))
    judged_by: str = "nothing"
    unit_operator: Operator = "at_least"
    profile: str = ""
    speed_kmh: float = NAN
    scale: float = 1.0
    whole: bool = False
    applicable: bool = True
    ambiguous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Facilities that pass a filter for certain, and those that may (the column is empty)."""

    certain: frozenset[str]
    possible: frozenset[str]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Study:
    """One plan held against one area.

    Parameters
    ----------
    plan : Plan
    evidence : Evidence
    area : {"whole", "part"}
        Of the plan's area.
    own_level : str
        Level of the study's own area.
    pins : mapping
        Indicator id → straight or network.
    language : {"zh", "en"}
        Of the notes.
    """

    plan: Plan
    evidence: Evidence
    area: str
    own_level: str
    pins: Mapping[str, str] = field(default_factory=dict)
    language: Language = "zh"
    registry: Registry = field(default_factory=load_registry)
    _kept: dict[tuple[str, ...], pd.DataFrame] = field(default_factory=dict)
    _book: list[Gazetteer] = field(default_factory=list)

    def note(self, key: str, **fields: object) -> str:
        """Return a note in the study's language."""
        return label(f"note_{key}", self.language).format(**fields)

    def missing_layers(self, layers: tuple[str, ...]) -> tuple[str, ...]:
        """Return the inputs to add for layers that were not supplied."""
        return tuple(
            f"[facilities.{layer}]" for layer in layers if layer not in self.evidence.layers
        )

    def levels(self) -> tuple[str, ...]:
        """Return the supplied administrative levels, the coarsest first."""
        given = set(self.evidence.units["level"])
        return tuple(
            name
            for name, words in self.registry.levels.items()
            if words.administrative and name in given
        )

    def units(self, level: str) -> pd.DataFrame:
        """Return the units of a level that should have facilities."""
        units = self.evidence.units
        should = units["should_have"].fillna(True).astype(bool)
        return units[(units["level"] == level) & should]

    def rows(self, layer: str) -> pd.DataFrame:
        """Return all facilities of a layer, open or not."""
        facilities = self.evidence.facilities
        return facilities[facilities["layer"] == layer]

    def open_rows(self, layer: str) -> pd.DataFrame:
        """Return the facilities of a layer that are open at the date of judgement."""
        rows = self.rows(layer)
        return rows[is_open(rows, self.evidence.as_of)]

    def pairs(self, layer: str, level: str) -> pd.DataFrame:
        """Return which facility of a layer, open or not, belongs to which unit of a level."""
        key = (layer, level)
        if not self._book:
            self._book.append(gazetteer(self.evidence.units))
        if key not in self._kept:
            self._kept[key] = place_facilities(
                self.rows(layer),
                self.evidence.units,
                level=level,
                serves_level=self.evidence.serves_level.get(layer),
                declared_level=self.evidence.declared_level.get(layer),
                book=self._book[0],
            )[0]
        return self._kept[key]

    def inside(self, layer: str) -> frozenset[str]:
        """Return the facilities of a layer that belong to some unit of the area.

        Where no boundary was supplied at all, every facility counts.
        """
        levels = self.levels()
        if not levels:
            return frozenset(self.rows(layer).index.astype(str))
        return frozenset().union(*(self.pairs(layer, level)["facility_id"] for level in levels))

    def in_polygon(self, layer: str, scope: ScopeWords) -> frozenset[str] | None:
        """Return the facilities of a layer inside a scope's polygon; None if it is missing."""
        column = f"in_{scope.name}"
        rows = self.rows(layer)
        if scope.name not in self.evidence.scopes or column not in rows.columns:
            return None
        return frozenset(rows.index[rows[column].fillna(False).astype(bool)].astype(str))

    def units_with_scope(self, layer: str, level: str, scope: ScopeWords) -> frozenset[str]:
        """Return the units of a level in which people or facilities lie in a scope's polygon."""
        inside, unit = f"in_{scope.name}", f"unit_{level}"
        found: set[str] = set()
        for table in (self.evidence.demand, self.rows(layer)):
            if inside in table.columns and unit in table.columns:
                rows = table.loc[table[inside].fillna(False).astype(bool), unit]
                found.update(rows.dropna().astype(str))
        return frozenset(found)

    def select(self, rows: pd.DataFrame, condition: Filter, layer: str) -> Selection:
        """Return which of some facilities pass a filter.

        A column without a single value for the layer is a missing input; a single empty cell makes
        its facility possible, not certain.
        """
        everyone = frozenset(rows.index.astype(str))
        if condition.layers and layer not in condition.layers:
            return Selection(certain=everyone, possible=everyone, missing=())
        certain = np.ones(len(rows), bool)
        possible = np.ones(len(rows), bool)
        missing = []
        for column, answers in _answers(rows, condition):
            unknown = np.array([answer is None for answer in answers], bool)
            passes = np.array([answer is True for answer in answers], bool)
            if len(rows) and unknown.all():
                missing.append(f"[facilities.{layer}] {column}")
            certain &= passes
            possible &= passes | unknown
        ids = rows.index.astype(str)
        return Selection(
            certain=frozenset(ids[certain]),
            possible=frozenset(ids[possible]),
            missing=tuple(missing),
        )

    def period_end(self, year: int | None) -> dt.date:
        """Return the end of a target's year, or the date of judgement where that is earlier."""
        return (
            self.evidence.as_of if year is None else min(self.evidence.as_of, dt.date(year, 12, 31))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of indicator; the table of kinds is all that knows which there are.

    Parameters
    ----------
    name, zh, en : str
    measure : callable
        (indicator, study, target year or None) → Measured.
    requires, forbids : tuple of str
        Fields of an indicator that a plan file must give, and those that mean nothing here.
    counts_units : bool
        The level is that of the units counted, so a scope must be of the same level.
    total : bool
        A total of the region: not judged on a part of it.
    travels : bool
        Needs access tables.
    """

    name: str
    zh: str
    en: str
    measure: Callable[[Indicator, Study, int | None], Measured]
    requires: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    counts_units: bool = False
    total: bool = False
    travels: bool = False


def _answers(rows: pd.DataFrame, condition: Filter) -> list[tuple[str, list[bool | None]]]:
    """Return, for each condition of a filter, its column and what each row answers."""
    found: list[tuple[str, list[bool | None]]] = []
    grades = [str(one) for one in rows["grade"].fillna("")] if "grade" in rows else [""] * len(rows)
    if condition.grade_at_least:
        found.append(("grade", [at_least(grade, condition.grade_at_least) for grade in grades]))
    if condition.grade_in:
        found.append(
            (
                "grade",
                [
                    any(word in grade.casefold() for word in condition.grade_in) if grade else None
                    for grade in grades
                ],
            )
        )
    for column, least in (
        ("capacity", condition.beds_at_least),
        ("nursing_beds", condition.nursing_beds_at_least),
        ("dementia_beds", condition.dementia_beds_at_least),
        ("floor_area_m2", condition.floor_area_at_least),
    ):
        if least is not None:
            values = rows[column] if column in rows else pd.Series(np.nan, index=rows.index)
            found.append((column, [None if pd.isna(one) else one >= least for one in values]))
    return found


def unit_table(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    """Return the table of units of a measurement."""
    table = pd.DataFrame(rows, columns=list(UNIT_COLUMNS))
    return table.astype(dict.fromkeys(UNIT_COLUMNS[1:], float))


def share(part: float, whole: float) -> float:
    """Return a percentage; 0 of 0 is NaN.

    Examples
    --------
    >>> share(1, 4), share(0, 0)
    (25.0, nan)
    """
    return 100.0 * part / whole if whole > 0 else NAN


def not_measured(*missing: str, notes: tuple[str, ...] = ()) -> Measured:
    """Return a measurement that only names what is missing."""
    return Measured(missing=tuple(dict.fromkeys(missing)), notes=notes)


def units_in_scope(
    units: pd.DataFrame, scope: ScopeWords
) -> tuple[pd.Series[bool], pd.Series[bool]]:
    """Return which units are in a scope, and which have nothing to tell it by.

    A type decides; where there is none, the ending of the name, else ``is_urban``. Communities
    that are known to be rural are no urban communities, and count as rural ones.

    Parameters
    ----------
    units : pandas.DataFrame
        Columns type, name, is_urban.
    scope : ScopeWords

    Returns
    -------
    inside, unknown : pandas.Series of bool
        With the index of ``units``; never both true.

    Examples
    --------
    >>> units = pd.DataFrame({
    ...     "type": ["community", "village", "", ""], "name": ["a", "b", "c", "d"],
    ...     "is_urban": pd.array([None, None, True, None], dtype="boolean"),
    ... })
    >>> scope = load_registry().scopes["urban_communities"]
    >>> [one.tolist() for one in units_in_scope(units, scope)]
    [[True, False, True, False], [False, False, False, True]]
    """
    nothing = pd.Series(False, index=units.index)
    if not scope.types:
        return ~nothing, nothing
    kind = units["type"].fillna("").astype(str)
    urban = units["is_urban"].astype("boolean")
    inside = kind.isin(scope.types)
    if scope.urban is True:
        inside &= ~urban.eq(False).fillna(False).astype(bool)
    elif scope.urban is False:
        inside |= (kind != "") & urban.eq(False).fillna(False).astype(bool)
    untyped = kind == ""
    if scope.name_endings:
        named = units["name"].fillna("").astype(str).str.endswith(scope.name_endings)
        return inside | (untyped & named), nothing
    wanted = scope.types == ("community",) if scope.urban is None else scope.urban
    inside |= untyped & urban.eq(wanted).fillna(False).astype(bool)
    return inside.astype(bool), (untyped & urban.isna()).astype(bool)
