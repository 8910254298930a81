"""Tables of figures: wide or long, joined to units or the whole area, the latest by the date."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from servicecircle.errors import InputError, ProjectError
from servicecircle.inputs.changes import NO_CHANGES, Change, UnitName, change_table
from servicecircle.inputs.statistics import (
    STATISTIC_COLUMNS,
    Area,
    no_statistics,
    read_statistics,
    statistics_of_units,
)
from servicecircle.project import StatisticsSettings, load_project
from servicecircle.standards.registry import load_registry

DAY = dt.date(2025, 12, 31)
FIGURES = load_registry().asked().figures


def units():
    rows = [
        ("county:1", "330881", "甲县", "county", ""),
        ("township:11", "330881001", "东镇", "township", "county:1"),
        ("township:12", "330881002", "西镇", "township", "county:1"),
        ("village_level:111", "", "大桥村", "village_level", "township:11"),
        ("village_level:121", "", "大桥村", "village_level", "township:12"),
    ]
    return pd.DataFrame(rows, columns=["unit_id", "code", "name", "level", "parent_id"])


def read(tmp_path, text, *, changes=NO_CHANGES, **options):
    (tmp_path / "figures.csv").write_text(text, encoding="utf-8")
    data = read_statistics(
        StatisticsSettings(path=Path("figures.csv"), **options),
        base=tmp_path,
        units=units(),
        as_of=DAY,
        figures=FIGURES,
        area=Area(name="示例市", level="prefecture"),
        changes=changes,
    )
    assert data.rows_in == data.frame["source_row"].nunique() + data.rows_set_aside
    assert tuple(data.frame.columns) == STATISTIC_COLUMNS
    assert data.frame.dtypes.to_dict() == no_statistics().dtypes.to_dict()
    return data


def values(data):
    return data.frame[["unit_id", "level", "name", "value"]].to_numpy().tolist()


def faults(data):
    return [(one.code.partition(".")[2], one.row) for one in data.problems]


def test_names_and_values_in_rows(tmp_path):
    data = read(
        tmp_path,
        "乡镇,代码,指标,数值,日期\n"
        "东镇,,居家患者,120人,2025-06\n"
        "随便,330881002,接受服务的患者,60,2025-06\n"
        "全市,,年均安葬需求,1.2万,2024年\n",
    )
    assert values(data) == [
        ["township:11", "township", "patients", 120.0],
        ["township:12", "township", "patients_served", 60.0],
        ["area", "prefecture", "burial_need_per_year", 12000.0],
    ]
    assert data.frame["date"].dt.year.tolist() == [2025, 2025, 2024]
    assert faults(data) == []


def test_a_column_for_each_figure(tmp_path):
    data = read(
        tmp_path,
        "村,乡镇,2024年居家患者（人）,接受服务的患者,备注\n大桥村,西镇,12,6,\n大桥村,东镇,20,,甲\n",
    )
    assert values(data) == [
        ["village_level:121", "village_level", "patients", 12.0],
        ["village_level:121", "village_level", "patients_served", 6.0],
        ["village_level:111", "village_level", "patients", 20.0],
    ]
    assert faults(data) == [("unread", None)]
    assert data.problems[0].value == "备注"


@pytest.mark.parametrize("word", ["全市", "示例市", "area", "全域"])
def test_words_for_the_whole_area(tmp_path, word):
    data = read(tmp_path, f"单元,指标,数值\n{word},居家患者,5\n")
    assert values(data) == [["area", "prefecture", "patients", 5.0]]


def test_a_table_without_units_is_one_of_the_whole_area(tmp_path):
    data = read(tmp_path, "年份,指标,数值,日期\n2024,居家患者,5,2024\n2025,居家患者,7,2025\n")
    assert values(data) == [["area", "prefecture", "patients", 7.0]]
    assert ("superseded", 2) in faults(data)


def test_columns_named_by_the_project(tmp_path):
    text = "单元,甲,乙\n东镇,3,4\n"
    data = read(tmp_path, text, names={"patients": "甲", "own figure": "乙"})
    assert values(data) == [
        ["township:11", "township", "patients", 3.0],
        ["township:11", "township", "own figure", 4.0],
    ]
    assert faults(data) == [("own_name", 2)]
    data = read(
        tmp_path, "单元,何,多少\n东镇,patients,3\n", columns={"name": "何", "value": "多少"}
    )
    assert values(data) == [["township:11", "township", "patients", 3.0]]


def test_the_latest_by_the_date_counts_and_nothing_is_added_up(tmp_path):
    data = read(
        tmp_path,
        "单元,指标,数值,日期\n"
        "东镇,居家患者,1,2023\n东镇,居家患者,2,2025\n东镇,居家患者,3,2026-01-01\n"
        "东镇,居家患者,4,\n西镇,居家患者,5,2024\n西镇,居家患者,6,2024\n",
    )
    assert values(data) == [
        ["township:11", "township", "patients", 2.0],
        ["township:12", "township", "patients", 6.0],
    ]
    assert sorted(faults(data)) == [
        ("later", 4),
        ("superseded", 2),
        ("superseded", 5),
        ("twice", 6),
    ]


@pytest.mark.parametrize("titles", ["单元,指标", "指标"])
def test_a_table_that_begins_after_the_date_of_judgement_is_empty_not_broken(tmp_path, titles):
    row = "居家患者,1,2026-01-01" if titles == "指标" else "东镇,居家患者,1,2026-01-01"
    data = read(tmp_path, f"{titles},数值,日期\n{row}\n")
    assert data.frame.empty
    assert faults(data) == [("later", 2)]


def test_bad_rows_are_set_aside_and_told(tmp_path):
    data = read(
        tmp_path,
        "单元,指标,数值,日期\n"
        "东镇,居家患者,10,2025\n"
        "南镇,居家患者,1,2025\n"
        ",居家患者,1,2025\n"
        "东镇,,1,2025\n"
        "西镇,居家患者,若干,2025\n"
        "西镇,居家患者,-1,2025\n"
        "大桥村,居家患者,1,2025\n"
        "西镇,接受服务的患者,8,去年\n",
    )
    assert values(data) == [
        ["township:11", "township", "patients", 10.0],
        ["township:12", "township", "patients_served", 8.0],
    ]
    assert sorted(faults(data), key=lambda item: item[1]) == [
        ("unknown_unit", 3),
        ("no_place", 4),
        ("no_name", 5),
        ("bad_value", 6),
        ("bad_value", 7),
        ("unknown_unit", 8),
        ("bad_date", 9),
    ]
    for problem in data.problems:
        for language in ("zh", "en"):
            assert "{" not in problem.text(language)


def changed(*pairs):
    return change_table(
        Change(
            level="township",
            before=UnitName("", old),
            after=UnitName("", new),
            kind="merge",
            date=dt.date(2021, 4, 9),
        )
        for old, new in pairs
    )


def test_figures_of_units_that_became_one_stand_beside_each_other(tmp_path):
    text = "乡镇,指标,数值,日期\n南乡,居家患者,5,2020\n北乡,居家患者,3,2019\n"
    data = read(tmp_path, text, changes=changed(("南乡", "东镇"), ("北乡", "东镇")))
    assert data.frame["value"].tolist() == [5.0, 3.0]
    found = statistics_of_units(data.frame, "patients", level="township")
    assert found.to_dict() == {"township:11": 8.0}


def test_a_figure_of_a_unit_that_was_split_is_set_aside(tmp_path):
    text = "乡镇,指标,数值,日期\n旧镇,居家患者,5,2020\n东镇,居家患者,3,2022\n"
    data = read(tmp_path, text, changes=changed(("旧镇", "东镇"), ("旧镇", "西镇")))
    assert values(data) == [["township:11", "township", "patients", 3.0]]
    assert ("split_unit", 2) in faults(data)


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("单元,数值\n东镇,1\n", {}, "statistics.no_column"),
        ("单元,甲\n东镇,1\n", {}, "statistics.no_column"),
        ("单元,甲\n东镇,1\n", {"names": {"patients": "乙"}}, "statistics.no_column"),
        ("单元,甲\n东镇,1\n", {"columns": {"values": "甲"}}, "statistics.unknown_key"),
        ("单元,指标,数值\n南镇,居家患者,1\n", {}, "statistics.empty"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path, text, options, code):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text, **options)
    problem = caught.value.problems[0]
    assert (problem.code, problem.severity, problem.file) == (code, "fatal", "figures.csv")
    assert "{" not in problem.text("zh") + problem.text("en")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        read_statistics(
            StatisticsSettings(path=Path("none.csv")),
            base=tmp_path, units=units(), as_of=DAY, figures=FIGURES,
        )  # fmt: skip
    assert caught.value.problems[0].code == "input.missing_file"


def test_the_project_file_gives_one_shape(tmp_path):
    (tmp_path / "p.toml").write_text(
        '[project]\nname = "a"\nas_of = 2025-12-31\n'
        '[statistics]\npath = "f.csv"\nnames = { patients = "甲" }\ncolumns = { value = "乙" }\n'
        '[facilities.canteen]\npath = "c.csv"\ndatum = "wgs84"\n'
        '[boundaries.township]\npath = "t.geojson"\n',
        "utf-8",
    )
    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path / "p.toml")
    assert [one.code for one in caught.value.problems] == ["project.statistics_shape"]


def test_figures_by_unit_of_one_level(tmp_path):
    data = read(tmp_path, "单元,指标,数值\n东镇,居家患者,3\n甲县,居家患者,9\n全市,居家患者,11\n")
    assert statistics_of_units(data.frame, "patients", level="township").to_dict() == {
        "township:11": 3.0
    }
    assert statistics_of_units(data.frame, "patients", level="prefecture").to_dict() == {
        "area": 11.0
    }
    assert statistics_of_units(data.frame, "nothing", level="township").empty


def test_a_table_that_begins_after_the_date_of_judgement_gives_nothing(tmp_path):
    data = read(tmp_path, "单元,指标,数值,日期\n东镇,居家患者,3,2026-05-01\n")
    assert data.frame.empty
    assert (data.rows_in, data.rows_set_aside) == (1, 1)
    assert faults(data) == [("later", 2)]
