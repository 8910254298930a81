"""A study: one plan held against one area, and what every kind asks of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from servicecircle.inputs.gazetteer import gazetteer
from servicecircle.measure.presence import is_open, place_facilities
from servicecircle.messages import Language, label
from servicecircle.standards.evidence import Evidence
from servicecircle.standards.filters import Selection, select
from servicecircle.standards.plan import Filter, Plan
from servicecircle.standards.registry import Registry, ScopeWords, load_registry

__all__ = ["AREA_UNIT", "Study"]

AREA_UNIT = "area"
"""Unit id of the whole study area, where it is itself the one unit of a level."""


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
        facilities = self.evidence.facilities
        return facilities[facilities["layer"] == layer]

    def open_rows(self, layer: str) -> pd.DataFrame:
        """Return the facilities of a layer that are open at the date of judgement."""
        rows = self.rows(layer)
        return rows[is_open(rows, self.evidence.as_of)]

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

    def period_end(self, year: int | None) -> dt.date:
        """Return the end of a target's year, or the date of judgement where that is earlier."""
        return (
            self.evidence.as_of if year is None else min(self.evidence.as_of, dt.date(year, 12, 31))
        )
