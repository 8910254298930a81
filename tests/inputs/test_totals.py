"""Official figures of a table: joined by code or name, every row that is not is a record."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from servicecircle.errors import InputError
from servicecircle.inputs.carried_totals import Renewal
from servicecircle.inputs.changes import Change, UnitName, change_table
from servicecircle.inputs.totals import read_totals
from servicecircle.project import PopulationSettings

UNITS = gpd.GeoDataFrame(
    {
        "unit_id": ["t:1", "t:2", "t:3", "t:4", "c:1"],
        "code": ["330881100", "330881101000", "", "", "330881"],
        "name": ["凤林镇", "石门镇", "同名乡", "同名乡", "江山市"],
        "level": ["township"] * 4 + ["county"],
    },
    geometry=[shapely.box(at, 0, at + 1, 1) for at in range(5)],
    crs=4326,
)


def totals(folder: Path, *rows: str, **more):
    (folder / "t.csv").write_text("\n".join(rows) + "\n", encoding="gb18030")
    settings = PopulationSettings(
        raster=Path("a.tif"), kind="count", basis="resident", date=dt.date(2020, 11, 1),
        calibrate="township", totals=Path("t.csv"), **more,
    )  # fmt: skip
    return read_totals(settings, base=folder, units=UNITS)


def test_rows_join_by_code_then_by_name_and_the_rest_is_listed(tmp_path):
    table, problems = totals(
        tmp_path,
        "代码,名称,常住人口,60岁及以上人口",
        '330881100000,凤林,"30,500",7000',
        "330881101,石门镇,20000,",
        ",凤林镇,1,1",
        ",同名乡,5,1",
        "999999,无此镇,5,1",
        "330881,江山市,50500,9000",
    )
    assert table["unit_id"].tolist() == ["t:1", "t:2"]
    assert table["population"].tolist() == [30_500.0, 20_000.0]
    assert table["elderly"].fillna(-1).tolist() == [7000.0, -1.0]
    assert [(one.code.split(".")[1], one.row) for one in problems] == [
        ("total_no_unit", 5), ("total_no_unit", 6), ("total_no_unit", 7), ("total_repeated", 4),
    ]  # fmt: skip


def test_sums_of_columns_and_empty_figures(tmp_path):
    table, problems = totals(
        tmp_path,
        "名称,男,女,60+",
        "凤林镇,10,20,5",
        "石门镇,,7,",
        columns={"population": "男+女"},
    )
    assert table[["unit_id", "population", "elderly"]].values.tolist() == [["t:1", 30.0, 5.0]]
    assert [one.code for one in problems] == ["population.total_no_figure"]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (("名称,甲", "凤林镇,1"), "population.no_column"),
        (("名称,人口", "别处,1"), "population.no_totals"),
        (("甲,人口", "凤林镇,1"), "unit.no_name_column"),
    ],
)
def test_nothing_to_join(tmp_path, rows, code):
    with pytest.raises(InputError) as caught:
        totals(tmp_path, *rows)
    assert caught.value.problems[0].code == code
    assert caught.value.text("zh")


# --- figures of an earlier date ------------------------------------------------------------------

BEFORE, DAY, NOW = dt.date(2020, 11, 1), dt.date(2021, 4, 9), dt.date(2025, 12, 31)


def renewal(*changes: tuple[str, str], since=BEFORE, **more) -> Renewal:
    rows = [
        Change(
            level="township", before=UnitName("", old), after=UnitName("", new), kind="", date=DAY
        )
        for old, new in changes
    ]
    return Renewal(changes=change_table(rows), since=since, as_of=NOW, **more)


def renewed(folder: Path, what: Renewal, *rows: str):
    (folder / "t.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    settings = PopulationSettings(
        raster=Path("a.tif"), kind="count", basis="resident", date=BEFORE,
        calibrate="township", totals=Path("t.csv"),
    )  # fmt: skip
    table, problems = read_totals(settings, base=folder, units=UNITS, renewal=what)
    return table.set_index("unit_id"), [(one.code, one.row) for one in problems]


def test_units_that_became_one_are_added_up(tmp_path):
    table, problems = renewed(
        tmp_path, renewal(("老乡", "凤林镇"), ("旧乡", "凤林镇")),
        "名称,人口,60+", "老乡,10,3", "旧乡,20,4", "凤林镇,100,30", "石门镇,7,", "老乡,10,3",
    )  # fmt: skip
    assert table["population"].to_dict() == {"t:1": 130.0, "t:2": 7.0}
    assert table["elderly"].fillna(-1).to_dict() == {"t:1": 37.0, "t:2": -1.0}
    assert problems == [("population.total_repeated", 6)]


def test_a_split_unit_is_shared_by_the_people_of_the_raster(tmp_path):
    # The units are squares side by side; three quarters of the people live in the second.
    demand = pd.DataFrame(
        {"lon": [0.5, 1.5], "lat": 0.5, "population": [10.0, 30.0], "elderly": 1.0}
    )
    split = (("凤林镇", "凤林镇"), ("凤林镇", "石门镇"))
    rows = "名称,人口", "凤林镇,400"
    table, problems = renewed(tmp_path, renewal(*split, demand=demand), *rows)
    assert table["population"].to_dict() == {"t:1": 100.0, "t:2": 300.0}
    assert [code for code, _ in problems] == ["change.shared_by_units"]
    # Where the figure is of today's units the name stands for what it is today.
    table, _ = renewed(tmp_path, renewal(*split, since=None, demand=demand), *rows)
    assert table["population"].to_dict() == {"t:1": 400.0}


def test_a_part_that_took_others_in_needs_the_old_outline(tmp_path):
    # 石门镇 took in the east of 凤林镇, which reached to 1.5.
    old = gpd.GeoDataFrame(
        {"code": "", "name": ["凤林镇", "石门镇"]},
        geometry=[shapely.box(0, 0, 1.5, 1), shapely.box(1.5, 0, 2, 1)], crs=4326,
    )  # fmt: skip
    demand = pd.DataFrame(
        {"lon": [0.5, 1.2, 1.7], "lat": 0.5, "population": [10.0, 30.0, 5.0], "elderly": 1.0}
    )
    split = (("凤林镇", "凤林镇"), ("凤林镇", "石门镇"), ("石门镇", "石门镇"))
    rows = "名称,人口", "凤林镇,400", "石门镇,50"
    table, _ = renewed(tmp_path, renewal(*split, demand=demand, outlines={"township": old}), *rows)
    assert table["population"].to_dict() == {"t:1": 100.0, "t:2": 350.0}
    table, problems = renewed(tmp_path, renewal(*split, demand=demand), *rows)
    assert table["population"].isna().all()
    assert problems[0][0] == "change.share_mixed"


def test_figures_without_a_change_are_what_they_were(tmp_path):
    rows = "代码,名称,人口", "330881100000,凤林,30", ",同名乡,5", "999999,无此镇,5"
    plain, told = renewed(tmp_path, None, *rows)
    other, also = renewed(tmp_path, renewal(("某乡", "某镇")), *rows)
    assert plain.equals(other)
    assert told == also == [("population.total_no_unit", 3), ("population.total_no_unit", 4)]
