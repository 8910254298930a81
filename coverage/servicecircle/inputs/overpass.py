"""Raw answers of the Overpass API (JSON), one or several tiles, such as OSMnx keeps in its cache.

A way or node in several tiles is one; the first tile, by file name, counts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from servicecircle.errors import InputError
from servicecircle.inputs.osm_streets import BARRIER_KEYS, StreetCollector, Streets
from servicecircle.problems import Problem

__all__ = ["is_overpass", "read_overpass", "read_overpass_elements"]

_HEAD = 4096
_NOWHERE = (math.nan, math.nan)


def is_overpass(path: Path) -> bool:
    """Say whether a JSON file is an answer of the Overpass API, by its beginning.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "tile.json"
    ...     _ = file.write_text('{"version": 0.6, "elements": []}')
    ...     is_overpass(file)
    True
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return b'"elements"' in head or b'"osm3s"' in head


def read_overpass_elements(path: Path, *, name: str) -> list[dict[str, Any]]:
    """Read the elements of one answer.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        The file as the project names it, for messages.

    Raises
    ------
    InputError
        If the file is no JSON, holds no list of elements, or says that the server gave up.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "tile.json"
    ...     _ = file.write_text('{"elements": [], "remark": "runtime error: timed out"}')
    ...     read_overpass_elements(file, name="tile.json")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: tile.json: the answer is not whole: runtime error: timed out
      an answer with a remark of the Overpass server lacks what it had not sent yet
      ask again for a smaller area, or with a longer timeout
    """
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(_fatal("osm.broken", name, value=name, reason=str(error))) from None
    elements = data.get("elements") if isinstance(data, dict) else None
    if not isinstance(elements, list) or not all(isinstance(one, dict) for one in elements):
        raise InputError(_fatal("osm.broken", name, value=name, reason="no list of elements"))
    if "remark" in data:
        raise InputError(_fatal("osm.overpass_remark", name, value=str(data["remark"])))
    return elements


def read_overpass(files: Sequence[tuple[Path, str]], *, ferries: bool) -> Streets:
    """Read the streets of one or several answers.

    Parameters
    ----------
    files : sequence of (pathlib.Path, str)
        Files, and how the project names them.
    ferries : bool
        Whether ferries (``route=ferry``) are taken.

    Raises
    ------
    InputError
        As :func:`read_overpass_elements`, or if an element is not of Overpass's form.

    Examples
    --------
    >>> import tempfile
    >>> text = '''{"elements": [{"type": "node", "id": 1, "lat": 28.0, "lon": 118.0},
    ... {"type": "way", "id": 7, "nodes": [1, 2], "tags": {"highway": "path"}}]}'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "tile.json"
    ...     _ = file.write_text(text)
    ...     streets = read_overpass([(file, "tile.json"), (file, "again.json")], ferries=False)
    >>> streets.ids.tolist(), streets.refs.tolist(), streets.lon.tolist()
    ([7], [1, 2], [118.0, nan])
    >>> read_overpass([], ferries=False).ids.size
    0
    """
    collector = StreetCollector(ferries=ferries)
    places: dict[int, tuple[float, float]] = {}
    ways: dict[int, dict[str, Any]] = {}
    for path, name in files:
        for element in read_overpass_elements(path, name=name):
            try:
                _take(element, places, ways, collector)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                reason = f"{type(error).__name__}: {error}"
                raise InputError(_fatal("osm.broken", name, value=name, reason=reason)) from None
    for number, way in ways.items():
        found = [places.get(ref, _NOWHERE) for ref in way["nodes"]]
        collector.add_way(
            number,
            way["nodes"],
            [lon for lon, _ in found],
            [lat for _, lat in found],
            way["tags"].get,
        )
    return collector.streets()


def _take(
    element: dict[str, Any],
    places: dict[int, tuple[float, float]],
    ways: dict[int, dict[str, Any]],
    collector: StreetCollector,
) -> None:
    kind = element.get("type")
    if kind not in ("node", "way"):
        return
    number = _integer(element["id"])
    tags = element.get("tags") or {}
    if not all(isinstance(part, str) for pair in tags.items() for part in pair):
        raise TypeError(f"{kind}/{number}: tags are not texts")
    if kind == "node":
        if number not in places:
            places[number] = _place(element)
        if not tags.keys().isdisjoint(BARRIER_KEYS):
            collector.add_node(number, tags.get)
    elif number not in ways:
        refs = [_integer(ref) for ref in element.get("nodes", [])]
        ways[number] = {"nodes": refs, "tags": tags}
        # `out geom` gives places with the way; the file may then hold no nodes.
        for ref, place in zip(refs, element.get("geometry") or [], strict=False):
            if place is not None:
                places.setdefault(ref, _place(place))


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no id")
    return value


def _place(element: dict[str, Any]) -> tuple[float, float]:
    lon, lat = float(element["lon"]), float(element["lat"])
    good = abs(lon) <= 180.0 and abs(lat) <= 90.0  # noqa: PLR2004 - degrees; NaN is not good
    return (lon, lat) if good else _NOWHERE


def _fatal(code: str, name: str, *, value: str, **details: object) -> Problem:
    return Problem(
        code=code, severity="fatal", action="stopped", file=name, value=value, details=details
    )
