"""The folder of a download: roads and boundary as files that a project can name, and a record."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import osmium
from osmium.osm import mutable

from servicecircle.errors import InputError
from servicecircle.inputs.download import Download
from servicecircle.problems import Problem

__all__ = ["BOUNDARY_FILE", "RECORD_FILE", "ROADS_FILE", "check_new_folder", "write_download"]

ROADS_FILE = "roads.osm.pbf"
BOUNDARY_FILE = "boundary.geojson"
RECORD_FILE = "fetched.json"
_CREDIT = "© OpenStreetMap contributors, ODbL 1.0, https://www.openstreetmap.org/copyright"


def check_new_folder(folder: Path) -> None:
    """Refuse a folder that holds anything.

    Parameters
    ----------
    folder : pathlib.Path

    Raises
    ------
    InputError
        If it is there and not an empty folder.

    Examples
    --------
    >>> check_new_folder(Path("nowhere/new"))
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            Problem(
                code="fetch.folder", severity="fatal", action="stopped", value=folder.as_posix()
            )
        )


def write_download(download: Download, folder: Path, *, place: str, servers: list[str]) -> None:
    """Write a download into a new folder, whole or not at all.

    Parameters
    ----------
    download : Download
    folder : pathlib.Path
        New or empty. It gets the roads (.osm.pbf, sorted by id), the boundary (GeoJSON), and a
        record with the date, the credit and the sha256 of both.
    place : str
        What was searched for.
    servers : list of str

    Raises
    ------
    InputError
        If the folder holds anything.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> boundary = gpd.GeoDataFrame(
    ...     {"name": ["town"], "osm_id": ["relation/1"]},
    ...     geometry=[shapely.box(118.0, 28.0, 118.1, 28.1)],
    ...     crs="EPSG:4326",
    ... )
    >>> town = Download(boundary=boundary, nodes={}, ways={}, as_of="", answers=0)
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     write_download(town, Path(parent) / "town", place="town", servers=[])
    ...     sorted(path.name for path in (Path(parent) / "town").iterdir())
    ['boundary.geojson', 'fetched.json', 'roads.osm.pbf']
    """
    check_new_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write_roads(download, new / ROADS_FILE)
        download.boundary.to_file(new / BOUNDARY_FILE, driver="GeoJSON")
        record = {
            "place": place,
            "found": download.boundary["name"].iloc[0],
            "osm_id": download.boundary["osm_id"].iloc[0],
            "data_as_of": download.as_of,
            "downloaded": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "servers": servers,
            "credit": _CREDIT,
            "answers": download.answers,
            "ways": len(download.ways),
            "nodes": len(download.nodes),
            "sha256": {name: _sha256(new / name) for name in (ROADS_FILE, BOUNDARY_FILE)},
        }
        text = json.dumps(record, ensure_ascii=False, indent=2)
        (new / RECORD_FILE).write_text(text + "\n", encoding="utf-8")
        new.chmod(0o755)
        new.replace(folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _write_roads(download: Download, path: Path) -> None:
    with osmium.SimpleWriter(str(path)) as writer:
        for number in sorted(download.nodes):
            node = download.nodes[number]
            place = (float(node["lon"]), float(node["lat"]))
            writer.add_node(mutable.Node(id=number, location=place, tags=node.get("tags", {})))
        for number in sorted(download.ways):
            way = download.ways[number]
            nodes = [int(ref) for ref in way.get("nodes", [])]
            writer.add_way(mutable.Way(id=number, nodes=nodes, tags=way.get("tags", {})))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
