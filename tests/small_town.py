"""A town of two townships whose every value is known on paper, to be run, explained and compared.

Streets are a lattice of 21 × 11 crossings 100 m apart. People stand at four crossings, care homes
at two others; at 3 km/h 15 minutes are 750 m.

======  ========  ======  =======  ============================================
where   crossing  people  elderly  metres to the nearest home
======  ========  ======  =======  ============================================
p0      1, 1      10      1        0 (Alder, West)
p1      3, 1      20      2        200 (Alder)
p2      12, 5     30      3        200 (Birch, East); before Birch 1,500
p3      20, 10    40      4        1,100 (Birch; 781 straight); before 2,800
======  ========  ======  =======  ============================================

Alder has 30 beds, 10 of them nursing beds, and opened in 2020; Birch 50 and 40, opened in 2022;
Cedar, in the West, closed in 2019.
"""

from __future__ import annotations

import json
from pathlib import Path

LON, LAT, STEP_LON, STEP_LAT = 119.6, 29.1, 0.001028, 0.000902

PLAN = """
[plan]
id = "town"
name_zh = "小镇规划"
name_en = "Town plan"
level = "county"
region_zh = "小镇"
region_en = "Town"
source_file = "plan.txt"
period = [2021, 2025]

[indicators.has_home]
name_zh = "乡镇有养老机构"
name_en = "Townships with a care home"
layer = "care_home"
kind = "presence_per_unit"
level = "township"
threshold = 1
unit = "%"
targets = [
    { year = 2022, value = 50, basis = "stated" },
    { year = 2025, value = 100, basis = "stated" },
]
source_lines = "1"

[[indicators.has_home.alternatives]]
name = "half"
targets = [{ year = 2025, value = 50, basis = "stated" }]
source_lines = "2"

[indicators.nursing_share]
name_zh = "护理型床位占比"
name_en = "Share of nursing beds"
layer = "care_home"
kind = "share"
level = "county"
numerator = "nursing_beds"
denominator = "beds"
per = 100
unit = "%"
targets = [{ year = 2025, value = 70, basis = "stated" }]
source_lines = "3"

[indicators.beds_per_1000]
name_zh = "每千名老年人床位数"
name_en = "Beds per 1,000 older persons"
layer = "care_home"
kind = "capacity_ratio"
level = "county"
numerator = "beds"
denominator = "elderly"
per = 1000
unit = "beds per 1000 elderly"
targets = [{ year = 2025, value = 50, basis = "stated" }]
source_lines = "4"

[indicators.within_1km]
name_zh = "1公里内有养老机构"
name_en = "A care home within 1 km"
layer = "care_home"
kind = "distance"
level = "county"
numerator = "elderly_reached"
denominator = "elderly"
threshold = 1000
threshold_unit = "m"
unit = "%"
distance = "network"
targets = [{ year = 2025, value = 100, basis = "stated" }]
source_lines = "5"

[indicators.within_15_min]
name_zh = "15分钟内有养老机构"
name_en = "A care home within 15 minutes"
layer = "care_home"
kind = "travel_time"
level = "county"
numerator = "elderly_reached"
denominator = "elderly"
threshold = 15
threshold_unit = "min"
unit = "%"
profile = "elderly"
targets = [{ year = 2025, value = 100, basis = "reading" }]
source_lines = "6"

[indicators.homes]
name_zh = "养老机构数"
name_en = "Number of care homes"
layer = "care_home"
kind = "count"
level = "county"
unit = "homes"
targets = [{ year = 2025, value = 3, basis = "stated" }]
source_lines = "7"
"""

LAYERS = """
[boundaries.county]
path = "county.geojson"
[boundaries.township]
path = "townships.geojson"
[roads]
path = "roads.geojson"
all_walkable = true
[population]
points = "people.csv"
datum = "wgs84"
basis = "resident"
date = 2025-01-01
[facilities.care_home]
path = "homes.csv"
datum = "wgs84"
profile = "elderly"
"""

PROJECT = """
[project]
name = "Town"
as_of = {as_of}
language = "en"
[plans.own]
path = "plan.toml"
area = "whole"
level = "county"
"""

HOMES = (
    ("H1", "Alder", 1, 1, 30, 10, "2020-01-01", ""),
    ("H2", "Birch", 14, 5, 50, 40, "2022-01-01", ""),
    ("H3", "Cedar", 2, 2, 20, 0, "2010-01-01", "2019-06-30"),
)


def at(column: float, row: float) -> list[float]:
    """Return longitude and latitude of a crossing."""
    return [LON + column * STEP_LON, LAT + row * STEP_LAT]


def features(folder: Path, name: str, *items: tuple[dict[str, str], str, object]) -> None:
    """Write features of (properties, type, coordinates) as a GeoJSON of a folder."""
    made = [
        {"type": "Feature", "properties": own, "geometry": {"type": kind, "coordinates": shape}}
        for own, kind, shape in items
    ]
    text = json.dumps({"type": "FeatureCollection", "features": made})
    (folder / name).write_text(text, encoding="utf-8")


def _box(west: float, south: float, east: float, north: float) -> list[list[list[float]]]:
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return [[at(*corner) for corner in corners]]


def lay_out(
    folder: Path,
    *,
    homes: tuple[tuple[object, ...], ...] = HOMES,
    as_of: str = "2025-12-31",
    shift: float = 0.0,
    name: str = "Town",
    township: str = "330101",
) -> Path:
    """Write the town and return its project file.

    Parameters
    ----------
    folder : pathlib.Path
    homes : tuple
        code, name, column and row of the crossing, beds, nursing beds, opened, closed.
    as_of : str
    shift : float
        Metres by which Birch stands farther east.
    name : str
        Of the project.
    township : str
        What the codes of the townships begin with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    features(
        folder,
        "county.geojson",
        ({"code": township, "name": "A county"}, "Polygon", _box(-1, -1, 21, 11)),
    )
    features(
        folder,
        "townships.geojson",
        ({"code": f"{township}001", "name": "West"}, "Polygon", _box(-1, -1, 10, 11)),
        ({"code": f"{township}002", "name": "East"}, "Polygon", _box(10, -1, 21, 11)),
    )
    streets = [({}, "LineString", [at(c, r) for c in range(21)]) for r in range(11)]
    streets += [({}, "LineString", [at(c, r) for r in range(11)]) for c in range(21)]
    features(folder, "roads.geojson", *streets)
    rows = ["id,lon,lat,population,elderly"]
    for number, (column, row) in enumerate([(1, 1), (3, 1), (12, 5), (20, 10)]):
        lon, lat = at(column, row)
        rows.append(f"p{number},{lon},{lat},{10 * (number + 1)},{number + 1}")
    (folder / "people.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    lines = ["机构编码,name,lon,lat,床位数,护理型床位数,opened,closed"]
    for code, title, column, row, beds, nursing, opened, closed in homes:
        lon, lat = at(float(str(column)), float(str(row)))
        lon += shift / 100.0 * STEP_LON if title == "Birch" else 0.0
        lines.append(f"{code},{title},{lon},{lat},{beds},{nursing},{opened},{closed}")
    (folder / "homes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    project = PROJECT.format(as_of=as_of).replace('"Town"', f'"{name}"') + LAYERS
    (folder / "town.toml").write_text(project, encoding="utf-8")
    return folder / "town.toml"
