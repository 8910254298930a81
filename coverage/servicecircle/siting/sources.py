"""The places that each list of candidates offers, before it is asked where one may build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.inputs.site_lists import SiteList, site_ids
from servicecircle.inputs.sites import Sites
from servicecircle.measure.ground import Ground
from servicecircle.measure.layers import open_points
from servicecircle.network.travel import Direction
from servicecircle.project import CandidateSettings, Project
from servicecircle.siting.grid import Grid, lattice, network_grid
from servicecircle.siting.junctions import road_junctions
from servicecircle.siting.zones import Building

__all__ = ["COLUMNS", "Offer", "existing_offer", "offer_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

COLUMNS = (
    "candidate_id",
    "layer",
    "source",
    "listed",
    "code",
    "name",
    "cost",
    "capacity",
    "mandatory",
    "forbidden",
    "facility_id",
    "source_file",
    "source_row",
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Offer:
    """What one list offers.

    Parameters
    ----------
    rows : pandas.DataFrame
        :data:`COLUMNS`; cost and capacity NaN where the list says nothing.
    x, y : numpy.ndarray of float, shape (k,)
        In metres.
    doors : numpy.ndarray of shapely.Geometry, shape (k,)
        Outline or entrances in metres, None where a place is one point.
    grid : Grid, optional
        Of a grid: its guarantee. Its places have passed the rules of building.
    small : int
        Left out for their size.
    """

    rows: pd.DataFrame
    x: Floats
    y: Floats
    doors: Shapes
    grid: Grid | None = None
    small: int = 0


def offer_of(
    project: Project,
    ground: Ground,
    sites: Sites,
    rules: Building,
    *,
    name: str,
    settings: CandidateSettings,
    layer: str,
) -> Offer:
    """Return the places of one list.

    Parameters
    ----------
    project, ground, sites
    rules : Building
        Where one may build; a grid keeps to them from the start.
    name : str
        Of the list.
    settings : CandidateSettings
    layer : str
        Facility layer that is looked for: its profile tells which roads are travelled.
    """
    if settings.kind in ("parcels", "buildings"):
        return _listed(sites.lists[name], rules, settings)
    if settings.kind == "facilities":
        return _co_located(project, ground, name, settings)
    if settings.kind == "junctions":
        return _junctions(project, ground, sites, rules, name=name, settings=settings, layer=layer)
    return _grid(ground, rules, name, settings, profile=project.layer_profile(layer),
                 direction=project.facilities[layer].direction)  # fmt: skip


def existing_offer(project: Project, ground: Ground, layers: Sequence[str]) -> Offer:
    """Return the open facilities of layers that have a place, by id.

    Parameters
    ----------
    project, ground
    layers : sequence of str
    """
    parts = [open_points(ground, layer, project.project.as_of) for layer in layers]
    ids = np.concatenate([one.ids for one in parts])
    table = ground.facilities.set_index("facility_id").loc[ids]
    rows = pd.DataFrame(
        {
            "candidate_id": ids,
            "layer": table["layer"].to_numpy(object),
            "source": "existing",
            "listed": "",
            "code": table["code"].to_numpy(object),
            "name": table["name"].to_numpy(object),
            "cost": 0.0,
            "capacity": table["capacity"].to_numpy(np.float64),
            "mandatory": False,
            "forbidden": False,
            "facility_id": ids,
            "source_file": table["source_file"].to_numpy(object),
            "source_row": table["source_row"].array,
        },
        columns=list(COLUMNS),
    )
    doors = [one.doors if one.doors is not None else _no_doors(one.x.size) for one in parts]
    return Offer(
        rows=rows,
        x=np.concatenate([one.x for one in parts]),
        y=np.concatenate([one.y for one in parts]),
        doors=np.concatenate(doors),
    )


def _no_doors(count: int) -> NDArray[np.object_]:
    return np.full(count, None, object)


def _frame(count: int, *, source: str, listed: str, **columns: object) -> pd.DataFrame:
    """Return rows of candidates with what is not known left open."""
    known: dict[str, object] = {
        "candidate_id": "",
        "layer": "",
        "source": source,
        "listed": listed,
        "code": "",
        "name": "",
        "cost": np.nan,
        "capacity": np.nan,
        "mandatory": False,
        "forbidden": False,
        "facility_id": "",
        "source_file": "",
        "source_row": pd.array([pd.NA] * count, dtype="Int64"),
    }
    return pd.DataFrame({**known, **columns}, index=pd.RangeIndex(count), columns=list(COLUMNS))


def _listed(given: SiteList, rules: Building, settings: CandidateSettings) -> Offer:
    table = given.table
    x, y = rules.to_metric(table["lon"].to_numpy(float), table["lat"].to_numpy(float))
    rows = _frame(
        len(table),
        source=settings.kind,
        listed=given.name,
        candidate_id=table["site_id"].to_numpy(object),
        **{key: table[key].to_numpy() for key in ("code", "name", "cost", "capacity")},
        mandatory=table["mandatory"].to_numpy(bool),
        forbidden=table["forbidden"].to_numpy(bool),
        source_file=given.file,
        source_row=table["source_row"].array,
    )
    return Offer(
        rows=rows,
        x=x,
        y=y,
        doors=rules.projected(given.doors),
        small=given.small,
    )


def _co_located(project: Project, ground: Ground, name: str, settings: CandidateSettings) -> Offer:
    points = [open_points(ground, layer, project.project.as_of) for layer in settings.layers]
    ids = np.concatenate([one.ids for one in points])
    table = ground.facilities.set_index("facility_id").loc[ids]
    doors = [
        one.doors if one.doors is not None else np.full(one.x.size, None, object) for one in points
    ]
    rows = _frame(
        ids.size,
        source="facilities",
        listed=name,
        candidate_id=np.array([f"{name}:{one}" for one in ids.tolist()], dtype=object),
        code=table["code"].to_numpy(object),
        name=table["name"].to_numpy(object),
        facility_id=ids,
        source_file=table["source_file"].to_numpy(object),
        source_row=table["source_row"].array,
    )
    return Offer(
        rows=rows,
        x=np.concatenate([one.x for one in points]),
        y=np.concatenate([one.y for one in points]),
        doors=np.concatenate(doors),
    )


def _ids(rules: Building, name: str, x: Floats, y: Floats) -> NDArray[np.object_]:
    lon, lat = rules.to_degrees(x, y)
    nothing = [""] * x.size
    table = pd.DataFrame({"code": nothing, "name": nothing, "lon": lon, "lat": lat})
    return site_ids(name, table)


def _junctions(
    project: Project,
    ground: Ground,
    sites: Sites,
    rules: Building,
    *,
    name: str,
    settings: CandidateSettings,
    layer: str,
) -> Offer:
    way = ground.way(project.layer_profile(layer))
    nothing = np.empty(0)
    if way is None or sites.roads is None:
        rows = _frame(0, source="junctions", listed=name)
        return Offer(rows=rows, x=nothing, y=nothing, doors=np.empty(0, object))
    roads = sites.roads
    found = road_junctions(
        roads, mode=way.profile.mode, least=settings.roads, classes=settings.classes
    )
    x, y = rules.to_metric(roads.lon[found.node], roads.lat[found.node])
    # Where many roads meet comes first: of places too near each other the first is kept.
    order = np.lexsort((found.node, -found.roads))
    order = order[np.isfinite(x[order])]
    rows = _frame(
        order.size,
        source="junctions",
        listed=name,
        candidate_id=_ids(rules, name, x[order], y[order]),
        name=np.array([found.names[at] for at in order.tolist()], dtype=object),
    )
    return Offer(rows=rows, x=x[order], y=y[order], doors=np.full(order.size, None, object))


def _grid(
    ground: Ground,
    rules: Building,
    name: str,
    settings: CandidateSettings,
    *,
    profile: str,
    direction: Direction,
) -> Offer:
    way = ground.way(profile)
    if way is None:
        grid = lattice(rules.area, rules.all_zones, every_m=settings.every_m)
    else:
        grid = network_grid(
            way.travel,
            rules.area,
            rules.all_zones,
            every_m=settings.every_m,
            direction=direction,
            steep=rules.steep if rules.slope is not None else None,
        )
    rows = _frame(
        grid.x.size,
        source="grid",
        listed=name,
        candidate_id=_ids(rules, name, grid.x, grid.y),
    )
    return Offer(rows=rows, x=grid.x, y=grid.y, doors=np.full(grid.x.size, None, object), grid=grid)
