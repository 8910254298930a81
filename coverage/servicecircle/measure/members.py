"""Facilities that are a union of sites: they belong to the units of their member sites."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from servicecircle.inputs.gazetteer import Gazetteer, normalise_name, unit_list

__all__ = ["member_units"]

Units = dict[str, list[str]]


def member_units(
    facilities: pd.DataFrame,
    sites: pd.DataFrame,
    book: Gazetteer,
    *,
    level: str,
    order: tuple[str, ...],
    place: Callable[[pd.DataFrame], pd.DataFrame],
) -> tuple[Units, list[tuple[str, str]]]:
    """Return the units of a level that the members of each facility lie in.

    A member is a facility of any layer, by its id, its code or its name, else a unit.

    Parameters
    ----------
    facilities : pandas.DataFrame
        Index facility_id, column members: texts set apart by ``;``.
    sites : pandas.DataFrame
        Facilities of all layers, index facility_id; code, name.
    book : Gazetteer
    level : str
    order : tuple of str
        Levels to look a unit up in.
    place : callable
        From some sites to the pairs facility_id, unit_id of the level.

    Returns
    -------
    units : dict of str to list of str
        By facility; each unit once. Facilities without members are not in it.
    unknown : list of (str, str)
        Facility and text that stands for no site and no unit, or for sites of several units.

    Examples
    --------
    >>> from servicecircle.inputs.gazetteer import gazetteer
    >>> units = pd.DataFrame({
    ...     "unit_id": ["t1", "t2"], "code": ["1", "2"], "name": ["东街道", "西街道"],
    ...     "level": "township", "parent_id": "",
    ... })
    >>> unions = pd.DataFrame({"members": ["东院;西街道;无名"]}, index=["u"])
    >>> sites = pd.DataFrame({"code": [""], "name": ["东院"]}, index=["a"])
    >>> member_units(
    ...     unions, sites, gazetteer(units), level="township", order=("township",),
    ...     place=lambda _: pd.DataFrame({"facility_id": ["a"], "unit_id": ["t1"]}),
    ... )
    ({'u': ['t1', 't2']}, [('u', '无名')])
    >>> member_units(unions.iloc[:0], sites, gazetteer(units), level="township", order=(),
    ...              place=lambda sites: sites)
    ({}, [])
    """
    texts = facilities["members"].fillna("").astype(str)
    parts = {str(facility): found for facility, text in texts.items() if (found := unit_list(text))}
    if not parts:
        return {}, []
    wanted = {normalise_name(text) for found in parts.values() for text in found}
    named = _named(sites, wanted)
    ids = sorted({site for found in named.values() for site in found})
    pairs = place(sites.loc[ids]) if ids else pd.DataFrame({"facility_id": [], "unit_id": []})
    unit_of = pairs.groupby("facility_id")["unit_id"].agg(list).to_dict()
    units: Units = {}
    unknown = []
    for facility, found in parts.items():
        mine: list[str] = []
        for text in found:
            places = {
                tuple(unit_of.get(site, ()))
                for site in named.get(normalise_name(text), ())
                if site != facility
            } - {()}
            unit = "" if places else book.resolve(text, levels=order)
            if len(places) == 1:
                mine += next(iter(places))
            elif unit:
                mine += [one for one in (book.climb(unit, level),) if one]
            elif places or normalise_name(text) not in named:
                unknown.append((facility, text))
        units[facility] = list(dict.fromkeys(mine))
    return units, unknown


def _named(sites: pd.DataFrame, wanted: set[str]) -> dict[str, list[str]]:
    """Return the sites that each of some words stands for."""
    found: dict[str, list[str]] = {}
    words = zip(
        sites.index.astype(str),
        *(sites[name].fillna("").astype(str) if name in sites else sites.index.astype(str)
          for name in ("code", "name")),
        strict=True,
    )  # fmt: skip
    for site, code, name in words:
        for word in {normalise_name(site), normalise_name(code), normalise_name(name)} & wanted:
            if word:
                found.setdefault(word, []).append(site)
    return found
