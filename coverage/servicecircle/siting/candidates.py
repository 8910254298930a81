"""Candidates: existing facilities, and every place where a new one may stand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.sites import Sites
from servicecircle.measure.access import Points
from servicecircle.measure.ground import Ground
from servicecircle.network.travel import Direction
from servicecircle.problems import Problem
from servicecircle.project import CandidateSettings, Project, SitingSettings
from servicecircle.siting.named import contradictions, rows_named
from servicecircle.siting.placed import placed_frame
from servicecircle.siting.sources import Offer, existing_offer, offer_of
from servicecircle.siting.tested import (
    REASONS,
    ground_reasons,
    left_out_problems,
    reach_reasons,
    thin_reasons,
)
from servicecircle.siting.zones import Building, building_rules

__all__ = ["Candidates", "default_candidates", "find_candidates"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CO_LOCATED = ("community_service_center",)
"""Layers in whose facilities a new one may be set up, where a project names no candidates."""
DEFAULT_EVERY_M = 250.0
MOST_GRID_POINTS = 20_000
"""Beyond about so many candidates the default grid is made coarser."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Candidates:
    """Existing facilities of a layer and places for new ones.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        In WGS84, existing ones first, by id; then the lists in the order of the project file:
        candidate_id, layer ("" for new ones), source (existing, parcels, facilities, buildings,
        junctions, grid), listed (name of the list, "" for existing ones), code, name, cost (0 for
        existing ones), capacity (infinite without a bound), mandatory, forbidden, closable,
        facility_id (the facility that stands there: of the layer, or of another one), source_file,
        source_row, ``unit_<level>``, ``in_<scope>``, snap_m, snap_status, geometry.
    points : Points
        In the order of the frame, attached as the layer's profile travels.
    layer, profile : str
    direction : {"to", "from"}
    directions : mapping of str to {"to", "from"}
        Of each layer that existing ones are of.
    guarantee_m, guarantee : float
        See :class:`servicecircle.siting.grid.Grid`; NaN where no list is a grid.
    guarantee_unit : str
        Of ``guarantee``: "metres" or "seconds".
    excluded : mapping of str to int
        Places that are not used, by reason: outside, zone, steep, unsnapped, thinned, small,
        nobody_near.
    chosen : mapping
        What the candidates are, for the record of a run.
    problems : tuple of Problem
    """

    frame: gpd.GeoDataFrame
    points: Points
    layer: str
    profile: str
    direction: Direction
    directions: Mapping[str, Direction] = field(default_factory=dict)
    guarantee_m: float = float("nan")
    guarantee: float = float("nan")
    guarantee_unit: str = "metres"
    excluded: Mapping[str, int] = field(default_factory=dict)
    chosen: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def existing(self) -> Bools:
        """Which are existing facilities, shape (c,)."""
        return np.asarray(self.frame["source"] == "existing", np.bool_)


def default_candidates(
    project: Project, *, road_m: float, area_m2: float = 0.0
) -> dict[str, CandidateSettings]:
    """Return the lists of a project that names none: a grid, and community service buildings.

    Parameters
    ----------
    project : Project
    road_m : float
        Metres of road: where a grid every 250 m would have more than about 20,000 points, it is
        made coarser; 0 without roads.
    area_m2 : float
        Of the study area, over which there is a lattice without roads.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "a.gpkg"}},
    ...     "facilities": {"canteen": {"path": "b.csv"}},
    ... })
    >>> {name: one.every_m for name, one in default_candidates(project, road_m=3e6).items()}
    {'grid': 250.0}
    >>> default_candidates(project, road_m=3e7)["grid"].every_m
    750.0
    >>> default_candidates(project, road_m=0.0, area_m2=8e9)["grid"].every_m
    1000.0
    """
    there = [layer for layer in CO_LOCATED if layer in project.facilities]
    lists = {}
    if there:
        lists["community"] = CandidateSettings(kind="facilities", layers=there)
    # A point is near to the roads on both sides of it; a square of a lattice has its diagonal.
    lengths = road_m / (2.0 * MOST_GRID_POINTS * DEFAULT_EVERY_M)
    sides = 0.0 if road_m else math.sqrt(2.0 * area_m2 / MOST_GRID_POINTS) / DEFAULT_EVERY_M
    steps = max(math.ceil(lengths), math.ceil(sides), 1)
    lists["grid"] = CandidateSettings(kind="grid", every_m=DEFAULT_EVERY_M * steps)
    return lists


def find_candidates(
    project: Project,
    ground: Ground,
    sites: Sites,
    *,
    layer: str,
    also: Sequence[str] = (),
    reach_m: float | None = None,
) -> Candidates:
    """Return the existing facilities of a layer and every place where a new one may stand.

    Parameters
    ----------
    project : Project
    ground : Ground
    sites : Sites
        From :func:`servicecircle.inputs.sites.read_sites`.
    layer : str
        Of the project.
    also : sequence of str
        Further layers whose existing facilities are wanted, for several services in one site.
    reach_m : float, optional
        Leave out new places farther than this, in a straight line, from everybody: they serve
        nobody.

    Returns
    -------
    Candidates
        Of the existing ones those open at ``as_of`` that have a place.

    Raises
    ------
    InputError
        If a name in ``mandatory``, ``forbidden`` or ``closable`` is none of a candidate, a
        candidate is mandatory and forbidden, or a mandatory one may not stand where it is.
    """
    settings = project.siting or SitingSettings()
    rules = building_rules(ground, sites, most_percent=settings.slope_max_percent)
    road_m = 0.0 if ground.network is None else float(ground.network.length_m.sum())
    lists = settings.candidates or default_candidates(
        project, road_m=road_m, area_m2=float(shapely.area(ground.area))
    )
    offers = [existing_offer(project, ground, (layer, *also))]
    offers += [
        offer_of(project, ground, sites, rules, name=name, settings=one, layer=layer)
        for name, one in lists.items()
    ]
    rows = pd.concat([offer.rows for offer in offers], ignore_index=True)
    old = (rows["source"] == "existing").to_numpy(bool)
    rows = _with_wishes(project, rows, settings, lists, old=old)
    places, way = _points(rows, offers), ground.way(project.layer_profile(layer))
    why, details, unknown = _why_not(rows, places, rules, free=old | _of_grids(rows))
    attach = None if way is None else way.attach
    use = np.flatnonzero(why == "")
    points = places.take(use) if attach is None else attach(places.take(use))
    found = reach_reasons(points, ground.demand_points, reach_m=reach_m)
    found[old[use]] = ""
    why[use] = found
    there = np.flatnonzero((why == "") & ~old)
    why[there] = thin_reasons(
        rows["listed"].to_numpy(object)[there],
        places.x[there],
        places.y[there],
        rows["mandatory"].to_numpy(bool)[there],
        least_m={name: one.thinned_m for name, one in lists.items()},
    )
    file = project.file
    if faults := contradictions(rows, why, file=file):
        raise InputError(faults)
    for at in np.flatnonzero(why == "unsnapped").tolist():
        details[at]["metres"] = f"{project.network.max_snap_m:g}"
    each = frozenset(name for name, one in lists.items() if one.kind in _TOLD)
    problems = left_out_problems(rows, why, details, each=each, file=file)
    problems += _notes(lists, unknown=unknown, on_roads=way is not None, file=file)
    problems += _zones_elsewhere(rules, file=file)
    points = points.take(np.flatnonzero(why[use] == ""))
    kept = rows[why == ""].reset_index(drop=True)
    if (kept["source"] == "existing").all():
        problems.append(
            Problem(code="site.none_left", severity="warning", action="flagged", file=file)
        )
    grids = [offer.grid for offer in offers if offer.grid is not None and offer.grid.x.size]
    counts = {reason: int((why == reason).sum()) for reason in REASONS}
    counts["small"] = sum(offer.small for offer in offers)
    return Candidates(
        frame=placed_frame(kept, points, ground, rules),
        points=replace(points, ids=kept["candidate_id"].to_numpy(object)),
        layer=layer,
        profile=project.layer_profile(layer),
        direction=project.facilities[layer].direction,
        directions={name: project.facilities[name].direction for name in (layer, *also)},
        # One grid is enough to be near everything: of several the finest counts.
        guarantee_m=min((grid.guarantee_m for grid in grids), default=float("nan")),
        guarantee=min((grid.guarantee for grid in grids), default=float("nan")),
        guarantee_unit="metres" if way is None else way.travel.unit,
        excluded=counts,
        chosen=_chosen(settings, lists, kept, road_m=max((one.road_m for one in grids), default=0)),
        problems=(*sites.problems, *problems),
    )


_TOLD = ("parcels", "facilities")
"""Kinds of lists whose places somebody named: each that cannot be used is told."""


def _of_grids(rows: pd.DataFrame) -> Bools:
    return (rows["source"] == "grid").to_numpy(np.bool_)


def _points(rows: pd.DataFrame, offers: Sequence[Offer]) -> Points:
    doors = np.concatenate([offer.doors for offer in offers])
    return Points(
        ids=rows["candidate_id"].to_numpy(object),
        x=np.concatenate([offer.x for offer in offers]),
        y=np.concatenate([offer.y for offer in offers]),
        at=None,
        doors=None if shapely.is_missing(doors).all() else doors,
    )


def _with_wishes(
    project: Project,
    rows: pd.DataFrame,
    settings: SitingSettings,
    lists: Mapping[str, CandidateSettings],
    *,
    old: Bools,
) -> pd.DataFrame:
    """Fill in what lists leave open, and who must be opened, must not, or may be closed."""
    rows = rows.copy()
    new = rows[~old]
    for key, names in (("mandatory", settings.mandatory), ("forbidden", settings.forbidden)):
        flags = rows[key].to_numpy(bool).copy()
        flags[~old] |= rows_named(project, new, key=key, names=names)
        rows[key] = flags
    closable = old.copy()
    if settings.closable:
        closable[old] = rows_named(project, rows[old], key="closable", names=settings.closable)
    rows["closable"] = closable
    for key, otherwise in (("cost", settings.cost), ("capacity", settings.capacity or np.inf)):
        own = {name: getattr(one, key) for name, one in lists.items()}
        values = rows[key].to_numpy(np.float64).copy()
        by_list = rows["listed"].map(own).astype(np.float64).fillna(otherwise).to_numpy()
        open_ = ~old & np.isnan(values)
        values[open_] = by_list[open_]
        rows[key] = values
    return rows


def _why_not(
    rows: pd.DataFrame, points: Points, rules: Building, *, free: Bools
) -> tuple[NDArray[np.object_], list[dict[str, object]], int]:
    """Return why nobody may build at the places that are not free of the rules."""
    why = np.full(len(rows), "", object)
    details: list[dict[str, object]] = [{} for _ in range(len(rows))]
    asked = np.flatnonzero(~free)
    found, checked = ground_reasons(rules, points.x[asked], points.y[asked])
    why[asked] = found
    for at in np.flatnonzero(found != "").tolist():
        details[asked[at]].update(
            zone=checked.zone[at], slope=f"{checked.slope[at]:.0f}", most=f"{rules.most_percent:g}"
        )
    return why, details, int((checked.unknown & (found == "")).sum())


def _notes(
    lists: Mapping[str, CandidateSettings], *, unknown: int, on_roads: bool, file: str
) -> list[Problem]:
    notes = []
    if unknown:
        notes.append(
            Problem(
                code="site.no_slope",
                severity="warning",
                action="counted",
                file=file,
                value=str(unknown),
            )
        )
    if not on_roads:
        notes += [
            Problem(
                code="site.no_grid" if one.kind == "grid" else "site.no_junctions",
                severity="note",
                action="flagged",
                file=file,
                value=f"{one.every_m:g}",
            )
            for one in lists.values()
            if one.kind in ("grid", "junctions")
        ]
    return notes


def _zones_elsewhere(rules: Building, *, file: str) -> list[Problem]:
    """Tell which excluded zones lie nowhere in the study area: their datum may be another one."""
    return [
        Problem(code="site.zone_elsewhere", severity="warning", action="flagged", file=file,
                value=name)
        for name, shapes in rules.zones.items()
        if name != "barriers" and not shapely.intersects(rules.area, shapes).any()
    ]  # fmt: skip


def _chosen(
    settings: SitingSettings,
    lists: Mapping[str, CandidateSettings],
    rows: pd.DataFrame,
    *,
    road_m: float,
) -> dict[str, object]:
    """Return what the candidates are, for the record of a run."""
    counts = rows["listed"].value_counts()
    return {
        "default": not settings.candidates,
        "lists": {
            name: {
                **one.model_dump(mode="json", exclude_defaults=True),
                **({"every_m": one.every_m} if one.kind == "grid" else {}),
                **({"thin_m": one.thinned_m} if one.thinned_m > 0.0 else {}),
                "candidates": int(counts.get(name, 0)),
            }
            for name, one in lists.items()
        },
        "existing": int((rows["source"] == "existing").sum()),
        "new": int((rows["source"] != "existing").sum()),
        "grid_road_m": round(road_m, 1),
    }
