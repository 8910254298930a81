"""Every real table is read whole; the same list in other formats gives the same cells."""

from __future__ import annotations

import csv

import pytest

from servicecircle.inputs.tables import read_table

COUNTS = {
    "census/census2020_county_cn_key.csv": 3358,
    "census/census2020_county_zj_gs_5yr.csv": 205,
    "codes/town_codes_2023.csv": 209,
    "codes/town_village_points_2016.csv": 3386,
    "codes/village_codes_2023.csv": 3597,
    "datum/datum_reference_points.csv": 10,
    "facilities_messy/aizhaohu_ltc_orgs_gcj02.csv": 69,
    "facilities_messy/canteens_no_coords_jiaxing_wuxi_nantong_zhenjiang.csv": 21,
    "facilities_messy/shanghai_gumei_bd09.csv": 52,
    "taipei/114年度臺北市失智社區服務據點布建清單_coord.csv": 52,
    "taipei/114年度臺北市社區照顧關懷據點㇐覽表_coord.csv": 505,
    "taipei/pop_5yr_by_village_113Y12M.csv": 456,
    "taipei/據點清單名冊_coord.csv": 457,
    "taipei/臺北市公辦民營老人福利機構一覽表_coord.csv": 3,
    "taipei/臺北市政府衛生局長照2.0巷弄長照站喘息(C+)(GA07)及巷弄長照站短照(SC07)服務 "
    "單位一覽表_25_coord.csv": 25,
    "taipei/臺北市日間照顧機構一覽表_coord.csv": 14,
    "taipei/臺北市社區整合型服務中心(A單位)一覽表_coord.csv": 63,
    "taipei/臺北市立案一般護理之家一覽表_coord.csv": 18,
    "taipei/臺北市立案住宿式長照機構一覽表_coord.csv": 11,
    "taipei/臺北市老人福利機構名冊1140201_coord.csv": 94,
}

SHORT = [name for name, count in COUNTS.items() if name.startswith("taipei/") and count <= 100]
"""The writer of xls in these tests takes short lists."""


def records(path):
    """Return the cells as the csv module reads them, outer white space gone."""
    text = path.read_text(encoding="utf-8-sig")
    delimiter = max(",\t", key=text.partition("\n")[0].count)
    rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    return [[cell.strip() for cell in row] for row in rows]


def test_no_real_table_is_left_out(shared):
    found = {path.relative_to(shared).as_posix() for path in shared.rglob("*.csv")}
    assert found == set(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_every_row_of_a_real_table_is_read(shared, name):
    expected = records(shared / name)
    table = read_table(shared / name, name=name)
    assert (table.rows_in, len(table.frame), table.rows_set_aside) == (COUNTS[name],) * 2 + (0,)
    assert len(expected) == COUNTS[name] + 1
    # All of them are of one width, and name each column once: nothing is mended.
    assert table.problems == ()
    assert table.frame.to_numpy().tolist() == expected[1:]
    assert table.rows.tolist() == list(range(2, COUNTS[name] + 2))


@pytest.mark.parametrize("form", ["gb18030", "utf-16", "tsv", "xlsx", "xlsm", "xls", "ods"])
@pytest.mark.parametrize("name", SHORT)
def test_a_real_list_saved_in_another_format_gives_the_same_cells(
    shared, tmp_path, table_files, name, form
):
    rows = records(shared / name)
    path = tmp_path / f"list.{form if form in ('tsv', 'xlsx', 'xlsm', 'xls', 'ods') else 'csv'}"
    path.write_bytes(table_files.table_bytes(rows, form))
    table = read_table(path, name=path.name)
    assert table.frame.to_numpy().tolist() == rows[1:]
    assert (table.rows_in, table.rows_set_aside) == (COUNTS[name], 0)
