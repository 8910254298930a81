"""Roads that were read before: kept in the cache under a hash of their files and settings."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from servicecircle.cache import keep_bytes, kept_bytes
from servicecircle.inputs.raw_roads import RawRoads
from servicecircle.inputs.roads import read_roads, road_files
from servicecircle.problems import Problem
from servicecircle.project import RoadSettings

__all__ = ["read_kept_roads"]


def read_kept_roads(settings: RoadSettings, *, base: Path) -> tuple[RawRoads, list[Problem]]:
    """Read the roads of a project, or take them from the cache where nothing has changed.

    Parameters
    ----------
    settings : RoadSettings
    base : pathlib.Path
        Folder that paths are relative to.

    Returns
    -------
    roads : RawRoads
    problems : list of Problem
        As of :func:`servicecircle.inputs.roads.read_roads`. What is kept and cannot be read is
        read from the files again.

    Raises
    ------
    InputError, CrsError
        As :func:`servicecircle.inputs.roads.read_roads` does; a failure is not kept.

    Examples
    --------
    >>> read_kept_roads(RoadSettings(path=Path("nowhere.osm.pbf")), base=Path())
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: nowhere.osm.pbf: file not found: nowhere.osm.pbf
      paths are relative to the folder of the project file
      check the spelling of the path and the name
    """
    key = _key(settings, base)
    if key is None:
        return read_roads(settings, base=base)
    body = kept_bytes("roads", key)
    if body is not None:
        try:
            return _unpacked(body)
        except (ValueError, KeyError, TypeError, OSError):
            pass
    roads, problems = read_roads(settings, base=base)
    packed = _packed(roads, problems)
    if packed is not None:
        keep_bytes("roads", key, packed)
    return roads, problems


def _key(settings: RoadSettings, base: Path) -> str | None:
    """Return a hash of all that decides the roads; None where a file cannot be read."""
    digest = hashlib.sha256(settings.model_dump_json().encode())
    # Other readers may give other roads for the same file.
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    try:
        for path in road_files(settings, base=base):
            beside = [path]
            if path.suffix.lower() == ".shp":
                beside = sorted(one for one in path.parent.iterdir() if one.stem == path.stem)
            for one in beside:
                digest.update(one.name.encode())
                with one.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
    except OSError:
        return None
    return digest.hexdigest()


def _packed(roads: RawRoads, problems: list[Problem]) -> bytes | None:
    """Return roads as bytes; None where they hold what JSON cannot."""
    arrays: dict[str, np.ndarray] = {}
    rest: dict[str, Any] = {}
    for field in dataclasses.fields(roads):
        value = getattr(roads, field.name)
        if isinstance(value, np.ndarray):
            arrays[field.name] = value
        elif isinstance(value, Mapping) and all(
            isinstance(one, np.ndarray) for one in value.values()
        ):
            rest[field.name] = {"arrays": list(value)}
            arrays |= {f"{field.name}/{key}": one for key, one in value.items()}
        else:
            rest[field.name] = {"value": value, "tuple": isinstance(value, tuple)}
    try:
        told = [{**dataclasses.asdict(one), "details": dict(one.details)} for one in problems]
        text = json.dumps({"rest": rest, "problems": told}, ensure_ascii=False)
    except TypeError:
        return None
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, _text=np.frombuffer(text.encode(), np.uint8), **arrays)
    return file.getvalue()


def _unpacked(body: bytes) -> tuple[RawRoads, list[Problem]]:
    with np.load(io.BytesIO(body), allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    data = json.loads(arrays.pop("_text").tobytes().decode())
    values: dict[str, Any] = {name: one for name, one in arrays.items() if "/" not in name}
    for name, one in data["rest"].items():
        if "arrays" in one:
            values[name] = {key: arrays[f"{name}/{key}"] for key in one["arrays"]}
        else:
            values[name] = tuple(one["value"]) if one["tuple"] else one["value"]
    return RawRoads(**values), [Problem(**one) for one in data["problems"]]
