"""A study: one plan held against one area, and what every kind asks of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from servicecircle.inputs.gazetteer import gazetteer
from servicecircle.measure.presence import is_open, place_facilities
from servicecircle.messages import Language, label
from servicecircle.standards.evidence import Evidence
from servicecircle.standards.filters import Selection, select
from servicecircle.standards.plan import Filter, Plan
from servicecircle.standards.registry import Registry, ScopeWords, load_registry

__all__ = ["AREA_UNIT", "Study", "level_of_area"]

AREA_UNIT = "area"
"""Unit id of the whole study area, where it is itself the one unit of a level."""


def level_of_area(plan: Plan, evidence: Evidence, area: str, given: str | None = None) -> str:
    """Return the level of a study's own area.

    Parameters
    ----------
    plan : Plan
    evidence : Evidence
    area : {"whole", "part"}
        Of the plan's area.
    given : str, optional
        As the project states it; else the plan's for the whole, and for a part the coarsest level
        that was supplied.

    Examples
    --------
    >>> import datetime as dt
    >>> from servicecircle.standards.indicators import load_plan
    >>> units = pd.DataFrame({"level": ["village_level", "township"]})
    >>> nothing = pd.DataFrame()
    >>> evidence = Evidence(
    ...     as_of=dt.date(2025, 12, 31), units=units, facilities=nothing, demand=nothing,
    ...     access=nothing, layers=frozenset(),
    ... )
    >>> [level_of_area(load_plan("quzhou"), evidence, area) for area in ("whole", "part")]
    ['prefecture', 'township']
    """
    if given is not None:
        return given
    supplied = set(evidence.units["level"])
    levels = [name for name in load_registry().levels if name in supplied]
    return plan.level if area == "whole" or not levels else levels[0]


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

    def note(self, key: str, **fields: object) -> str:
        """Return a note in the study's language."""
        return label(f"note_{key}", self.language).format(**fields)

    def layer_title(self, layer: str) -> str:
        """Return the title of a layer in the study's language, its id where it has none."""
        words = self.registry.layers.get(layer) or self.evidence.extra_layers.get(layer)
        return layer if words is None else words.zh if self.language == "zh" else words.en

    def level_title(self, level: str) -> str:
        """Return the title of a level in the study's language."""
        words = self.registry.levels[level]
        return words.zh if self.language == "zh" else words.en

    def note_above(self, level: str) -> str:
        """Return the note that a level lies above the study's own."""
        titles = {"level": self.level_title(level), "own": self.level_title(self.own_level)}
        return self.note("other_level", **titles)

    def missing_layers(self, layers: tuple[str, ...]) -> tuple[str, ...]:
        """Return the inputs to add for layers that were not supplied."""
        return tuple(
            f"[facilities.{layer}]" for layer in layers if layer not in self.evidence.layers
        )

    def _given(self) -> frozenset[str]:
        kept = self.evidence.kept
        if "levels" not in kept:
            kept["levels"] = frozenset(self.evidence.units["level"].unique())
        given: frozenset[str] = kept["levels"]
        return given

    def levels(self) -> tuple[str, ...]:
        """Return the supplied administrative levels, the coarsest first."""
        given = self._given()
        return tuple(
            name
            for name, words in self.registry.levels.items()
            if words.administrative and name in given
        )

    def all_levels(self) -> tuple[str, ...]:
        """Return all supplied levels: the administrative ones, then those that were drawn."""
        given = self._given()
        drawn = (
            name
            for name, words in self.registry.levels.items()
            if not words.administrative and name in given
        )
        return (*self.levels(), *drawn)

    def all_units(self) -> pd.Index:
        """Return the units of all supplied levels, in the order of :meth:`all_levels`."""
        kept = self.evidence.kept
        if "all_units" not in kept:
            units = self.evidence.units
            order = {name: at for at, name in enumerate(self.all_levels())}
            place = units["level"].map(order).to_numpy(float, na_value=np.nan)
            known = int(np.isfinite(place).sum())
            kept["all_units"] = units.index[np.argsort(place, kind="stable")[:known]]
        found: pd.Index = kept["all_units"]
        return found

    def units(self, level: str) -> pd.DataFrame:
        """Return the units of a level that should have facilities."""
        kept, key = self.evidence.kept, ("units", level)
        if key not in kept:
            units = self.evidence.units
            should = units["should_have"].fillna(True).astype(bool)
            kept[key] = units[(units["level"] == level) & should]
        found: pd.DataFrame = kept[key]
        return found

    def rows(self, layer: str) -> pd.DataFrame:
        """Return all facilities of a layer, open or not."""
        kept, key = self.evidence.kept, ("rows", layer)
        if key not in kept:
            facilities = self.evidence.facilities
            kept[key] = facilities[facilities["layer"] == layer]
        rows: pd.DataFrame = kept[key]
        return rows

    def open_rows(self, layer: str) -> pd.DataFrame:
        """Return the facilities of a layer that are open at the date of judgement."""
        kept, key = self.evidence.kept, ("open", layer)
        if key not in kept:
            rows = self.rows(layer)
            kept[key] = rows[is_open(rows, self.evidence.as_of)]
        there: pd.DataFrame = kept[key]
        return there

    def ancestors(self, names: tuple[str, ...], level: str) -> list[str]:
        """Return the unit of a level that each of some units is or lies in, "" where none is."""
        units = self.evidence.units
        if "parent_id" not in units:
            return ["" for _ in names]
        parents = units["parent_id"].fillna("").astype(str).to_dict()
        levels = units["level"].to_dict()
        found = []
        for unit in names:
            name, seen = unit, {unit}
            while name and levels.get(name) != level:
                name = parents.get(name, "")
                name = "" if name in seen else name
                seen.add(name)
            found.append(name)
        return found

    def pairs(self, layer: str, level: str) -> pd.DataFrame:
        """Return which facility of a layer, open or not, belongs to which unit of a level."""
        kept, key = self.evidence.kept, ("pairs", layer, level)
        if "book" not in kept:
            kept["book"] = gazetteer(self.evidence.units)
        if key not in kept:
            kept[key] = place_facilities(
                self.rows(layer),
                self.evidence.units,
                level=level,
                serves_level=self.evidence.serves_level.get(layer),
                declared_level=self.evidence.declared_level.get(layer),
                book=kept["book"],
                sites=self._open_sites(),
            )[0]
        pairs: pd.DataFrame = kept[key]
        return pairs

    def _open_sites(self) -> pd.DataFrame:
        """Return the facilities of all layers that are open at the date of judgement."""
        kept = self.evidence.kept
        if "sites" not in kept:
            facilities = self.evidence.facilities
            kept["sites"] = facilities[is_open(facilities, self.evidence.as_of)]
        sites: pd.DataFrame = kept["sites"]
        return sites

    def inside(self, layer: str) -> frozenset[str]:
        """Return the facilities of a layer that belong to some unit of the area.

        Where no boundary was supplied at all, every facility counts.
        """
        kept, key = self.evidence.kept, ("inside", layer)
        levels = self.levels()
        if key not in kept:
            found = (self.pairs(layer, level)["facility_id"] for level in levels)
            everyone = self.rows(layer).index.astype(str)
            kept[key] = frozenset().union(*found) if levels else frozenset(everyone)
        ids: frozenset[str] = kept[key]
        return ids

    def unplaced(self, layer: str, level: str) -> int:
        """Return how many open facilities of a layer cannot be told to a unit of a drawn level.

        They belong to the area by what they declare, but have no place to lie in a drawn unit by.
        """
        drawn = not self.registry.levels[level].administrative and level in self._given()
        if not drawn or layer not in self.evidence.layers:
            return 0
        rows = self.open_rows(layer)
        columns = [name for name in rows.columns if str(name).startswith("unit_")]
        if not columns:
            return 0
        units = rows[columns]
        nowhere = (units.isna() | (units == "")).all(axis=1).to_numpy(bool)
        ids = frozenset(rows.index[nowhere].astype(str)) & self.inside(layer)
        return len(ids - frozenset(self.pairs(layer, level)["facility_id"])) if ids else 0

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
        """Return which of some facilities pass a filter, see :func:`select`."""
        return select(rows, condition, layer)

    def built_period(self) -> tuple[int, int]:
        """Return the first and last year in which units count as new by the date of judgement."""
        first, last = self.plan.period
        return first, min(last, self.evidence.as_of.year)

    def period_end(self, year: int | None) -> dt.date:
        """Return the end of a target's year, or the date of judgement where that is earlier."""
        return (
            self.evidence.as_of if year is None else min(self.evidence.as_of, dt.date(year, 12, 31))
        )
