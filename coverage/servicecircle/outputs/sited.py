"""What a siting study proposes, as layers of a GeoPackage and as part of the map's payload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.messages import Language, label
from servicecircle.outputs import payload
from servicecircle.outputs.bilingual import Said, both, both_labels
from servicecircle.outputs.palettes import PHASE_COLOURS
from servicecircle.outputs.siting_said import siting_said
from servicecircle.siting.words import within_words

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["map_sites", "site_frames", "site_unit_columns"]

_WGS84 = "EPSG:4326"
MOST_CANDIDATES = 6_000
"""Candidates on the map at most, those that reach most people first."""


def site_frames(tables: Mapping[str, pd.DataFrame]) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers ``sites`` and ``candidates`` of a siting study; none without one.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Of a run.

    Examples
    --------
    >>> row = pd.DataFrame({"candidate_id": ["grid:1"], "lon": [120.0], "lat": [30.0]})
    >>> {name: len(frame) for name, frame in site_frames({"sites": row}).items()}
    {'sites': 1}
    >>> site_frames({})
    {}
    """
    frames = {}
    for name in ("sites", "candidates"):
        if name in tables:
            table = tables[name]
            points = gpd.points_from_xy(table["lon"], table["lat"], crs=_WGS84)
            frames[name] = gpd.GeoDataFrame(table, geometry=points, crs=_WGS84)
    return frames


def site_unit_columns(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return a row per unit: ``site_<layer>_before``, ``…_after``, ``…_gained`` and ``…_new``.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        ``site_units``, where there is one.

    Examples
    --------
    >>> site_unit_columns({}).shape
    (0, 0)
    """
    if "site_units" not in tables:
        return pd.DataFrame(index=pd.Index([], dtype="str", name="unit_id"))
    columns = {}
    named = {
        "before": "share_before", "after": "share_after", "gained": "people_gained", "new": "sites",
    }  # fmt: skip
    for layer, rows in tables["site_units"].groupby("layer", sort=False):
        by_unit = rows.set_index("unit_id")
        for ending, column in named.items():
            if column in by_unit:
                columns[f"site_{layer}_{ending}"] = by_unit[column]
    return pd.DataFrame(columns)


def map_sites(results: Results) -> dict[str, Any] | None:
    """Return what the map shows of a siting study: sites, candidates, units before and after.

    Parameters
    ----------
    results : Results

    Returns
    -------
    dict or None
        Keys said (lines), within, phases (title and colour), sites, candidates, units (None where
        no level fits); None without a siting study.
    """
    if "sites" not in results.tables:
        return None
    table = results.tables["sites"]
    opened = table["action"] == "open"
    phases = sorted(table.loc[opened, "phase"].astype(int).unique().tolist())
    years = table.loc[opened].drop_duplicates("phase").set_index("phase")["year"]
    lines = siting_said(results, "zh"), siting_said(results, "en")
    return {
        "said": [{"zh": zh, "en": en} for zh, en in zip(*lines, strict=True)],
        "within": both(lambda language: within_words(results.record["siting"], language)),
        "people": both_labels(f"people_{results.record['siting']['people']}"),
        "phases": [
            {
                "title": _phase_title(phase, years.get(phase), len(phases)),
                "colour": PHASE_COLOURS[(phase - 1) % len(PHASE_COLOURS)],
            }
            for phase in phases
        ],
        "sites": _sites(table, phases),
        "candidates": _candidates(results.tables["candidates"]),
        "units": _units(results),
    }


def _phase_title(phase: int, year: Any, count: int) -> Said:
    known = year is not None and not pd.isna(year)
    if count == 1:
        return str(int(year)) if known else both_labels("map_site_new")

    def title(language: Language) -> str:
        words = label("map_site_phase", language).format(phase=phase)
        return f"{words} {int(year)}" if known else words

    return both(title)


def _sites(table: pd.DataFrame, phases: list[int]) -> dict[str, Any]:
    columns = {
        name: payload.numbers(table[name])
        for name in ("number", "people_alone", "people_added", "people_covered", "people_served")
    }
    return {
        **columns,
        "cost": payload.numbers(table["cost"], digits=2),
        "capacity": payload.numbers(table["capacity"]),
        "share": payload.numbers(table["share_covered"], digits=4),
        "names": table["name"].fillna("").astype(str).tolist(),
        "units": table["unit"].fillna("").astype(str).tolist(),
        "sources": [both_labels(f"map_source_{source}") for source in table["source"].astype(str)],
        "closes": [int(action == "close") for action in table["action"]],
        "phase": [
            phases.index(int(phase)) if int(phase) in phases else 0 for phase in table["phase"]
        ],
        "points": payload.encode_points(table["lon"], table["lat"]),
    }


def _candidates(table: pd.DataFrame) -> dict[str, Any]:
    new = table[(table["source"] != "existing") & ~table["forbidden"].astype(bool)]
    order = np.argsort(-new["people_alone"].to_numpy(np.float64), kind="stable")[:MOST_CANDIDATES]
    kept = new.iloc[np.sort(order)]
    return {
        "people": payload.numbers(kept["people_alone"]),
        "points": payload.encode_points(kept["lon"], kept["lat"]),
        "all": len(new),
    }


def _units(results: Results) -> dict[str, Any] | None:
    """Return the units of the study's level before and after, of its first layer."""
    table = results.tables["site_units"]
    if not len(table):
        return None
    level = str(table["level"].iloc[0])
    rows = table[table["layer"] == table["layer"].iloc[0]].set_index("unit_id")
    ids = results.units.loc[results.units["level"] == level, "unit_id"]
    unit = rows.reindex(ids)
    return {
        "level": level,
        "before": payload.numbers(_cut(unit["share_before"]), digits=4),
        "after": payload.numbers(_cut(unit["share_after"]), digits=4),
        "gained": payload.numbers(unit["people_gained"]),
        "line": payload.numbers(unit["line"], digits=4),
        "sites": payload.numbers(unit["sites"]),
        "people": payload.numbers(unit["people"]),
    }


def _cut(share: pd.Series[float]) -> np.ndarray:
    """Cut, not round: 79.9996 % must not enter the class from 80 %."""
    return np.asarray(np.floor(share.to_numpy(np.float64) * 1e4 + 1e-6) / 1e4)
