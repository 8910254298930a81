"""Official figures of a table: joined by code or name, every row that is not is a record."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from servicecircle.errors import InputError
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
