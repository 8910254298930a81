"""A county of two townships and five villages, made by hand, and evidence about it."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from servicecircle.standards.evidence import Evidence
from servicecircle.standards.plan import Indicator, Plan, Target

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


class Make:
    units = staticmethod(make_units)
    facilities = staticmethod(make_facilities)
    demand = staticmethod(make_demand)
    access = staticmethod(make_access)
    indicator = staticmethod(make_indicator)
    plan = staticmethod(make_plan)
    evidence = staticmethod(make_evidence)


@pytest.fixture
def make():
    return Make
