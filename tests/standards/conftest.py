"""A county of two townships and five villages, made by hand, and evidence about it."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from servicecircle.standards.evidence import Evidence
from servicecircle.standards.indicators import load_plan, packaged_plans
from servicecircle.standards.plan import Indicator, Plan, Target
from servicecircle.standards.registry import load_registry

DAY = dt.date(2025, 12, 31)
V = "village_level"


def make_units():
    rows = [
        ("county:1", "1", "甲县", "county", "", "", True, None),
        ("township:11", "11", "东镇", "township", "", "county:1", True, None),
        ("township:12", "12", "西街道", "township", "", "county:1", True, None),
        ("village_level:111", "111", "东村", V, "village", "township:11", True, None),
        ("village_level:112", "112", "大桥社区", V, "community", "township:11", True, None),
        ("village_level:121", "121", "城南社区", V, "community", "township:12", True, None),
        ("village_level:122", "122", "西村", V, "village", "township:12", True, None),
        ("village_level:129", "129", "农场", V, "", "township:12", False, None),
    ]  # fmt: skip
    columns = ["unit_id", "code", "name", "level", "type", "parent_id", "should_have", "is_urban"]
    units = pd.DataFrame(rows, columns=columns).set_index("unit_id")
    units["is_urban"] = units["is_urban"].astype("boolean")
    units["population"] = float("nan")
    return units


def make_facilities(*rows):
    """Rows are mappings with at least a village (code of the one it stands in, "" outside)."""
    parents = {"111": "11", "112": "11", "121": "12", "122": "12", "129": "12"}
    full = []
    for number, given in enumerate(rows):
        village = given.get("village", "111")
        full.append(
            {
                "facility_id": f"f{number}",
                "layer": "childrens_home",
                "status": "",
                "opened": pd.Timestamp("2019-01-01"),
                "closed": pd.NaT,
                "renovated": pd.NaT,
                "grade": "",
                "capacity": float("nan"),
                "nursing_beds": float("nan"),
                "dementia_beds": float("nan"),
                "floor_area_m2": float("nan"),
                "serves": "",
                "declared_unit": "",
                "declared_parent": "",
                "source_file": "list.csv",
                "source_sheet": "",
                "source_row": number + 2,
                "unit_village_level": f"village_level:{village}" if village else None,
                "unit_township": f"township:{parents[village]}" if village else None,
                "unit_county": "county:1" if village else None,
            }
            | {key: value for key, value in given.items() if key != "village"}
        )
    if not full:
        return make_facilities({}).iloc[:0]
    table = pd.DataFrame(full).set_index("facility_id")
    for column in ("opened", "closed", "renovated"):
        table[column] = pd.to_datetime(table[column])
    return table


def make_demand(*rows):
    """Rows are (village, population, elderly)."""
    parents = {"111": "11", "112": "11", "121": "12", "122": "12", "129": "12"}
    return pd.DataFrame(
        [
            {
                "demand_id": f"d{number}",
                "population": float(population),
                "elderly": float(elderly),
                "unit_county": "county:1" if village else None,
                "unit_township": f"township:{parents[village]}" if village else None,
                "unit_village_level": f"village_level:{village}" if village else None,
            }
            for number, (village, population, elderly) in enumerate(rows)
        ]
    ).set_index("demand_id")


def make_access(layer, profile, rows, *, speed_kmh=4.0):
    """Rows are (network metres or None, straight metres, status)."""
    return pd.DataFrame(
        [
            {
                "demand_id": f"d{number}",
                "layer": layer,
                "profile": profile,
                "criterion": "metres",
                "metres": float("nan") if metres is None else float(metres),
                "straight_metres": float(straight),
                "seconds": float("nan") if metres is None else metres / (speed_kmh / 3.6),
                "facility_id": "f0",
                "snap_m": 0.0,
                "status": status,
                "within_count": 0,
            }
            for number, (metres, straight, status) in enumerate(rows)
        ]
    )


def make_indicator(**given):
    return Indicator(
        **{
            "id": "rule",
            "name_zh": "规则",
            "name_en": "rule",
            "layer": "childrens_home",
            "kind": "presence_per_unit",
            "level": "village_level",
            "unit": "%",
            "threshold": 1.0,
            "targets": (Target(year=2025, value=100),),
        }
        | given
    )


def make_plan(*indicators, **given):
    return Plan(
        **{
            "id": "hand",
            "name_zh": "手工",
            "name_en": "hand-made",
            "level": "county",
            "region_zh": "甲县",
            "region_en": "A",
            "period": (2021, 2025),
            "indicators": indicators,
        }
        | given
    )


def make_evidence(**given):
    return Evidence(
        **{
            "as_of": DAY,
            "units": make_units(),
            "facilities": make_facilities(),
            "demand": pd.DataFrame(),
            "access": pd.DataFrame(),
            "layers": frozenset({"childrens_home"}),
        }
        | given
    )


def make_staff(*rows):
    """Rows are (unit or facility id, role, count); a facility's id has no colon."""
    return pd.DataFrame(
        [
            {
                "unit_id": one if ":" in one else "",
                "facility_id": "" if ":" in one else one,
                "level": one.split(":")[0] if ":" in one else "",
                "layer": "",
                "role": role,
                "count": float(count),
                "date": pd.NaT,
            }
            for one, role, count in rows
        ],
        columns=["unit_id", "facility_id", "level", "layer", "role", "count", "date"],
    )


def make_statistics(*rows):
    """Rows are (unit or "area", name, value) with, where given, a date."""
    return pd.DataFrame(
        [
            {
                "unit_id": row[0],
                "level": row[0].split(":")[0],
                "name": row[1],
                "value": float(row[2]),
                "date": pd.Timestamp(row[3]) if len(row) > 3 else pd.NaT,
            }
            for row in rows
        ],
        columns=["unit_id", "level", "name", "value", "date"],
    )


def make_everything(**given):
    """A county that has all that the 161 indicators ask for, but for levels above the county."""
    registry = load_registry()
    layers = frozenset(registry.layers)
    villages = ("111", "112", "121", "122")
    levels = [name for name, words in registry.levels.items() if not words.administrative]
    facilities = make_facilities(
        *(
            {
                "layer": layer,
                "village": village,
                "grade": "5A" if layer in _GRADED_5A else "3A" if "day" in layer else "示范三级",
                "capacity": 120.0,
                "nursing_beds": 60.0,
                "dementia_beds": 5.0,
                "floor_area_m2": 350.0,
                "opened": "2022-05-01",
                "renovated": "2022-06-01",
                "operator": "social",
                "rehab_room": True,
                "in_operation": True,
                "smoke_free": True,
                "cremation": True,
                "remaining_places": 5000.0,
            }
            for layer in sorted(layers)
            for village in villages
        )
    )
    units = make_units().assign(
        built=pd.array([2022] * 8, dtype="Int64"), households=500.0, floor_area_m2=9000.0
    )
    units = pd.concat([units, _drawn(levels)])
    demand = make_demand(*((village, 200_000, 50_000) for village in villages))
    for level in levels:
        for table in (facilities, demand):
            halves = table["unit_village_level"].isin(["village_level:111", "village_level:112"])
            table[f"unit_{level}"] = halves.map({True: f"{level}:0", False: f"{level}:1"})
    polygons = frozenset(name for name, words in registry.scopes.items() if words.polygon)
    for name in polygons:
        facilities[f"in_{name}"] = True
        demand[f"in_{name}"] = True
    points = [(500, 400, "reached")] * 4
    access = pd.concat(
        [
            make_access(layer, profile, points, speed_kmh=speed)
            for layer in (
                "care_home",
                "elderly_day_center",
                "canteen",
                "community_service_center",
                "meal_delivery_point",
            )
            for profile, speed in (("walk", 4.0), ("elderly", 3.0))
        ],
        ignore_index=True,
    )
    roles = [words.of for words in registry.quantities.values() if words.kind == "staff"]
    figures = [words.of for words in registry.quantities.values() if words.kind == "statistics"]
    plans = [load_plan(name) for name in packaged_plans()]
    return make_evidence(
        **{
            "units": units,
            "facilities": facilities,
            "demand": demand,
            "access": access,
            "layers": layers,
            "scopes": polygons,
            "has_roads": True,
            "basis": "registered",
            "age_from": 60,
            "staff": make_staff(
                *((f"village_level:{village}", role, 8) for village in villages for role in roles)
            ),
            "statistics": make_statistics(*(("area", name, 900) for name in figures)),
            "norms": {
                one.id: 20.0 for plan in plans for one in plan.indicators if one.norm is not None
            },
        }
        | given
    )


def _drawn(levels):
    rows = [
        {
            "unit_id": f"{level}:{number}",
            "code": f"{level}{number}",
            "name": f"{level} {number}",
            "level": level,
            "type": "",
            "parent_id": "",
            "should_have": True,
            "is_urban": None,
            "population": float("nan"),
            # Of two estates one was there before the plan.
            "built": 2022 - 10 * number,
            "households": 900.0,
            "floor_area_m2": 90_000.0,
        }
        for level in levels
        for number in range(2)
    ]
    table = pd.DataFrame(rows).set_index("unit_id")
    return table.astype({"is_urban": "boolean", "built": "Int64"})


_GRADED_5A = {"marriage_office"}


class Make:
    units = staticmethod(make_units)
    facilities = staticmethod(make_facilities)
    demand = staticmethod(make_demand)
    access = staticmethod(make_access)
    indicator = staticmethod(make_indicator)
    plan = staticmethod(make_plan)
    evidence = staticmethod(make_evidence)
    staff = staticmethod(make_staff)
    statistics = staticmethod(make_statistics)
    everything = staticmethod(make_everything)


@pytest.fixture
def make():
    return Make
