"""The workbook, read back by openpyxl and calamine and by the XML inside."""

from __future__ import annotations

import datetime as dt
import os
import re
import time
import zipfile
from dataclasses import replace
from itertools import combinations

import numpy as np
import openpyxl
import pandas as pd
import pytest
import python_calamine

from servicecircle.errors import OutputError
from servicecircle.outputs import workbook, workbook_sheets
from servicecircle.outputs.palettes import VERDICT_FILLS
from servicecircle.outputs.tables import write_tables
from servicecircle.outputs.workbook import with_cuts_told, write_workbook
from servicecircle.problems import Problem

ZH = ["评分表", "单元", "设施", "问题", "方法与来源"]
EN = ["Scorecard", "Units", "Facilities", "Problems", "Method"]
HOSTILE = [
    "=1+1",
    "+cmd|'/c calc'!A0",
    "@SUM(A1)",
    "<r><t>x</t></r>",
    "<r>&</r>",
    "_x0041_",
    "http://example.com/",
    "external:c:\\x.xlsx",
    "{=1}",
    "# no",
    '"; </t></is>',
    "\u202e右到左",
    "1234",
    "a\tb\nc",
    "长" * 10_000,
]
PLAN = b'[plan]\nid = "quzhou"\nname_zh = "\xe8\xa1\xa2\xe5\xb7\x9e\xe8\xa7\x84\xe5\x88\x92"\n'


@pytest.fixture
def write(make_results, tmp_path):
    """Return a function that writes the workbook of results and opens it."""

    def written(**changes):
        results = make_results(**changes)
        path = tmp_path / "scorecard.xlsx"
        write_workbook(results, path)
        return results, openpyxl.load_workbook(path), path

    return written


def table(page):
    """Return the rows below the titles, by title."""
    rows = list(page.iter_rows(min_row=3, values_only=True))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


@pytest.mark.parametrize(("language", "titles"), [("zh", ZH), ("en", EN)])
def test_sheets_stay_on_top_and_have_filters(write, language, titles):
    results, book, _ = write(language=language)
    assert book.sheetnames == titles
    for page in book.worksheets[:3]:
        assert page.freeze_panes.endswith("4")
        assert re.fullmatch(rf"A3:[A-Z]+{page.max_row}", page.auto_filter.ref)
        assert results.name in page["A1"].value
        assert "2025-12-31" in page["A1"].value


def test_scorecard_shows_shares_words_and_signs(write):
    results, book, _ = write(
        plan_files={"plan_1.toml": PLAN},
        record={"plans": [{"id": "quzhou", "file": "plan_1.toml"}]},
    )
    rows = table(book["评分表"])
    card = results.scorecard
    assert [row["指标"] for row in rows] == card["name_zh"].tolist()
    assert {row["规划"] for row in rows} == {"衢州规划"}
    assert [row["结论"] for row in rows] == ["✘ 未达标", "? 未定", "✔ 达标", "– 无数据"]
    for row, value, target in zip(rows, card["value"], card["target"], strict=True):
        assert row["现状值"] == (None if np.isnan(value) else pytest.approx(value / 100))
        assert row["目标值"] == pytest.approx(target / 100)
    assert book["评分表"]["F4"].number_format == "0.0#%"
    (colours,) = book["评分表"].conditional_formatting
    assert str(colours.sqref) == "E4:E7"
    shown = {rule.formula[0].strip('"'): rule.dxf.fill.bgColor.rgb[2:] for rule in colours.rules}
    assert shown["✔ 达标"] == VERDICT_FILLS["met"][0].lstrip("#")
    assert len(shown) == len(VERDICT_FILLS)


def test_values_that_are_no_shares_keep_their_unit(write, make_results):
    card = (
        make_results()
        .scorecard.iloc[:2]
        .assign(
            unit=["beds per 1000 elderly", "% of communities compliant"],
            unit_zh="",
            value=[1234.5, 50.0],
        )
    )
    _, book, _ = write(scorecard=card)
    first, second = table(book["评分表"])
    assert (first["现状值"], first["单位"]) == (1234.5, "张/千名老年人")
    assert second["现状值"] == 0.5


def test_headline_rows_come_first_in_each_plan(write, make_results):
    card = make_results().scorecard.assign(
        plan=["b", "a", "b", "a"], headline=[False, False, True, True]
    )
    _, book, _ = write(scorecard=card)
    page = book["评分表"]
    names = card["name_zh"].tolist()
    assert [row["指标"] for row in table(page)] == [names[at] for at in (2, 0, 3, 1)]
    assert [row["当前目标"] for row in table(page)] == ["★", None, "★", None]
    grey = [page.cell(row, 2).font.color for row in range(4, 8)]
    assert [colour is not None and colour.rgb == "FF7A828C" for colour in grey] == [
        False, True, False, True,
    ]  # fmt: skip


def test_units_have_the_numbers_of_the_csv(write, make_results, tmp_path):
    rows = make_results().unit_coverage
    rates = rows["covered_elderly"] / rows["elderly"]
    results, book, _ = write(unit_coverage=rows.assign(elderly_coverage=rates))
    write_tables(results, tmp_path)
    csv = pd.read_csv(tmp_path / "units.csv")
    rows = table(book["单元"])
    assert len(rows) == len(csv)
    titles = {
        "facilities": "设施数",
        "covered_elderly": "覆盖老年人",
        "elderly_coverage": "老年人覆盖率",
    }
    for name, title in titles.items():
        shown = np.array([np.nan if row[title] is None else row[title] for row in rows], float)
        assert shown == pytest.approx(csv[name].to_numpy(float), rel=1e-9, nan_ok=True)
    assert {row["规则"] for row in rows} <= {"5 分钟", "10 分钟", "15 分钟", "路网 1000 米",
        "直线 1000 米", "有无设施"}  # fmt: skip
    assert {row["设施类型"] for row in rows} == {"养老机构", "日间照料中心"}


def test_infinite_minutes_are_a_sign_and_unknown_ones_are_empty(write, make_results):
    rows = make_results().unit_coverage.iloc[:3].assign(p90_minutes=[np.inf, np.nan, 7.25])
    _, book, _ = write(unit_coverage=rows)
    assert [row["九成人所需时间（分钟）"] for row in table(book["单元"])] == ["∞", None, 7.25]


def test_facilities_name_their_units_and_leave_out_empty_columns(write, make_results):
    sites = make_results().facilities
    township = make_results().units.query("level == 'township'").iloc[0]
    sites = sites.assign(
        unit_township=township["unit_id"],
        grade="",
        opened=pd.to_datetime(["2020-05-01", *[None] * (len(sites) - 1)]),
    )
    _, book, _ = write(facilities=sites)
    rows = table(book["设施"])
    assert {row["所属乡级"] for row in rows} == {township["name"]}
    assert "等级" not in rows[0]
    assert rows[0]["开业日期"] == dt.datetime(2020, 5, 1)
    assert rows[1]["开业日期"] is None
    assert rows[0]["经度（WGS 84）"] == pytest.approx(sites.geometry.iloc[0].x)
    assert [row["状态"] for row in rows[:4]] == ["运营", "规划", "关闭", None]


def unescaped(text):
    """Return a text as Excel shows it: openpyxl leaves the escapes of OOXML as they are."""
    return text.replace("_x005F_", "_")


def test_hostile_text_is_text(write, make_results):
    sites = (
        make_results().facilities.iloc[: len(HOSTILE)].assign(name=HOSTILE, address=HOSTILE[::-1])
    )
    problems = tuple(
        Problem(code="input.missing_file", severity="note", file=text, value=text, row=3)
        for text in HOSTILE
    )
    _, book, path = write(name=HOSTILE[3], facilities=sites, problems=problems)
    # XlsxWriter takes <r>…</r> for its own markup: a space behind it makes it text.
    shown = [unescaped(row["名称"]).rstrip(" ") for row in table(book["设施"])]
    assert shown == HOSTILE
    assert [unescaped(row["文件"]).rstrip(" ") for row in table(book["问题"])] == HOSTILE
    assert book["设施"]["A1"].value.startswith(HOSTILE[3])
    read = python_calamine.load_workbook(path).get_sheet_by_name("设施").to_python()
    assert [unescaped(row[1]).rstrip(" ") for row in read[3:]] == HOSTILE
    quoted = [page.quotePrefix for page in next(book["设施"].iter_cols(2, 2, min_row=4))]
    assert [bool(mark) for mark in quoted] == [text[0] in "=+-@" for text in HOSTILE]
    with zipfile.ZipFile(path) as members:
        for name in members.namelist():
            inside = members.read(name)
            # Conditions of colours have an element "formula"; cells have none.
            assert b"<f>" not in inside, name
            assert b"<hyperlink" not in inside, name


@pytest.mark.parametrize("text", ["a\x00b\x1f", "\ud800", "\ufffe", "x" * 40_000])
def test_text_that_no_cell_can_hold_is_mended(write, make_results, text):
    names = pd.Series([text, "b"], dtype=object)
    sites = make_results().facilities.iloc[:2].assign(name=names)
    _, book, _ = write(facilities=sites)
    shown = table(book["设施"])[0]["名称"]
    assert len(shown) == min(len(text), 32_767)
    assert shown.endswith("…") or "\ufffd" in shown


def test_same_results_give_the_same_bytes_anywhere(make_results, tmp_path, monkeypatch):
    results = make_results()
    write_workbook(results, tmp_path / "a.xlsx")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    mask = os.umask(0o077)
    try:
        write_workbook(results, tmp_path / "b.xlsx")
    finally:
        os.umask(mask)
        monkeypatch.undo()
        time.tzset()
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.xlsx") as members:
        assert b"2025-12-31T00:00:00Z" in members.read("docProps/core.xml")
        assert {member.date_time[0] for member in members.infolist()} == {1980}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlsx", "b.xlsx"]


def test_rows_past_the_cap_are_cut_and_told(make_results, tmp_path, monkeypatch):
    assert workbook_sheets.MOST_ROWS == 2**20 - 4
    assert workbook.SHOWN_ROWS < workbook_sheets.MOST_ROWS
    monkeypatch.setattr(workbook, "SHOWN_ROWS", 5)
    made = make_results(language="en")
    rows = made.unit_coverage
    (level,) = made.units["level"].unique()[:1]
    made = replace(made, unit_coverage=rows.assign(level=level))
    results = with_cuts_told(made)
    units, sites = len(results.unit_coverage), len(results.facilities)
    told = [problem.text("en") for problem in results.problems]
    assert len(told) == 2
    assert f'"Units" has {units} rows, of which the workbook shows 5' in told[0]
    assert "units.csv has them all" in told[0]
    assert f'"Facilities" has {sites} rows' in told[1]
    write_workbook(results, tmp_path / "a.xlsx")
    page = openpyxl.load_workbook(tmp_path / "a.xlsx")["Units"]
    assert page.max_row == 3 + 5 + 1
    assert page["A9"].value == f"{units - 5:,} more rows: see units.csv"
    assert page.auto_filter.ref.endswith("8")


def test_too_many_units_leave_out_their_finest_level(make_results, tmp_path, monkeypatch):
    made = make_results(language="en")
    rows = made.unit_coverage.iloc[:7].assign(
        level=["village_level", "township", "village_level", "county", *["village_level"] * 3],
        facilities=range(7),
    )
    monkeypatch.setattr(workbook, "SHOWN_ROWS", 3)
    few = {"facilities": made.facilities[:2], "scorecard": made.scorecard[:2]}
    results = with_cuts_told(replace(made, unit_coverage=rows, **few))
    (told,) = [problem.text("en") for problem in results.problems]
    assert '"Units" has 7 rows, of which the workbook shows 2' in told
    write_workbook(results, tmp_path / "a.xlsx")
    page = openpyxl.load_workbook(tmp_path / "a.xlsx")["Units"]
    titles = [cell.value for cell in page[3]]
    shown = [page.cell(row, titles.index("Facilities") + 1).value for row in (4, 5)]
    assert shown == [1, 3]
    assert page["A6"].value == "5 more rows: see units.csv"


def test_tables_that_fit_are_left_as_they_are(make_results):
    results = make_results()
    assert with_cuts_told(results) is results


def test_results_without_anything_make_a_workbook_that_says_so(make_results, write):
    bare = make_results()
    _, book, _ = write(
        scorecard=bare.scorecard.iloc[:0],
        unit_coverage=bare.unit_coverage.iloc[:0],
        facilities=bare.facilities.iloc[:0],
        layers=(),
        record={},
    )
    assert "没有可评的指标" in book["评分表"]["A2"].value
    assert "没有发现问题" in book["问题"]["A2"].value
    assert table(book["单元"]) == []
    assert table(book["方法与来源"])[0]["项目"] == "研究"


def test_invented_data_is_said_on_every_sheet_of_data(write):
    _, book, _ = write(invented=True, language="en")
    for page in book.worksheets[:4]:
        assert page["A2"].value.startswith("invented data")


def test_method_tells_sources_people_and_versions(write):
    record = {
        "population": {"people_in_source": 1000.4, "people_in_units": 990.0, "basis": "resident",
            "age_from": 60, "date": "2020-11-01", "elderly_in_units": float("nan")},
        "crs": "EPSG:4549",
        "crs_scale_error_ppm": 44.2,
        "facilities": {"care_home": {"rows_in": 1234, "rows_used": 1200, "rows_set_aside": 30,
            "rows_filtered": 4, "open": 1100}},
        "project": {"facilities": {"care_home": {"path": "/somewhere/lists/养老机构.xlsx"}}},
        "network": {"nodes": 5000, "edges": 6000, "metres": 123456.0, "max_snap_m": 500.0},
        "environment": {"servicecircle": "0.1.0", "packages": {"numpy": "2.4.1"}},
        "inputs": {"a.csv": "0" * 64},
    }  # fmt: skip
    _, book, _ = write(record=record)
    said = {row["项目"]: (row["内容"], row["补充"]) for row in table(book["方法与来源"])}
    assert said["来源中的人口"][0] == "1,000"
    assert "单元内的老年人（分母）" not in said
    assert said["养老机构"][0].startswith("1,234 行：采用 1,200")
    assert said["养老机构"][1] == "养老机构.xlsx"
    assert said["路网"][0] == "5,000 个节点，6,000 条路段，123 千米"
    assert said["出行方式：老年人步行"][0] == "3 km/h"
    assert said["numpy"][0] == "2.4.1"
    assert said["a.csv"][0] == "0" * 64


def test_place_that_cannot_be_written_is_told(make_results, tmp_path):
    with pytest.raises(OutputError) as caught:
        write_workbook(make_results(), tmp_path / "missing" / "a.xlsx")
    assert caught.value.problems[0].code == "outputs.cannot_write"
    (tmp_path / "folder.xlsx").mkdir()
    with pytest.raises(OutputError):
        write_workbook(make_results(), tmp_path / "folder.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.xlsx"]


# Machado, Oliveira and Fernandes (2009): how colours look without one kind of cone, linear RGB.
SEEN = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def lab(colour, seen):
    """Return CIELAB of a colour as a colour-blind person sees it."""
    code = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(SEEN[seen]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505]]) @ linear / [0.9505, 1.0, 1.089]  # fmt: skip
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("seen", sorted(SEEN))
def test_verdicts_are_told_apart_by_colour_blind_readers(seen):
    grounds = [VERDICT_FILLS[name][0] for name in ("met", "not_met", "undecided", "no_data")]
    for one, other in combinations(grounds, 2):
        assert np.linalg.norm(lab(one, seen) - lab(other, seen)) > 10, (one, other)


def test_columns_are_wide_enough_for_chinese(write, make_results):
    sites = make_results().facilities.iloc[:1].assign(name="示例县城关镇第一养老服务中心")
    _, book, _ = write(facilities=sites)
    assert book["设施"].column_dimensions["B"].width >= 28


def test_results_are_not_changed(make_results, tmp_path):
    results = make_results()
    before = replace(results, scorecard=results.scorecard.copy())
    write_workbook(results, tmp_path / "a.xlsx")
    pd.testing.assert_frame_equal(results.scorecard, before.scorecard)
