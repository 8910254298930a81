"""Scopes: which units, facilities and people an indicator speaks of."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from servicecircle.standards.registry import ScopeWords
from servicecircle.standards.studied import Study

__all__ = [
    "Where",
    "facilities_in",
    "knows_years",
    "polygon_or_years",
    "units_in_scope",
    "where_of",
]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Where:
    """The part of the area that an indicator speaks of.

    Parameters
    ----------
    level : str
        Level of ``units``; "" for the whole area, or the part of it in ``polygon``.
    units : pandas.Index
        The units that make it up.
    polygon : str
        Scope whose polygon it is.
    missing : tuple of str
        Inputs without which it is not known.
    notes : tuple of str
        In the language of the study.
    """

    level: str = ""
    units: pd.Index = field(default_factory=lambda: pd.Index([], dtype="str"))
    polygon: str = ""
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def knows_years(units: pd.DataFrame, scope: ScopeWords) -> bool:
    """Return whether a scope of new or old units can be told by the year they were built."""
    return bool(scope.built) and "built" in units and bool(units["built"].notna().any())


def where_of(study: Study, name: str, level: str = "") -> Where:
    """Return the part of a study's area that a scope stands for.

    Parameters
    ----------
    study : Study
    name : str
        Of the scope.
    level : str
        Where a rule holds for each unit of a level: the units of this level in the scope. Of a
        polygon those in which people or facilities lie in it.

    Returns
    -------
    Where
        A scope of new or old units is told by the year they were built, where that is known of
        any, else by its polygon. A scope of all units of a level is the whole area.
    """
    scope = study.registry.scopes[name]
    by_units = bool(scope.types or scope.having) or (
        bool(scope.built) and (not scope.polygon or knows_years(study.units(scope.level), scope))
    )
    if not by_units and not scope.polygon and not level:
        return Where()
    if scope.polygon and not by_units:
        return _in_polygon(study, scope, level)
    at = scope.level if by_units else level
    units = study.units(at)
    missing: tuple[str, ...] = () if len(units) else (f"[boundaries.{at}]",)
    if scope.having:
        missing += study.missing_layers((scope.having,))
    if missing:
        return Where(missing=missing)
    if not by_units:
        return Where(level=at, units=units.index)
    return _told_by_units(study, units, scope)


def _in_polygon(study: Study, scope: ScopeWords, level: str) -> Where:
    if scope.name not in study.evidence.scopes:
        return Where(missing=(polygon_or_years(study, scope),))
    if not level:
        return Where(polygon=scope.name)
    units = study.units(level)
    drawn: set[str] = set()
    for layer in sorted(study.evidence.layers):
        drawn |= study.units_with_scope(layer, level, scope)
    found = units.index[units.index.isin(list(drawn))]
    missing = () if len(units) else (f"[boundaries.{level}]",)
    notes = () if len(found) else (_no_units(study, scope),)
    return Where(level=level, units=found, missing=missing, notes=notes)


def _told_by_units(study: Study, units: pd.DataFrame, scope: ScopeWords) -> Where:
    inside, unknown = units_in_scope(units, scope, study.built_period())
    told = "built" if scope.built else "type"
    if unknown.any() and not inside.any():
        return Where(missing=(f"[boundaries.{scope.level}] {told}",))
    notes: tuple[str, ...] = ()
    if unknown.any():
        key = "unbuilt_units" if scope.built else "untyped_units"
        notes = (study.note(key, count=int(unknown.sum())),)
    if scope.having:
        pairs = study.pairs(scope.having, scope.level)
        there = pairs["facility_id"].isin(study.open_rows(scope.having).index)
        inside &= units.index.isin(pairs.loc[there, "unit_id"])
    found = units.index[inside.to_numpy(bool)]
    notes += () if len(found) else (_no_units(study, scope),)
    return Where(level=scope.level, units=found, notes=notes)


def _no_units(study: Study, scope: ScopeWords) -> str:
    return study.note("no_units", scope=scope.zh if study.language == "zh" else scope.en)


def polygon_or_years(study: Study, scope: ScopeWords) -> str:
    """Return what would tell a scope: the years of its units where it has any, else its polygon."""
    if scope.built:
        level = f"[boundaries.{scope.level}]"
        return level if study.units(scope.level).empty else f"{level} built"
    return f"[boundaries.{scope.name}]"


def facilities_in(study: Study, layer: str, where: Where) -> frozenset[str]:
    """Return the facilities of a layer, open or not, in a part of the area."""
    if where.level:
        pairs = study.pairs(layer, where.level)
        return frozenset(pairs.loc[pairs["unit_id"].isin(where.units), "facility_id"])
    within = study.inside(layer)
    if where.polygon:
        within &= study.in_polygon(layer, study.registry.scopes[where.polygon]) or frozenset()
    return within


def units_in_scope(
    units: pd.DataFrame, scope: ScopeWords, period: tuple[int, int] = (0, 0)
) -> tuple[pd.Series[bool], pd.Series[bool]]:
    """Return which units are in a scope, and which have nothing to tell it by.

    A type decides; where there is none, the ending of the name, else ``is_urban``. Communities
    that are known to be rural are no urban communities, and count as rural ones. For a scope of
    new or old units the year in which they were built decides.

    Parameters
    ----------
    units : pandas.DataFrame
        Columns type, name, is_urban and, where known, built.
    scope : ScopeWords
    period : tuple of int
        First and last year of the plan, or of the part of it that is over.

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
    >>> from servicecircle.standards.registry import load_registry
    >>> scope = load_registry().scopes["urban_communities"]
    >>> [one.tolist() for one in units_in_scope(units, scope)]
    [[True, False, True, False], [False, False, False, True]]
    """
    nothing = pd.Series(False, index=units.index)
    if scope.built:
        built = units["built"] if "built" in units else pd.Series(pd.NA, index=units.index)
        year = built.astype("Int64")
        if scope.built == "before":
            inside = year < period[0]
        else:
            inside = (year >= period[0]) & (year <= period[1])
        return inside.fillna(False).astype(bool), year.isna().astype(bool)
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
