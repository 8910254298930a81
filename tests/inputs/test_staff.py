"""The staff table: joined to units and facilities, the latest by the date, nothing added up."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from servicecircle.errors import InputError
from servicecircle.inputs.changes import NO_CHANGES, Change, UnitName, change_table
from servicecircle.inputs.staff import STAFF_COLUMNS, no_staff, read_staff, staff_of_units
from servicecircle.project import StaffSettings

DAY = dt.date(2025, 12, 31)


def units():
    rows = [
        ("county:1", "330881", "甲县", "county", ""),
        ("township:11", "330881001", "东镇", "township", "county:1"),
        ("township:12", "330881002", "西镇", "township", "county:1"),
        ("village_level:111", "", "大桥村", "village_level", "township:11"),
        ("village_level:121", "", "大桥村", "village_level", "township:12"),
    ]
    return pd.DataFrame(rows, columns=["unit_id", "code", "name", "level", "parent_id"])


def sites(layer, *names):
    return pd.DataFrame(
        {
            "facility_id": [f"{layer}:{number}" for number, _ in enumerate(names)],
            "code": [f"{layer}-{number}" for number, _ in enumerate(names)],
            "name": list(names),
        }
    )


FACILITIES = {
    "care_home": sites("care_home", "甲敬老院", "乙敬老院", "中心"),
    "canteen": sites("canteen", "中心"),
}


def read(tmp_path, text, *, changes=NO_CHANGES, **options):
    (tmp_path / "staff.csv").write_text(text, encoding="utf-8")
    data = read_staff(
        StaffSettings(path=Path("staff.csv"), **options),
        base=tmp_path,
        units=units(),
        facilities=FACILITIES,
        as_of=DAY,
        changes=changes,
    )
    assert data.rows_in == len(data.frame) + data.rows_set_aside
    assert tuple(data.frame.columns) == STAFF_COLUMNS
    assert data.frame.dtypes.to_dict() == no_staff().dtypes.to_dict()
    return data


def told(data):
    return [(one.code, one.row, one.action) for one in data.problems]


def test_rows_of_units_and_of_facilities(tmp_path):
    data = read(
        tmp_path,
        "乡镇(街道),机构名称,岗位,人数,日期\n"
        "东镇,,社工,12人,2024-12-31\n"
        ",甲敬老院,持证养老护理员,８,2024年\n"
        "330881002,,专职社区工作者,0,\n",
    )
    rows = data.frame[["unit_id", "facility_id", "level", "layer", "role", "count"]]
    assert rows.values.tolist() == [
        ["township:11", "", "township", "", "social_workers", 12.0],
        ["", "care_home:0", "", "care_home", "certified_caregivers", 8.0],
        ["township:12", "", "township", "", "community_workers", 0.0],
    ]
    assert [str(day)[:10] for day in data.frame["date"]] == ["2024-12-31", "2024-01-01", "NaT"]
    assert data.frame["source_row"].tolist() == [2, 3, 4]
    assert data.problems == ()


def test_english_titles_and_a_code_of_a_facility(tmp_path):
    text = "facility code,role,count,date\ncare_home-1,social workers,3,2025-01-01\n"
    assert read(tmp_path, text).frame["facility_id"].tolist() == ["care_home:1"]


def test_every_row_that_joins_nothing_is_recorded(tmp_path):
    data = read(
        tmp_path,
        "村,乡镇,机构名称,岗位,人数\n"
        "大桥村,东镇,,社工,1\n"
        "大桥村,南镇,,社工,2\n"
        "大桥村,,,社工,3\n"
        ",,没有院,社工,4\n"
        ",,,社工,5\n"
        "大桥村,西镇,,,6\n"
        "大桥村,西镇,,社工,约7\n"
        "大桥村,西镇,,社工,-8\n",
    )
    assert data.frame[["unit_id", "count"]].values.tolist() == [["village_level:111", 1.0]]
    assert told(data) == [
        ("staffing.unknown_unit", 3, "set_aside"),
        ("staffing.unknown_unit", 4, "set_aside"),
        ("staffing.unknown_facility", 5, "set_aside"),
        ("staffing.no_place", 6, "set_aside"),
        ("staffing.no_role", 7, "set_aside"),
        ("staffing.bad_count", 8, "set_aside"),
        ("staffing.bad_count", 9, "set_aside"),
    ]


def test_a_facility_that_is_unknown_is_not_taken_for_its_unit(tmp_path):
    text = "乡镇,机构名称,岗位,人数\n东镇,没有院,社工,4\n东镇,甲敬老院,社工,5\n"
    data = read(tmp_path, text)
    # The people of a home are the home's, not also the township's.
    assert data.frame[["unit_id", "facility_id", "count"]].values.tolist() == [
        ["", "care_home:0", 5.0]
    ]
    assert told(data) == [("staffing.unknown_facility", 2, "set_aside")]


def test_a_name_in_two_layers_needs_the_layer(tmp_path):
    text = "机构名称,图层,岗位,人数\n中心,canteen,社工,2\n中心,,社工,3\n"
    data = read(tmp_path, text)
    assert data.frame["facility_id"].tolist() == ["canteen:0"]
    assert told(data) == [("staffing.several_facilities", 3, "set_aside")]


def test_the_latest_by_the_date_of_judgement(tmp_path):
    data = read(
        tmp_path,
        "乡镇,岗位,人数,日期\n"
        "东镇,社工,1,\n"
        "东镇,社工,5,2025-12-31\n"
        "东镇,社工,3,2023-01-01\n"
        "东镇,社工,9,2026-01-01\n"
        "西镇,社工,4,\n",
    )
    assert data.frame[["unit_id", "count"]].values.tolist() == [
        ["township:11", 5.0],
        ["township:12", 4.0],
    ]
    assert told(data) == [
        ("staffing.superseded", 2, "set_aside"),
        ("staffing.superseded", 4, "set_aside"),
        ("staffing.later", 5, "set_aside"),
    ]


def test_a_table_that_begins_after_the_date_of_judgement_is_empty_not_broken(tmp_path):
    data = read(tmp_path, "乡镇,岗位,人数,日期\n东镇,社工,9,2026-01-01\n西镇,社工,4,2027\n")
    assert data.frame.empty
    assert [code for code, _, _ in told(data)] == ["staffing.later", "staffing.later"]


def test_two_of_one_date_are_not_added_up(tmp_path):
    text = "乡镇,岗位,人数,日期\n东镇,社工,5,2025-01-01\n东镇,社工,6,2025-01-01\n"
    data = read(tmp_path, text)
    assert data.frame["count"].tolist() == [6.0]
    assert told(data) == [("staffing.twice", 2, "set_aside")]
    assert "row 3 is used" in data.problems[0].text("en")


def test_a_column_for_each_role(tmp_path):
    data = read(
        tmp_path,
        "乡镇,社工数,持证护理员数,统计日期\n东镇,5,,2024-06-30\n西镇,2,x,2024-06-30\n",
        roles={"social_workers": "社工数", "certified_caregivers": "持证护理员数"},
    )
    # Three cells are filled; one of them is no number.
    # Rows of the table, each with two numbers.
    assert (data.rows_in, data.rows_set_aside) == (2, 0)
    assert data.frame[["unit_id", "role", "count"]].values.tolist() == [
        ["township:11", "social_workers", 5.0],
        ["township:12", "social_workers", 2.0],
    ]
    assert [(one.code, one.column) for one in data.problems] == [
        ("staffing.bad_count", "持证护理员数")
    ]


def test_roles_of_ones_own_are_kept_and_said_once(tmp_path):
    data = read(tmp_path, "乡镇,岗位,人数\n东镇,保洁员,5\n西镇,保洁员,2\n")
    assert data.frame["role"].tolist() == ["保洁员", "保洁员"]
    assert told(data) == [("staffing.own_role", 2, "flagged")]


def test_totals_of_the_table_are_no_unit(tmp_path):
    data = read(tmp_path, "乡镇,岗位,人数\n东镇,社工,5\n西镇,社工,2\n合计,,7\n")
    assert data.frame["count"].sum() == 7
    assert (data.rows_in, data.rows_set_aside) == (3, 1)


def test_levels_are_never_summed_over(tmp_path):
    data = read(
        tmp_path,
        "所属单元,机构名称,岗位,人数\n"
        "甲县,,社工,100\n东镇,,社工,60\n西镇,,社工,40\n,甲敬老院,社工,7\n",
    )
    found = staff_of_units(data.frame, "social_workers", level="township")
    assert found.to_dict() == {"township:11": 60.0, "township:12": 40.0}
    assert staff_of_units(data.frame, "social_workers", level="county").tolist() == [100.0]
    assert staff_of_units(data.frame, "certified_caregivers", level="county").empty


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("乡镇,数字\n东镇,5\n", {}, "staffing.no_column"),
        ("岗位,人数\n社工,5\n", {}, "staffing.no_column"),
        ("乡镇,岗位,人数\n东镇,社工,5\n", {"columns": {"rolle": "岗位"}}, "staffing.unknown_key"),
        ("乡镇,岗位,人数\n东镇,社工,5\n", {"columns": {"role": "职"}}, "staffing.no_column"),
        ("乡镇,岗位\n东镇,社工\n", {"roles": {"social_workers": "社"}}, "staffing.no_column"),
        ("乡镇,岗位,人数\n北镇,社工,5\n", {}, "staffing.empty"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path, text, options, code):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text, **options)
    assert caught.value.problems[0].code == code
    assert caught.value.problems[0].severity == "fatal"


def test_a_missing_table(tmp_path):
    with pytest.raises(InputError, match="file not found"):
        read_staff(
            StaffSettings(path=Path("none.csv")),
            base=tmp_path,
            units=units(),
            facilities={},
            as_of=DAY,
        )


# --- units that changed --------------------------------------------------------------------------

REFORM = dt.date(2021, 4, 9)


def merged(*pairs, day=REFORM):
    return change_table(
        Change(
            level="township",
            before=UnitName("", old),
            after=UnitName("", new),
            kind="merge",
            date=day,
        )
        for old, new in pairs
    )


MERGER = merged(("南乡", "东镇"), ("北乡", "东镇"))


def test_numbers_of_units_that_became_one_are_added(tmp_path):
    text = "乡镇,岗位,人数,日期\n南乡,社工,5,2020\n北乡,社工,3,2019\n东镇,社工,2,2020\n"
    data = read(tmp_path, text, changes=MERGER)
    assert data.frame[["unit_id", "count", "source_row"]].values.tolist() == [
        ["township:11", 5.0, 2], ["township:11", 3.0, 3], ["township:11", 2.0, 4],
    ]  # fmt: skip
    added = staff_of_units(data.frame, "social_workers", level="township")
    assert added.to_dict() == {"township:11": 10.0}
    assert [code for code, *_ in told(data)] == ["change.reference"] * 2
    # Without the table of changes they are units that nobody knows.
    unknown = read(tmp_path, text)
    assert [code for code, *_ in told(unknown)] == ["staffing.unknown_unit"] * 2


def test_a_number_of_after_the_change_holds_those_of_before(tmp_path):
    text = "乡镇,岗位,人数,日期\n南乡,社工,5,2020\n北乡,社工,3,2019\n东镇,社工,9,2022\n"
    data = read(tmp_path, text, changes=MERGER)
    assert data.frame["count"].tolist() == [9.0]
    assert [one for one in told(data) if one[0] == "staffing.superseded"] == [
        ("staffing.superseded", 2, "set_aside"), ("staffing.superseded", 3, "set_aside"),
    ]  # fmt: skip


def test_rows_without_a_date_go_by_the_date_of_the_units(tmp_path):
    text = "乡镇,岗位,人数\n南乡,社工,5\n东镇,社工,2\n"
    today = read(tmp_path, text, changes=MERGER)
    assert today.frame["count"].tolist() == [2.0]
    earlier = read(tmp_path, text, changes=MERGER, units_date=dt.date(2020, 12, 31))
    assert earlier.frame["count"].tolist() == [5.0, 2.0]


def test_a_unit_called_by_its_old_name_after_the_change_is_found(tmp_path):
    data = read(tmp_path, "乡镇,岗位,人数,日期\n南乡,社工,5,2023\n", changes=MERGER)
    assert data.frame["unit_id"].tolist() == ["township:11"]


def test_the_number_of_a_split_unit_is_set_aside(tmp_path):
    split = merged(("东镇", "东镇"), ("东镇", "西镇"))
    data = read(
        tmp_path, "乡镇,岗位,人数,日期\n东镇,社工,5,2020\n西镇,社工,1,2022\n", changes=split
    )
    assert data.frame["count"].tolist() == [1.0]
    assert told(data) == [("staffing.split_unit", 2, "set_aside")]
    assert "东镇, 西镇" in data.problems[0].text("zh")


def test_people_of_facilities_stay_theirs(tmp_path):
    data = read(tmp_path, "乡镇,机构名称,岗位,人数\n南乡,甲敬老院,社工,5\n", changes=MERGER)
    assert data.frame["facility_id"].tolist() == ["care_home:0"]
    assert data.problems == ()
