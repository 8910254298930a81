"""Rasters by hand: every cell accounted for, areas true, lying files refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import CRS, Geod

from servicecircle.errors import CrsError, InputError
from servicecircle.inputs import raster, raster_file
from servicecircle.inputs.cell_areas import cell_areas_m2
from servicecircle.inputs.raster import RasterSource, read_cells

# 100 m cells about the middle of the zone at 120° E: x 500,000 is 120°, y 3,100,000 about 28° N.
METRES = Affine(100.0, 0.0, 500_000.0, 0.0, -100.0, 3_100_300.0)
DEGREES = Affine(0.01, 0.0, 120.0, 0.0, -0.01, 28.03)


def write(path: Path, values, *, crs="EPSG:4549", transform=METRES, nodata=None, **more) -> Path:
    bands = np.atleast_3d(np.asarray(values, dtype=more.pop("dtype", "float32")))
    bands = bands.transpose(2, 0, 1) if bands.shape[2] == 1 else bands
    count, height, width = bands.shape
    with rasterio.open(
        path, "w", width=width, height=height, count=count, dtype=bands.dtype, crs=crs,
        transform=transform, nodata=nodata, **{"driver": "GTiff", **more},
    ) as file:  # fmt: skip
        file.write(bands)
    return path


def source(path: Path, kind="count", **more) -> RasterSource:
    return RasterSource(path=path, name=path.name, kind=kind, **more)


def closes(balance: dict[str, float]) -> None:
    kinds = ("used", "zero", "nodata", "negative", "infinite")
    assert balance["cells_total"] == sum(balance[f"cells_{kind}"] for kind in kinds)
    assert balance["people_used"] == pytest.approx(balance["people_in_source"], rel=1e-12)


def test_three_by_three_with_everything_in_it(tmp_path):
    path = write(
        tmp_path / "pop.tif",
        [[1.0, 0.0, -9999.0], [np.nan, -5.0, 2.5], [np.inf, 4.0, 0.0]],
        nodata=-9999.0,
    )
    cells = read_cells(source(path))
    assert cells.row.tolist() == [0, 1, 2]
    assert cells.col.tolist() == [0, 2, 1]
    assert cells.population.tolist() == [1.0, 2.5, 4.0]
    assert np.isnan(cells.elderly).all()
    balance = cells.balance
    closes(balance)
    expected = {
        "cells_total": 9, "cells_used": 3, "cells_zero": 2, "cells_nodata": 2,
        "cells_negative": 1, "cells_infinite": 1, "people_in_source": 7.5, "people_used": 7.5,
        "people_negative": -5.0,
    }  # fmt: skip
    assert {key: balance[key] for key in expected} == expected
    assert [problem.code for problem in cells.problems] == [
        "population.negative_cells",
        "population.infinite_cells",
    ]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float64"])
def test_types_of_numbers(tmp_path, dtype):
    path = write(tmp_path / "pop.tif", [[1, 0], [200, 255]], dtype=dtype, nodata=255)
    cells = read_cells(source(path))
    assert cells.population.tolist() == [1.0, 200.0]
    assert cells.balance["cells_nodata"] == 1
    closes(cells.balance)


def test_not_a_number_as_nodata(tmp_path):
    path = write(tmp_path / "pop.tif", [[1.0, np.nan]], nodata=np.nan)
    assert read_cells(source(path)).balance["cells_nodata"] == 1


def test_scale_and_offset_of_the_band(tmp_path):
    path = write(tmp_path / "pop.tif", [[10, 0]], dtype="int16")
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.5,), (2.0,)
    assert read_cells(source(path)).population.tolist() == [7.0, 2.0]


def test_centres_in_a_projected_and_a_geographic_raster(tmp_path):
    metres = read_cells(source(write(tmp_path / "m.tif", np.ones((3, 3)))))
    # By symmetry the cells left and right of 500,050 lie as far from it; the axis is at 120° E.
    assert metres.lon[0] == pytest.approx(
        120.0 + 50.0 / (6_378_137.0 * math.cos(0.4886)) * 57.2958, abs=2e-6
    )
    assert (np.diff(metres.lat.reshape(3, 3)[:, 0]) < 0).all()
    degrees = read_cells(
        source(write(tmp_path / "d.tif", np.ones((3, 3)), crs="EPSG:4326", transform=DEGREES))
    )
    assert degrees.lon.tolist()[:3] == pytest.approx([120.005, 120.015, 120.025])
    assert degrees.lat.tolist()[::3] == pytest.approx([28.025, 28.015, 28.005])


def test_a_raster_with_south_up_keeps_its_rows(tmp_path):
    up = Affine(0.01, 0.0, 120.0, 0.0, 0.01, 28.0)
    path = write(tmp_path / "up.tif", [[1.0], [2.0]], crs="EPSG:4326", transform=up)
    cells = read_cells(source(path))
    assert cells.lat.tolist() == pytest.approx([28.005, 28.015])


def zone_area_by_hand(south: float, north: float, width: float) -> float:
    """Integrate the ellipsoid between two parallels in 2,000 steps."""
    axis, flattening = 6_378_137.0, 1.0 / 298.257223563
    e2 = flattening * (2.0 - flattening)
    step = math.radians(north - south) / 2000
    total = 0.0
    for at in range(2000):
        lat = math.radians(south) + (at + 0.5) * step
        square = 1.0 - e2 * math.sin(lat) ** 2
        total += axis**2 * (1.0 - e2) * math.cos(lat) / square**2 * step
    return total * math.radians(width)


def test_density_is_people_by_true_area_in_degrees(tmp_path):
    path = write(
        tmp_path / "density.tif", np.full((3, 3), 250.0), crs="EPSG:4326", transform=DEGREES
    )
    cells = read_cells(source(path, kind="density_km2"))
    north = [28.03, 28.02, 28.01]
    expected = [250.0 * zone_area_by_hand(top - 0.01, top, 0.01) / 1e6 for top in north]
    assert cells.population.reshape(3, 3)[:, 0] == pytest.approx(expected, rel=1e-7)
    closes(cells.balance)
    # A second witness: geodesic polygons, whose sides differ from parallels by next to nothing.
    area = Geod(ellps="WGS84").polygon_area_perimeter(
        [120.0, 120.03, 120.03, 120.0], [28.0, 28.0, 28.03, 28.03]
    )[0]
    assert cells.population.sum() == pytest.approx(250.0 * area / 1e6, rel=1e-6)


@pytest.mark.parametrize(("crs", "x"), [("EPSG:4549", 500_000.0), ("EPSG:32651", 205_000.0)])
def test_density_is_people_by_true_area_in_metres(tmp_path, crs, x):
    grid = Affine(100.0, 0.0, x, 0.0, -100.0, 3_100_300.0)
    path = write(tmp_path / "density.tif", np.full((3, 3), 1000.0), crs=crs, transform=grid)
    cells = read_cells(source(path, kind="density_km2"))
    # The corners of the grid on the ellipsoid, by an independent way.
    corners = np.array([[x, 3_100_000], [x + 300, 3_100_000], [x + 300, 3_100_300], [x, 3_100_300]])
    from pyproj import Transformer

    lon, lat = Transformer.from_crs(crs, 4326, always_xy=True).transform(*corners.T)
    area = Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0]
    assert cells.population.sum() == pytest.approx(1000.0 * area / 1e6, rel=1e-6)


def test_web_mercator_cells_are_smaller_than_they_look():
    grid = Affine(100.0, 0.0, 13_358_338.0, 0.0, -100.0, 3_503_549.8)  # 120° E, 30° N
    area = cell_areas_m2(np.array([0]), np.array([0]), transform=grid, crs=CRS("EPSG:3857"))
    assert area[0] == pytest.approx(1e4 * math.cos(math.radians(30.0)) ** 2, rel=0.01)


def test_a_turned_grid_in_degrees():
    turned = Affine(0.0, 0.01, 120.0, 0.01, 0.0, 28.0)
    area = cell_areas_m2(np.array([0]), np.array([0]), transform=turned, crs=CRS("EPSG:4326"))
    assert area[0] == pytest.approx(zone_area_by_hand(28.0, 28.01, 0.01), rel=1e-6)


def test_half_diagonals(tmp_path):
    cells = read_cells(source(write(tmp_path / "m.tif", np.ones((2, 2)))))
    assert cells.half_diagonal_m == pytest.approx(np.full(4, math.hypot(50, 50)), rel=1e-3)
    path = write(tmp_path / "d.tif", np.ones((2, 2)), crs="EPSG:4326", transform=DEGREES)
    half = Geod(ellps="WGS84").inv(120.0, 28.03, 120.01, 28.02)[2] / 2.0
    assert read_cells(source(path)).half_diagonal_m[0] == pytest.approx(half, rel=1e-3)


def test_strips_give_the_same_as_the_whole(tmp_path, monkeypatch):
    values = np.random.default_rng(1).random((64, 48)) - 0.3
    path = write(tmp_path / "pop.tif", values, tiled=True, blockxsize=16, blockysize=16)
    whole = read_cells(source(path))
    # One block a window, three side by side, and places in batches that end within rows.
    monkeypatch.setattr(raster_file, "_WINDOW_CELLS", 16 * 16)
    monkeypatch.setattr(raster, "_BATCH", 100)
    parts = read_cells(source(path))
    assert (parts.lon == whole.lon).all()
    assert parts.half_diagonal_m == pytest.approx(whole.half_diagonal_m, rel=1e-6)
    assert (parts.row == whole.row).all()
    assert (parts.col == whole.col).all()
    assert (parts.population == whole.population).all()
    assert parts.balance["people_in_source"] == pytest.approx(whole.balance["people_in_source"])
    assert len(whole.row) == (values.astype("float32") > 0).sum()


# --- elderly -------------------------------------------------------------------------------------


def both(tmp_path, people, elderly, **more):
    first = write(tmp_path / "pop.tif", people, nodata=-1)
    second = write(tmp_path / "old.tif", elderly, **({"nodata": -1} | more))
    return source(first, elderly_path=second, elderly_name="old.tif")


def test_elderly_are_cut_to_the_people_and_every_one_is_accounted_for(tmp_path):
    cells = read_cells(
        both(tmp_path, [[10.0, 4.0, 0.0], [-1.0, 8.0, 6.0]], [[3.0, 5.0, 2.0], [7.0, -1.0, 6.0]])
    )
    assert cells.population.tolist() == [10.0, 4.0, 8.0, 6.0]
    assert cells.elderly.tolist() == [3.0, 4.0, 0.0, 6.0]
    balance = cells.balance
    assert balance["elderly_in_source"] == 3 + 5 + 2 + 7 + 6
    assert balance["elderly_used"] == 13.0
    assert balance["elderly_clipped"] == 1.0
    assert balance["elderly_masked"] == 9.0
    assert balance["elderly_cells_missing"] == 1
    assert balance["elderly_in_source"] == sum(
        balance[f"elderly_{key}"] for key in ("used", "clipped", "masked")
    )
    assert [problem.code for problem in cells.problems] == [
        "population.elderly_missing",
        "population.elderly_clipped",
        "population.elderly_masked",
    ]
    closes(balance)


def test_densities_of_both(tmp_path):
    first = write(tmp_path / "pop.tif", [[100.0, 0.0]])
    second = write(tmp_path / "old.tif", [[20.0, 10.0]])
    cells = read_cells(source(first, "density_km2", elderly_path=second, elderly_name="old.tif"))
    assert cells.population[0] == pytest.approx(1.0, rel=1e-3)
    assert cells.elderly[0] == pytest.approx(0.2, rel=1e-3)
    assert cells.balance["elderly_masked"] == pytest.approx(0.1, rel=1e-3)


@pytest.mark.parametrize(
    "more",
    [
        {"transform": Affine(100.0, 0.0, 500_100.0, 0.0, -100.0, 3_100_300.0)},
        {"transform": Affine(50.0, 0.0, 500_000.0, 0.0, -50.0, 3_100_300.0)},
        {"crs": "EPSG:4547"},
    ],
)
def test_another_grid_is_refused(tmp_path, more):
    with pytest.raises(InputError) as caught:
        read_cells(both(tmp_path, [[1.0]], [[1.0]], **more))
    assert [problem.code for problem in caught.value.problems] == ["population.grid_mismatch"]
    with pytest.raises(InputError):
        read_cells(both(tmp_path, [[1.0]], [[1.0, 1.0]]))


def test_the_only_raster_counts_the_elderly(tmp_path):
    cells = read_cells(source(write(tmp_path / "old.tif", [[3.0, 0.0]]), holds="elderly"))
    assert cells.elderly.tolist() == [3.0]
    assert np.isnan(cells.population).all()
    assert math.isnan(cells.balance["people_in_source"])
    assert math.isnan(cells.balance["people_used"])
    assert cells.balance["elderly_in_source"] == cells.balance["elderly_used"] == 3.0


# --- files that are refused ----------------------------------------------------------------------


def code_of(caught) -> str:
    assert caught.value.text("zh")
    return caught.value.problems[0].code


def test_all_nodata_and_nobody(tmp_path):
    with pytest.raises(InputError) as caught:
        read_cells(source(write(tmp_path / "a.tif", [[-1.0, np.nan]], nodata=-1.0)))
    assert code_of(caught) == "population.all_nodata"
    with pytest.raises(InputError) as caught:
        read_cells(source(write(tmp_path / "b.tif", [[0.0, 0.0]])))
    assert code_of(caught) == "population.nobody"
    with pytest.raises(InputError) as caught:
        read_cells(both(tmp_path, [[1.0]], [[-1.0]]))
    assert code_of(caught) == "population.all_nodata"
    assert caught.value.problems[0].file == "old.tif"


def test_no_crs_and_a_declared_one(tmp_path):
    path = write(tmp_path / "pop.tif", [[1.0]], crs=None)
    with pytest.raises(CrsError) as caught:
        read_cells(source(path))
    assert code_of(caught) == "vector.no_crs"
    assert read_cells(source(path, crs="EPSG:4549")).population.tolist() == [1.0]
    with pytest.raises(CrsError) as caught:
        read_cells(source(write(tmp_path / "c.tif", [[1.0]]), crs="EPSG:4326"))
    assert code_of(caught) == "vector.crs_conflict"


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_picture_without_a_place(tmp_path):
    path = tmp_path / "pop.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8"
    ) as file:
        file.write(np.ones((1, 2, 2), dtype="uint8"))
    with pytest.raises(CrsError) as caught:
        read_cells(source(path))
    assert code_of(caught) == "population.no_place"


def test_degrees_out_of_range(tmp_path):
    path = write(tmp_path / "pop.tif", [[1.0]], crs="EPSG:4326", transform=METRES)
    with pytest.raises(CrsError) as caught:
        read_cells(source(path))
    assert code_of(caught) == "vector.projected"


def test_several_bands_are_pointed_out(tmp_path):
    bands = np.stack([np.full((2, 2), 1.0), np.full((2, 2), 9.0)]).astype("float32")
    path = tmp_path / "pop.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=2, height=2, count=2, dtype="float32", crs="EPSG:4549",
        transform=METRES,
    ) as file:  # fmt: skip
        file.write(bands)
    cells = read_cells(source(path))
    assert cells.population.tolist() == [1.0] * 4
    assert [problem.code for problem in cells.problems] == ["population.several_bands"]


def test_missing_files_are_named_together(tmp_path):
    with pytest.raises(InputError) as caught:
        read_cells(
            source(tmp_path / "a.tif", elderly_path=tmp_path / "b.tif", elderly_name="b.tif")
        )
    assert [problem.value for problem in caught.value.problems] == ["a.tif", "b.tif"]


def test_truncated_and_foreign_files(tmp_path):
    whole = write(
        tmp_path / "pop.tif", np.random.default_rng(0).random((400, 400)), dtype="float64"
    )
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole.read_bytes()[:200_000])
    noise = tmp_path / "noise.tif"
    noise.write_bytes(b"II*\x00" + b"\xff" * 100)
    text = tmp_path / "text.tif"
    text.write_text("not a raster", encoding="utf-8")
    for path in (cut, noise, text):
        with pytest.raises(InputError) as caught:
            read_cells(source(path))
        assert code_of(caught) == "input.unreadable"
        assert caught.value.problems[0].file == path.name


def test_a_header_that_claims_too_much(tmp_path):
    path = tmp_path / "huge.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=100_000, height=100_000, count=1, dtype="uint8",
        crs="EPSG:4549", transform=METRES, sparse_ok=True, tiled=True,
    ):  # fmt: skip
        pass
    assert path.stat().st_size < 10_000_000
    with pytest.raises(InputError) as caught:
        read_cells(source(path))
    assert code_of(caught) == "population.too_large"
    small = write(tmp_path / "small.tif", np.ones((3, 3)))
    with pytest.raises(InputError, match="at most 8 cells"):
        read_cells(source(small, most_cells=8))


# --- headers that lie, and what is odd but read --------------------------------------------------


def test_only_the_surroundings_of_the_units_are_read_and_the_rest_is_counted(tmp_path):
    # 400 km of cells of 1 km; the units take up 5 km, and 10 km about their box are read.
    grid = Affine(1000.0, 0.0, 300_000.0, 0.0, -1000.0, 3_300_000.0)
    path = write(tmp_path / "wide.tif", np.ones((400, 400)), transform=grid, tiled=True)
    whole = read_cells(source(path))
    west, south = 120.0, 28.0
    cells = read_cells(source(path, area=(west, south, west + 0.05, south + 0.05)))
    assert 600 <= len(cells.row) <= 26 * 27
    balance = cells.balance
    assert balance["cells_beyond"] == 160_000 - balance["cells_used"]
    assert [problem.code for problem in cells.problems] == ["population.cells_beyond"]
    near = np.isin(whole.row * 400 + whole.col, cells.row * 400 + cells.col)
    assert (whole.lon[near] == cells.lon).all()
    inside = (whole.lon > west) & (whole.lon < west + 0.05) & (whole.lat > south)
    inside &= whole.lat < south + 0.05
    assert (near | ~inside).all()
    assert inside.sum() > 20
    # What is not read does not count against the limit.
    assert read_cells(source(path, area=(120.0, 28.0, 120.05, 28.05), most_cells=800)).row.size


def test_a_raster_of_another_place_is_refused_with_both_extents(tmp_path):
    path = write(tmp_path / "pop.tif", [[1.0]])
    with pytest.raises(InputError) as caught:
        read_cells(source(path, area=(100.0, 30.0, 101.0, 31.0)))
    assert code_of(caught) == "population.no_overlap"
    assert "100.000, 30.000, 101.000, 31.000" in caught.value.text("en")


def test_windows_of_tiles_side_by_side_give_rows_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(raster_file, "_WINDOW_CELLS", 1)
    values = np.arange(1.0, 40 * 70 + 1).reshape(40, 70)
    path = write(tmp_path / "pop.tif", values, tiled=True, blockxsize=16, blockysize=16)
    assert read_cells(source(path)).population.tolist() == values.ravel().tolist()


def test_a_turned_grid_keeps_its_people_and_places(tmp_path):
    turn = math.radians(30.0)
    turned = Affine(
        100 * math.cos(turn), 100 * math.sin(turn), 500_000.0,
        100 * math.sin(turn), -100 * math.cos(turn), 3_100_000.0,
    )  # fmt: skip
    cells = read_cells(source(write(tmp_path / "t.tif", [[1.0, 2.0]], transform=turned)))
    apart = Geod(ellps="WGS84").inv(*cells.lon[:1], *cells.lat[:1], *cells.lon[1:], *cells.lat[1:])
    assert cells.population.tolist() == [1.0, 2.0]
    assert apart[0] == pytest.approx(90.0 - 30.0, abs=0.5)
    assert apart[2] == pytest.approx(100.0, rel=1e-3)


def test_values_that_fill_a_small_type_are_pointed_out(tmp_path):
    path = write(tmp_path / "pop.tif", [[255, 255, 3]], dtype="uint8")
    cells = read_cells(source(path))
    assert cells.population.tolist() == [255.0, 255.0, 3.0]
    assert [(one.code, one.value) for one in cells.problems] == [("population.largest_value", "2")]
    signed = read_cells(source(write(tmp_path / "i.tif", [[-128, 5]], dtype="int8")))
    assert signed.balance["cells_negative"] == 1


def test_an_undeclared_nodata_beyond_mankind_is_masked(tmp_path):
    largest = float(np.finfo("float32").max)
    path = write(tmp_path / "pop.tif", [[largest, 1e20, 4.0, -largest]])
    cells = read_cells(source(path))
    assert cells.population.tolist() == [4.0]
    assert cells.balance["cells_infinite"] == 2
    assert cells.balance["cells_negative"] == 1


def test_a_nodata_rounded_in_its_tag_is_still_nodata(tmp_path):
    stored = np.float32(-3.4028235e38)
    path = write(tmp_path / "pop.tif", [[stored, 4.0]], nodata=-3.40282306e38)
    assert read_cells(source(path)).balance["cells_nodata"] == 1


def test_zero_as_nodata(tmp_path):
    balance = read_cells(source(write(tmp_path / "pop.tif", [[0.0, 4.0]], nodata=0.0))).balance
    assert (balance["cells_nodata"], balance["cells_zero"]) == (1, 0)


def test_a_mask_beside_the_band(tmp_path):
    path = write(tmp_path / "pop.tif", [[1.0, 2.0, 0.0]])
    with rasterio.open(path, "r+") as file:
        file.write_mask(np.array([[True, False, True]]))
    cells = read_cells(source(path))
    assert cells.population.tolist() == [1.0]
    assert (cells.balance["cells_nodata"], cells.balance["cells_zero"]) == (1, 1)


def test_scaled_cells_are_said_and_a_lying_scale_is_refused(tmp_path):
    path = write(tmp_path / "pop.tif", [[10, -9]], dtype="int16", nodata=-9)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.5,), (2.0,)
    cells = read_cells(source(path))
    assert cells.population.tolist() == [7.0]
    assert cells.balance["cells_nodata"] == 1
    assert [problem.code for problem in cells.problems] == ["population.scaled"]
    with rasterio.open(path, "r+") as file:
        file.scales = (0.0,)
    with pytest.raises(InputError) as caught:
        read_cells(source(path))
    assert code_of(caught) == "population.bad_scale"


def test_a_colour_table_is_pointed_out_and_a_picture_refused(tmp_path):
    path = write(tmp_path / "classes.tif", [[1, 2]], dtype="uint8")
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {1: (255, 0, 0, 255)})
    assert [one.code for one in read_cells(source(path)).problems] == ["population.palette"]
    bands = np.ones((3, 2, 2), "uint8")
    path = tmp_path / "rgb.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=2, height=2, count=3, dtype="uint8", crs="EPSG:4549",
        transform=METRES, photometric="RGB",
    ) as file:  # fmt: skip
        file.write(bands)
    with pytest.raises(InputError) as caught:
        read_cells(source(path))
    assert code_of(caught) == "population.picture"


def test_a_raw_file_shorter_than_its_header_says_is_refused(tmp_path):
    path = write(tmp_path / "people.bil", np.ones((50, 50)), driver="EHdr")
    assert read_cells(source(path)).population.sum() == 2500.0
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError) as caught:
        read_cells(source(path))
    assert code_of(caught) == "population.shorter_than_said"


def test_a_file_that_leads_elsewhere_is_not_opened(tmp_path):
    inner = write(tmp_path / "inner.tif", [[1.0]])
    path = tmp_path / "people.tif"
    path.write_text(
        '\n <VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Float32" band="1">'
        f"<SimpleSource><SourceFilename>{inner}</SourceFilename></SimpleSource></VRTRasterBand>"
        "</VRTDataset>",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        read_cells(source(path))
    assert code_of(caught) == "population.raster_format"


@pytest.mark.parametrize("tag", [256, 257, 322, 258, 339])
def test_a_header_with_one_wrong_number_is_refused_or_read_but_never_breaks(tmp_path, tag):
    path = write(tmp_path / "pop.tif", np.ones((64, 64)), tiled=True, blockxsize=16, blockysize=16)
    whole = path.read_bytes()
    start = int.from_bytes(whole[4:8], "little")
    for wrong in (0, 1, 17, 65_535):
        data = bytearray(whole)
        for at in range(int.from_bytes(whole[start : start + 2], "little")):
            entry = start + 2 + 12 * at
            if int.from_bytes(whole[entry : entry + 2], "little") == tag:
                data[entry + 8 : entry + 10] = wrong.to_bytes(2, "little")
        path.write_bytes(data)
        try:
            cells = read_cells(source(path))
        except InputError as error:
            assert error.text("zh")
        else:
            assert cells.balance["cells_total"] == sum(
                cells.balance[f"cells_{kind}"]
                for kind in ("used", "zero", "nodata", "negative", "infinite", "beyond")
            )


def test_more_people_than_mankind_stop_the_run(tmp_path):
    path = write(tmp_path / "pop.tif", [[4e9, 4e9], [4e9, 1.0]], dtype="float64")
    with pytest.raises(InputError) as caught:
        read_cells(source(path))
    assert caught.value.problems[0].code == "population.above_mankind"
    assert "1.2e+10" in caught.value.problems[0].text("en")


def test_cells_denser_than_any_quarter_are_counted(tmp_path):
    # A cell of one hectare: 1,500 people are the most that is believed.
    path = write(tmp_path / "pop.tif", [[1400.0, 1600.0], [65535.0, 0.0]], dtype="float64")
    (problem,) = [
        one for one in read_cells(source(path)).problems if one.code == "population.dense_cells"
    ]
    assert (problem.value, problem.severity) == ("2", "warning")
    assert "65535" in problem.text("en")
    path = write(tmp_path / "few.tif", [[1400.0, 0.0]], dtype="float64")
    assert read_cells(source(path)).problems == []
