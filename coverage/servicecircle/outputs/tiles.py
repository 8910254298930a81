"""Online tiles beneath the map, where a project asks for them: addresses, hosts, shift, credit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicecircle.datums import in_mainland_china
from servicecircle.messages import LANGUAGES, label

if TYPE_CHECKING:
    from servicecircle.inputs.basemap import Basemap

__all__ = ["map_tiles", "tile_hosts"]

_TIANDITU = (
    "https://t{{s}}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0"
    "&LAYER={layer}&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
    "&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
)
_GAODE = (
    "https://webrd0{s}.is.autonavi.com/appmaptile"
    "?lang=zh_cn&size=1&scale=1&style=8&x={x}&y={y}&z={z}"
)
_PARTS = {"osm": "", "tianditu": "01234567", "gaode": "1234"}
_HOSTS = {
    "osm": ["https://tile.openstreetmap.org"],
    "tianditu": [f"https://t{part}.tianditu.gov.cn" for part in _PARTS["tianditu"]],
    "gaode": [f"https://webrd0{part}.is.autonavi.com" for part in _PARTS["gaode"]],
}


def map_tiles(basemap: Basemap, bounds: list[list[float]] | None) -> dict[str, Any] | None:
    """Return what the page needs to fetch tiles, or None where nobody asks for them.

    Parameters
    ----------
    basemap : Basemap
    bounds : list of list of float, optional
        ``[[south, west], [north, east]]`` of the study area.

    Returns
    -------
    dict or None
        name and credit by language, urls (one laid over the other), parts of host names, most
        (the finest zoom there is), shifted (whether the tiles are in GCJ-02).

    Examples
    --------
    >>> from servicecircle.inputs.basemap import Basemap
    >>> map_tiles(Basemap(), None) is None
    True
    >>> tiles = map_tiles(Basemap(tiles="gaode"), [[30.0, 120.0], [30.4, 120.4]])
    >>> tiles["shifted"], tiles["parts"]
    (True, '1234')
    """
    source = basemap.tiles
    if source is None:
        return None
    urls = {
        "osm": ["https://tile.openstreetmap.org/{z}/{x}/{y}.png"],
        "tianditu": [_TIANDITU.format(layer=name, key=basemap.key) for name in ("vec", "cva")],
        "gaode": [_GAODE],
    }[source]
    return {
        "name": {language: label(f"map_tiles_{source}", language) for language in LANGUAGES},
        "credit": {language: label(f"map_credit_{source}", language) for language in LANGUAGES},
        "urls": urls,
        "parts": _PARTS[source],
        "most": 19 if source == "osm" else 18,
        "shifted": source == "gaode" and _in_gcj02(bounds),
    }


def tile_hosts(basemap: Basemap) -> list[str]:
    """Return the hosts that the page's policy lets pictures come from.

    Examples
    --------
    >>> from servicecircle.inputs.basemap import Basemap
    >>> tile_hosts(Basemap(tiles="osm")), tile_hosts(Basemap())
    (['https://tile.openstreetmap.org'], [])
    """
    return [] if basemap.tiles is None else _HOSTS[basemap.tiles]


def _in_gcj02(bounds: list[list[float]] | None) -> bool:
    if bounds is None:
        return True
    (south, west), (north, east) = bounds
    return bool(in_mainland_china((west + east) / 2, (south + north) / 2))
