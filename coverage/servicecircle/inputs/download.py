"""Roads and the boundary of a place, from OpenStreetMap's servers by OSMnx.

A run never downloads anything: ``servicecircle fetch`` does, into files that a project then names,
so that the same project gives the same results tomorrow.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import geopandas as gpd

from servicecircle.errors import InputError
from servicecircle.problems import Problem

__all__ = ["NOMINATIM", "OVERPASS", "Download", "download_place"]

NOMINATIM = "https://nominatim.openstreetmap.org"
OVERPASS = "https://overpass-api.de/api"

_WAYS = ['["highway"]', '["route"="ferry"]']
_TIMEOUT_S = 180


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Download:
    """What the servers hold of a place.

    Parameters
    ----------
    boundary : geopandas.GeoDataFrame
        One row in EPSG:4326: name, osm_id ("relation/123"), geometry (Polygon or MultiPolygon).
    nodes, ways : mapping of int to dict
        Elements of Overpass by id, each once: all ways with a ``highway``, ferries, their nodes.
    as_of : str
        Date of the data as the server states it, "" where it does not.
    answers : int
        Answers that the roads came in.
    """

    boundary: gpd.GeoDataFrame
    nodes: Mapping[int, dict[str, Any]]
    ways: Mapping[int, dict[str, Any]]
    as_of: str
    answers: int


def download_place(
    place: str,
    *,
    margin_m: float = 2000.0,
    nominatim: str = NOMINATIM,
    overpass: str = OVERPASS,
) -> Download:
    """Download the boundary of a place and all roads in it and around it.

    Parameters
    ----------
    place : str
        Name as one would search for it, such as "Jiangshan, Quzhou, China".
    margin_m : float
        Roads this far beyond the boundary are taken too, since people near it use them.
    nominatim, overpass : str
        Addresses of the servers.

    Raises
    ------
    InputError
        If a server cannot be reached or refuses, the place is not known or has no area, or an
        answer is not whole.

    Examples
    --------
    >>> download_place("", nominatim="http://127.0.0.1:9")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: no name of a place was given
      the place is looked up by its name
      give a name, such as "Jiangshan, Quzhou, China"
    """
    if not place.strip():
        raise InputError(_fatal("fetch.no_place", value=place))
    with _settings(nominatim, overpass):
        boundary = _boundary(place, nominatim)
        metric = boundary.estimate_utm_crs()
        around = boundary.to_crs(metric).buffer(margin_m).to_crs(boundary.crs).union_all()
        nodes: dict[int, dict[str, Any]] = {}
        ways: dict[int, dict[str, Any]] = {}
        as_of, answers = "", 0
        for answer in _answers(around, overpass):
            as_of = str(answer.get("osm3s", {}).get("timestamp_osm_base", as_of))
            answers += 1
            for element in answer["elements"]:
                kept = {"node": nodes, "way": ways}.get(element.get("type", ""))
                if kept is not None:
                    kept.setdefault(int(element["id"]), element)
    if not ways:
        raise InputError(_fatal("fetch.no_roads", value=place))
    return Download(boundary=boundary, nodes=nodes, ways=ways, as_of=as_of, answers=answers)


def _boundary(place: str, server: str) -> gpd.GeoDataFrame:
    import osmnx

    with _worded(server):
        try:
            found = osmnx.geocode_to_gdf(place)
        except TypeError:
            raise InputError(_fatal("fetch.no_area", value=place)) from None
        except osmnx._errors.InsufficientResponseError as error:
            # OSMnx raises the same for what is no answer at all.
            if "0 results" not in str(error):
                raise
            raise InputError(_fatal("fetch.unknown_place", value=place)) from None
    row = found.iloc[0]
    columns = {
        "name": [str(row.get("display_name", place))],
        "osm_id": [f"{row.get('osm_type', '')}/{row.get('osm_id', '')}"],
    }
    return gpd.GeoDataFrame(columns, geometry=[row.geometry], crs=found.crs)


def _answers(area: Any, server: str) -> Iterator[dict[str, Any]]:
    """Yield the answers of Overpass; OSMnx divides large areas."""
    from osmnx import _overpass

    with _worded(server):
        # OSMnx's public functions drop what its graphs do not hold: barriers, most tags, ferries.
        for answer in _overpass._download_overpass_network(area, "all", _WAYS):
            if not isinstance(answer, dict) or not isinstance(answer.get("elements"), list):
                raise InputError(_fatal("fetch.bad_answer", value=server, reason="no elements"))
            if "remark" in answer:
                raise InputError(_fatal("osm.overpass_remark", value=str(answer["remark"])))
            yield answer


@contextmanager
def _worded(server: str) -> Iterator[None]:
    """Turn the errors of the connection into ours."""
    import requests
    from osmnx import _errors

    try:
        yield
    except requests.exceptions.RequestException as error:
        reason = type(error).__name__
        raise InputError(_fatal("fetch.no_connection", value=server, reason=reason)) from None
    except (_errors.ResponseStatusCodeError, _errors.InsufficientResponseError) as error:
        reason = str(error).splitlines()[0][:200]
        raise InputError(_fatal("fetch.bad_answer", value=server, reason=reason)) from None


@contextmanager
def _settings(nominatim: str, overpass: str) -> Iterator[None]:
    """Set OSMnx's settings, which are global, and put everything back after."""
    from osmnx import settings

    chosen = {
        "nominatim_url": nominatim,
        "overpass_url": overpass,
        "use_cache": False,
        "requests_timeout": _TIMEOUT_S,
        "http_accept_language": "zh,en",
        "doh_url_template": None,
    }
    before = {key: getattr(settings, key) for key in chosen}
    resolve = socket.getaddrinfo
    try:
        for key, value in chosen.items():
            setattr(settings, key, value)
        yield
    finally:
        for key, value in before.items():
            setattr(settings, key, value)
        # OSMnx replaces this function so that one server answers all requests.
        socket.getaddrinfo = resolve


def _fatal(code: str, *, value: str, **details: object) -> Problem:
    return Problem(code=code, severity="fatal", action="stopped", value=value, details=details)
