"""The facility layers of a project, read one after the other, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import geopandas as gpd
import pandas as pd

from servicecircle.inputs.addresses import AddressBook, address_book
from servicecircle.inputs.asked import Asked
from servicecircle.inputs.attribute_words import ListWords
from servicecircle.inputs.datum_reference import surroundings
from servicecircle.inputs.duplicates import (
    no_proposals,
    propose_shared_places,
    shared_place_problems,
)
from servicecircle.inputs.facilities import FacilityData, read_facilities
from servicecircle.inputs.geocoding import geocoder
from servicecircle.inputs.osm_extract import OsmFiles, OsmSource
from servicecircle.inputs.raw_roads import RawRoads
from servicecircle.problems import Problem
from servicecircle.progress import Advance
from servicecircle.project import Project

__all__ = ["layer_proposals", "read_layers"]


def read_layers(
    project: Project,
    selectors: Mapping[str, tuple[str, ...]],
    units: gpd.GeoDataFrame,
    roads: RawRoads | None,
    osm: OsmFiles,
    attempt: Callable[[Callable[[], FacilityData]], FacilityData | None],
    advance: Advance,
    *,
    asked: Asked,
) -> dict[str, FacilityData]:
    """Read the facilities of every layer; one that is refused is left out.

    Parameters
    ----------
    project : Project
    selectors : mapping of str to tuple of str
        OpenStreetMap tag selectors of each layer.
    units : geopandas.GeoDataFrame
    roads : RawRoads, optional
    osm : OsmFiles
    attempt : callable
        Calls what reads a layer and keeps its faults; None where there are any.
    advance : callable
        Called with 1 after each layer.
    asked : Asked

    Returns
    -------
    dict of str to FacilityData
        In the order of the project file.

    Examples
    --------
    >>> from servicecircle.inputs.asked import NOTHING_ASKED
    >>> from servicecircle.inputs.project_osm import osm_files
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "none.geojson"}},
    ...     "facilities": {"canteen": {"path": "none.csv", "datum": "wgs84"}},
    ... })
    >>> nothing, told = gpd.GeoDataFrame(geometry=[], crs=4326), []
    >>> osm = osm_files(project, {})
    >>> read_layers(
    ...     project, {}, nothing, None, osm, lambda read: None, told.append, asked=NOTHING_ASKED
    ... )
    {}
    >>> told
    [1]
    """
    addresses = _addresses(project, units, roads)
    facilities: dict[str, FacilityData] = {}
    # Layers of a declared datum come first: the others may be tested against them.
    order = sorted(project.facilities.items(), key=lambda item: item[1].datum == "auto")
    for name, settings in order:
        data = attempt(
            lambda: read_facilities(
                settings,  # noqa: B023 - called at once
                layer=name,  # noqa: B023 - called at once
                base=project.folder,
                invented=project.project.invented or settings.invented,  # noqa: B023 - called at once
                selectors=OsmSource(
                    selectors=selectors.get(name, ()),  # noqa: B023 - called at once
                    files=osm,
                ),
                units=surroundings(
                    settings.datum_reference,  # noqa: B023 - called at once
                    file=settings.path.as_posix(),  # noqa: B023 - called at once
                    base=project.folder,
                    units=units,
                    roads=roads,
                    facilities={other: one.frame for other, one in facilities.items()},
                ),
                addresses=addresses,
                words=ListWords(titles=project.titles, attributes=asked.attributes),
            )
        )
        if data is not None:
            facilities[name] = data
        advance(1)
    return {name: facilities[name] for name in project.facilities if name in facilities}


def _addresses(
    project: Project, units: gpd.GeoDataFrame, roads: RawRoads | None
) -> AddressBook | None:
    """Return what addresses are looked up in, where a layer asks for it."""
    ways = {way for settings in project.facilities.values() for way in settings.place_by}
    if not ways or not len(units):
        return None
    service = project.geocode if "geocoder" in ways else None
    return address_book(
        units,
        roads=roads if "street" in ways else None,
        geocode=None if service is None else geocoder(service),
    )


def layer_proposals(facilities: Mapping[str, FacilityData]) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the duplicates proposed within layers, then the places that layers share.

    Parameters
    ----------
    facilities : mapping of str to FacilityData

    Returns
    -------
    proposals : pandas.DataFrame
        See :func:`servicecircle.inputs.duplicates.no_proposals`.
    problems : list of Problem
        Of the places shared across layers.

    Examples
    --------
    >>> proposals, problems = layer_proposals({})
    >>> len(proposals), problems
    (0, [])
    """
    # Two facilities in the middle of one unit do not share a place.
    across = propose_shared_places(
        {
            name: data.frame[(data.frame["placed_by"] == "coordinates").to_numpy(bool)]
            for name, data in facilities.items()
        }
    )
    tables = [*(data.proposals for data in facilities.values()), across]
    tables = [table for table in tables if len(table)]
    whole = pd.concat(tables, ignore_index=True) if tables else no_proposals()
    return whole, shared_place_problems(across)
