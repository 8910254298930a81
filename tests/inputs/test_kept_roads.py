"""Roads from the cache are those of the files, and what is damaged is read again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from servicecircle.errors import InputError
from servicecircle.inputs import kept_roads
from servicecircle.inputs.kept_roads import read_kept_roads
from servicecircle.inputs.raw_roads import RawRoads
from servicecircle.project import RoadSettings


@pytest.fixture
def town(tmp_path, monkeypatch):
    """Write a layer of roads, point the cache to a new folder, and count the readings."""
    lines = [shapely.LineString([(118.0, 29.0), (118.01, 29.0)]), None]
    gpd.GeoDataFrame({"highway": ["path", "path"]}, geometry=lines, crs=4326).to_file(
        tmp_path / "roads.gpkg"
    )
    monkeypatch.setenv("SERVICECIRCLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SERVICECIRCLE_FRESH", raising=False)
    readings = []
    read = kept_roads.read_roads

    def counted(settings, *, base):
        readings.append(settings)
        return read(settings, base=base)

    monkeypatch.setattr(kept_roads, "read_roads", counted)
    return tmp_path, readings


SETTINGS = RoadSettings(path=Path("roads.gpkg"))


def kept(folder):
    return list((folder / "cache" / "roads").glob("*"))


def assert_same(one, other):
    (roads, problems), (again, told) = one, other
    assert problems == told
    for field in dataclasses.fields(RawRoads):
        first, second = getattr(roads, field.name), getattr(again, field.name)
        if isinstance(first, np.ndarray):
            assert first.dtype == second.dtype
            np.testing.assert_array_equal(first, second)
        elif isinstance(first, dict) and field.name in ("allowed", "private", "barred"):
            assert list(first) == list(second)
            for key, values in first.items():
                np.testing.assert_array_equal(values, second[key])
        else:
            assert first == second


def test_the_second_reading_is_the_first(town):
    folder, readings = town
    first = read_kept_roads(SETTINGS, base=folder)
    second = read_kept_roads(SETTINGS, base=folder)
    assert len(readings) == 1
    assert first[1] != []
    assert_same(first, second)
    assert [file.suffix for file in kept(folder)] == [".bin"]


def test_other_settings_and_other_files_are_read(town):
    folder, readings = town
    read_kept_roads(SETTINGS, base=folder)
    read_kept_roads(RoadSettings(path=Path("roads.gpkg"), all_walkable=True), base=folder)
    assert len(readings) == 2
    frame = gpd.read_file(folder / "roads.gpkg")
    frame.iloc[:1].to_file(folder / "roads.gpkg")
    roads, problems = read_kept_roads(SETTINGS, base=folder)
    assert len(readings) == 3
    assert problems == []
    assert roads.u.size == 1


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 5000])
def test_what_is_damaged_is_read_again_and_mended(town, damage):
    folder, readings = town
    first = read_kept_roads(SETTINGS, base=folder)
    (file,) = kept(folder)
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert_same(first, read_kept_roads(SETTINGS, base=folder))
    assert len(readings) == 2
    assert file.read_bytes()[:32] == whole[:32]
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    file.write_bytes(bytes(flipped))
    assert_same(first, read_kept_roads(SETTINGS, base=folder))
    assert len(readings) == 3


def test_fresh_reads_again(town, monkeypatch):
    folder, readings = town
    read_kept_roads(SETTINGS, base=folder)
    monkeypatch.setenv("SERVICECIRCLE_FRESH", "1")
    read_kept_roads(SETTINGS, base=folder)
    assert len(readings) == 2


def test_a_cache_that_cannot_be_written_is_done_without(town, monkeypatch):
    folder, readings = town
    (folder / "file").write_text("in the way")
    monkeypatch.setenv("SERVICECIRCLE_CACHE", str(folder / "file"))
    read_kept_roads(SETTINGS, base=folder)
    read_kept_roads(SETTINGS, base=folder)
    assert len(readings) == 2


def test_faults_are_not_kept(town):
    folder, readings = town
    (folder / "roads.gpkg").write_bytes(b"not a layer")
    for _ in range(2):
        with pytest.raises(InputError):
            read_kept_roads(SETTINGS, base=folder)
    assert len(readings) == 2
    assert kept(folder) == []
