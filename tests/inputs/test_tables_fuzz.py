"""Tables that are broken, hostile or enormous: a clear refusal or a recorded row, never more.

Every file is made here. What bounds the work are limits of size in the reader; no test asks for
a time.
"""

from __future__ import annotations

import csv
import io
import random
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from servicecircle.errors import InputError
from servicecircle.inputs import archives, grids
from servicecircle.inputs.facilities import read_facilities
from servicecircle.inputs.tables import Table, read_table
from servicecircle.project import FacilitySettings

FORMATS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "tsv", "xlsx", "xlsm", "xls", "ods")
TITLES = ["机构名称", "详细地址", "联系电话"]
LIST = [
    ["名称", "经度", "纬度", "床位数", "所属乡镇"],
    ["甲院", "118.5", "28.5", "30", "东镇"],
    ["乙院", "NaN", "28.6", "153床", "东镇"],
    ["丙院", "inf", "-inf", "20", ""],
    ["丁院", "118.6", "28.6", "约50", "东镇"],
    ["", "", "", "", ""],
    ["戊院", "", "", "10", ""],
    ["合计", "", "", "213", ""],
    ["注：以备案为准", "", "", "", ""],
]


def file_extension(form):
    return form if form in ("tsv", "xlsx", "xlsm", "xls", "ods") else "csv"


def told(data, folder, *, name="list.csv", **options):
    """Return the table, or the refusal which must name file, rule and remedy."""
    path = Path(folder) / name
    path.write_bytes(data)
    try:
        return read_table(path, name=name, **options)
    except InputError as error:
        assert error.problems
        for problem in error.problems:
            assert (problem.severity, problem.action, problem.file) == ("fatal", "stopped", name)
            for language in ("zh", "en"):
                what, *rest = problem.text(language).splitlines()
                assert name in what
                assert len(rest) >= 2
                assert "{" not in problem.text(language).replace(problem.value, "")
        return error.problems[0].code


def is_whole(table):
    """Return whether every row of a table is used or has one record."""
    aside = [problem for problem in table.problems if problem.action == "set_aside"]
    assert all(problem.row is not None for problem in aside)
    return (
        table.rows_in == len(table.frame) + len(aside)
        and len({problem.row for problem in aside} | set(table.rows.tolist())) == table.rows_in
    )


# Every format


@pytest.mark.parametrize("form", FORMATS)
def test_rows_in_are_rows_used_and_rows_set_aside_in_every_format(tmp_path, table_files, form):
    assert table_files.FORMATS == FORMATS
    name = f"list.{file_extension(form)}"
    (tmp_path / name).write_bytes(table_files.table_bytes(LIST, form))
    table = read_table(tmp_path / name, name=name)
    assert is_whole(table)
    assert table.frame["名称"].tolist() == ["甲院", "乙院", "丙院", "丁院", "戊院"]
    assert table.rows.tolist() == [2, 3, 4, 5, 7]
    assert (table.rows_in, table.rows_set_aside) == (7, 2)

    data = read_facilities(
        FacilitySettings(path=Path(name), datum="wgs84"), layer="care_home", base=tmp_path
    )
    assert (data.rows_in, len(data.frame), data.rows_set_aside) == (7, 3, 4)
    found = {
        (problem.row, problem.column, problem.action)
        for problem in data.problems
        if problem.row is not None
    }
    # 乙院 has no place but a unit; 丙院 and 戊院 have neither; 约50 is no number.
    assert found == {
        (3, "经度, 纬度", "flagged"),
        (4, "经度, 纬度", "set_aside"),
        (5, "床位数", "flagged"),
        (6, "", "counted"),
        (7, "经度, 纬度", "set_aside"),
        (8, "", "set_aside"),
        (9, "", "set_aside"),
    }
    assert data.frame["capacity"].tolist()[:2] == [30.0, 153.0]
    assert np.isnan(data.frame["capacity"].iloc[2])
    assert data.frame["source_row"].tolist() == [2, 3, 5]


# The marks around a cell keep it from being blank, a total, a note or stripped.
hostile = st.text(
    st.characters(exclude_categories=["C"], include_characters="\n\t,;|\"'=+-@<>&"), max_size=12
).map(lambda text: f"x{text}x")


@given(
    st.lists(
        st.tuples(hostile, st.one_of(st.just(""), hostile), st.one_of(st.just(""), hostile)),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(FORMATS),
)
@example([('x"x', "x\n\nx", 'x""x'), ("x,x", "x;x", "x|x\tx")], "utf-8")
@example([("x=1+2x", "x@SUM(A1)x", "x&amp;<b>x")], "xls")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_hostile_text_comes_back_from_every_format(tmp_path_factory, table_files, rows, form):
    rows = [list(row) for row in rows]
    path = tmp_path_factory.mktemp("round") / f"list.{file_extension(form)}"
    path.write_bytes(table_files.table_bytes([TITLES, *rows], form))
    table = read_table(path, name=path.name)
    kept = [column for column in range(3) if column == 0 or any(row[column] for row in rows)]
    found = table.frame.reindex(columns=TITLES, fill_value="")
    assert found.to_numpy().tolist() == rows, kept
    assert table.rows.tolist() == list(range(2, len(rows) + 2))
    assert is_whole(table)


@given(
    st.lists(
        st.lists(st.sampled_from(["a", '"b"', "c,d", "", " e ", "f\ng", '"', "合计"]), max_size=4),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_the_fast_and_the_careful_reader_agree(rows, end, quoted):
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(text, lineterminator=end, quoting=quoting).writerows([["名称", "地址"], *rows])
    columns = grids._regular(text.getvalue(), ",")
    if columns is None:
        return
    careful = list(csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True))
    while careful[-1] == []:
        # Blank lines at the end are no rows.
        del careful[-1]
    assert [list(row) for row in zip(*(c.to_pylist() for c in columns), strict=True)] == careful


def test_a_long_regular_table_takes_the_fast_way_and_keeps_its_rows(tmp_path):
    count = 5_000
    lines = [f"甲{at},东路{at}号,{at}" for at in range(count)]
    lines[4_000] = "合计,,12"
    text = "\n".join(["某市名单,,", "名称,地址,床位数", *lines]) + "\n"
    grid = grids.delimited_grid(text, file="a.csv", encoding="utf-8")
    assert grid.columns is not None
    assert len(grid.cells) == grids.HEAD_ROWS
    table = told(text.encode("gb18030"), tmp_path)
    assert is_whole(table)
    assert (table.rows_in, len(table.frame)) == (count, count - 1)
    assert [(problem.code, problem.row) for problem in table.problems] == [
        ("table.total_row", 4_003)
    ]
    assert table.rows[3_999:4_001].tolist() == [4_002, 4_004]


# Broken files


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_cut_off_anywhere_is_read_or_refused(tmp_path, table_files, form):
    data = table_files.table_bytes(LIST, form)
    places = sorted({*range(0, len(data), max(1, len(data) // 60)), *range(1, 24), len(data) - 1})
    found = [told(data[:place], tmp_path, name=f"a.{file_extension(form)}") for place in places]
    tables = [item for item in found if isinstance(item, Table)]
    assert all(is_whole(table) for table in tables)
    assert len(tables) < len(found)
    if form in ("xlsx", "xlsm", "ods"):
        # The directory of an archive stands at its end; P and PK alone are words.
        assert all(isinstance(item, str) for item, at in zip(found, places, strict=True) if at > 2)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_with_bytes_changed_is_read_or_refused(tmp_path, table_files, form):
    data = table_files.table_bytes(LIST, form)
    chance = random.Random(20251231)
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(chance.choice((1, 3, 20))):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        found = told(bytes(broken), tmp_path, name=f"a.{file_extension(form)}")
        assert isinstance(found, str) or is_whole(found)


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    found = told(data, tmp_path_factory.mktemp("any"))
    assert isinstance(found, str) or is_whole(found)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("名称,地址\n甲,东路\n".encode() + "乙院,西路\n".encode("gb18030"), "table.encoding"),
        ("名称,地址\n甲,东路\n".encode("utf-16") + b"x", "table.encoding"),
        (random.Random(1).randbytes(5_000), "table.binary"),
        (b"\x7fELF" + bytes(300), "table.binary"),
        (b"name,address\nA,East\x00Road\n", "table.binary"),
        ("name,address\nA,East\x00Road\n".encode("utf-16"), "table.binary"),
        (b"<html><body><table><tr><th>\xc3\xfb\xb3\xc6", "table.html"),
        (b"<?xml version='1.0'?><Workbook>", "table.html"),
        ('名称,地址\n甲,"东路\n乙,西路,3\n'.encode(), "table.quotes"),
        ('名称,地址\n甲,"东路\n乙,西路\n'.encode(), "table.quotes_kept"),
        (b'"' * 1_001, "table.quotes"),
        (("名称,地址\n甲," + "长" * 10_000_000 + "\n").encode(), "table.long_cell"),
        (("名称,地址\n甲," + "x," * 3_000_000 + "\n").encode(), "table.too_many_columns"),
        (("x" * 10_000_000).encode(), "table.long_cell"),
        (b"\n" * 1_000_000, "table.empty"),
        ((",".join("abcdefgh") + "\n").encode() + b"," * 8_000_000, None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_text_that_is_none_or_too_much(tmp_path, data, code):
    found = told(data, tmp_path)
    if isinstance(found, Table):
        assert is_whole(found)
        assert code is None or code in [problem.code for problem in found.problems]
    else:
        assert found == code


def test_a_million_empty_columns_are_none(tmp_path):
    tail = "," * 1_000_000
    table = told(f"名称,床位数{tail}\n甲,30{tail}\n乙,40\n".encode(), tmp_path)
    assert table.frame.to_dict("list") == {"名称": ["甲", "乙"], "床位数": ["30", "40"]}
    assert table.problems == ()


@pytest.mark.parametrize("form", FORMATS)
def test_a_header_without_rows_is_a_table_and_a_layer_of_none(tmp_path, table_files, form):
    name = f"list.{file_extension(form)}"
    table = told(table_files.table_bytes(LIST[:1], form), tmp_path, name=name)
    assert (table.frame.columns.tolist(), len(table.frame), table.rows_in) == (LIST[0], 0, 0)
    settings = FacilitySettings(path=Path(name), datum="wgs84")
    read = read_facilities(settings, layer="x", base=tmp_path)
    assert len(read.frame) == 0
    assert [(one.code, one.file) for one in read.problems] == [("facility.empty_list", name)]


def test_utf16_without_a_mark_is_found_by_the_whole_file(tmp_path):
    for encoding in ("utf-16-le", "utf-16-be"):
        table = told("名称,床位数\r\n甲院,30\r\n".encode(encoding), tmp_path)
        assert (table.encoding, table.frame["名称"].tolist()) == (encoding, ["甲院"])


@pytest.mark.parametrize("name", ["big5", "nonsense", "utf-8\x00", "rot13", "base64", "utf-7"])
def test_any_declared_encoding_is_used_or_refused(tmp_path, name):
    found = told(b"name,address\nA,\xff\xfeB\n", tmp_path, encoding=name)
    assert found in ("table.encoding", "table.unknown_encoding")


# Workbooks


def with_sizes(data, name, size):
    """Return an archive that states another unpacked size for a member, in both its headers."""
    result = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        offset = made.getinfo(name).header_offset
    struct.pack_into("<I", result, offset + 22, size)
    at = result.find(b"PK\x01\x02")
    while at >= 0:
        (length,) = struct.unpack_from("<H", result, at + 28)
        if bytes(result[at + 46 : at + 46 + length]) == name.encode():
            struct.pack_into("<I", result, at + 24, size)
        at = result.find(b"PK\x01\x02", at + 4)
    return bytes(result)


SHEET = "xl/worksheets/sheet1.xml"


def bomb(table_files, megabytes):
    row = table_files.inline("A1", "名称")
    data = table_files.bare_xlsx(f'<row r="1">{row}</row>' + " " * (megabytes * 1_000_000))
    assert len(data) < 10_000 * megabytes
    return data


def test_a_zip_bomb_is_refused_by_what_it_states(tmp_path, table_files):
    found = told(bomb(table_files, 20), tmp_path, name="a.xlsx", max_bytes=10_000_000)
    assert found == "table.too_large"


@pytest.mark.parametrize("stated", [0, 100, 19_999_999])
def test_a_zip_bomb_that_lies_about_its_size_is_refused(tmp_path, table_files, stated):
    data = with_sizes(bomb(table_files, 20), SHEET, stated)
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        assert made.getinfo(SHEET).file_size == stated
    found = told(data, tmp_path, name="a.xlsx", max_bytes=30_000_000)
    assert found == "table.lying_archive"


def test_a_size_larger_than_the_member_is_a_lie_too(tmp_path, table_files):
    data = with_sizes(table_files.bare_xlsx('<row r="1"/>'), SHEET, 5_000)
    assert told(data, tmp_path, name="a.xlsx") == "table.lying_archive"


def test_a_member_cut_off_inside_is_refused(tmp_path, table_files):
    data = table_files.bare_xlsx(f'<row r="1">{table_files.inline("A1", "名称" * 500)}</row>')
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        member = made.getinfo(SHEET)
    start = member.header_offset + 30 + len(SHEET)
    packed = zlib.compress(b"x")[2:-4][:-1].ljust(member.compress_size, b"\xff")
    found = told(
        data[:start] + packed + data[start + member.compress_size :], tmp_path, name="a.xlsx"
    )
    assert found == "input.unreadable"


def test_a_workbook_with_a_document_type_is_refused(tmp_path, table_files):
    data = table_files.bare_xlsx('<row r="1"/>')
    laughs = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        members = {name: made.read(name).decode() for name in made.namelist()}
    book = members["xl/workbook.xml"]
    members["xl/workbook.xml"] = book.replace("?>", f"?>{laughs}", 1).replace('"S"', '"&c;"')
    assert told(table_files.archive(members), tmp_path, name="a.xlsx") == "input.unreadable"


def test_formulas_count_with_their_stored_value_alone(tmp_path, table_files):
    inline = table_files.inline
    data = table_files.bare_xlsx(
        '<row r="1">' + inline("A1", "名称") + inline("B1", "经度") + inline("C1", "纬度")
        + inline("D1", "床位数") + "</row>"
        '<row r="2">' + inline("A2", "甲") + '<c r="B2"><f>118+0.5</f><v>118.5</v></c>'
        '<c r="C2"><v>28.5</v></c><c r="D2"><f>10+20</f></c></row>'
        '<row r="3">' + inline("A3", "乙") + '<c r="B3"><f>118+0.5</f></c>'
        '<c r="C3"><v>28.5</v></c><c r="D3"><v>5</v></c></row>'
    )  # fmt: skip
    (tmp_path / "a.xlsx").write_bytes(data)
    found = read_facilities(
        FacilitySettings(path=Path("a.xlsx"), datum="wgs84"), layer="care_home", base=tmp_path
    )
    assert (found.rows_in, found.frame["name"].tolist(), found.rows_set_aside) == (2, ["甲"], 1)
    assert np.isnan(found.frame["capacity"].iloc[0])
    formulas = [item for item in found.problems if item.code == "table.cell_without_value"]
    assert [(item.row, item.column, item.details["cell"]) for item in formulas] == [
        (2, "床位数", "D2"),
        (3, "经度", "B3"),
    ]


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>',
        '<row r="999999999"><c r="ZZ999999999" t="n"><v>1</v></c></row>',
        "<row>" + "<c/>" * 1_000_001 + "</row>",
    ],
    ids=["far", "farther", "many"],
)
def test_a_sheet_that_would_fill_the_memory_is_refused(tmp_path, table_files, cells, monkeypatch):
    monkeypatch.setattr(archives, "MOST_CELLS", 1_000_000)
    found = told(table_files.bare_xlsx(cells), tmp_path, name="a.xlsx")
    assert found == "table.too_many_cells"


def test_numbers_of_rows_that_are_no_numbers_are_refused_or_read(tmp_path, table_files):
    row = f'<row r="{"9" * 6_000}"><c r="A{"9" * 6_000}"><v>1</v></c></row>'
    found = told(table_files.bare_xlsx(row), tmp_path, name="a.xlsx")
    assert isinstance(found, str) or is_whole(found)


def test_cells_that_never_close_are_no_endless_work(tmp_path, table_files):
    cells = '<row r="1">' + '<c r="A1"><f>' * 200_000
    found = told(table_files.bare_xlsx(cells), tmp_path, name="a.xlsx")
    assert isinstance(found, str) or is_whole(found)


def test_merged_ranges_that_overlap_without_end_are_refused(tmp_path, table_files):
    inline = table_files.inline
    rows = "".join(
        f'<row r="{at}">{inline(f"A{at}", f"甲{at}")}{inline(f"C{at}", "x")}</row>'
        for at in range(2, 200)
    )
    header = "".join(
        inline(f"{letter}1", title) for letter, title in zip("ABC", TITLES, strict=True)
    )
    merges = "".join('<mergeCell ref="A2:B199"/>' for _ in range(2_000))
    data = table_files.bare_xlsx(
        f'<row r="1">{header}</row>{rows}', merges=f"<mergeCells>{merges}</mergeCells>"
    )
    assert told(data, tmp_path, name="a.xlsx") == "table.overlapping_merges"


@pytest.mark.parametrize("right", [256, 65_535])
def test_an_xls_sheet_that_states_room_for_billions_of_cells_is_refused(
    tmp_path, table_files, right
):
    data = table_files.xls(LIST)
    # The record of dimensions in the place of the filler before the sheet: it is as long as that.
    filler = struct.pack("<HH", 0x0099, 4096)
    stated = struct.pack("<HH", 0x0200, 14) + struct.pack("<IIHHH", 0, 0xFFFFFF, 0, right, 0)
    rest = struct.pack("<HH", 0x0099, 4096 - len(stated))
    assert filler in data
    found = told(data.replace(filler, stated + rest), tmp_path, name="a.xls")
    assert found == "table.too_many_cells"


def test_an_ods_sheet_that_repeats_a_cell_over_the_whole_sheet_is_refused(tmp_path, table_files):
    cell = (
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell '
        'office:value-type="string" table:number-columns-repeated="16384"><text:p>x</text:p>'
        "</table:table-cell></table:table-row>"
    )
    found = told(table_files.ods(LIST, before_end=cell), tmp_path, name="a.ods")
    assert found == "table.too_many_cells"


def test_an_ods_sheet_that_repeats_empty_rows_to_its_end_is_read(tmp_path, table_files):
    blank = (
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    table = told(table_files.ods(LIST, before_end=blank), tmp_path, name="a.ods")
    assert table.rows_in == 7


def test_a_binary_workbook_is_refused_by_name(tmp_path, table_files):
    data = table_files.archive({"[Content_Types].xml": "", "xl/workbook.bin": "x"})
    assert told(data, tmp_path, name="a.xlsx") == "table.xlsb"


def test_an_ods_number_of_repeats_beyond_all_sheets_is_refused(tmp_path, table_files):
    cell = (
        f"<table:table-row><table:table-cell table:number-columns-repeated='{'9' * 5_000}'"
        ' office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>'
    )
    found = told(table_files.ods(LIST, before_end=cell), tmp_path, name="a.ods")
    assert found == "table.too_many_cells"


def test_an_archive_that_is_no_workbook_is_refused(tmp_path, table_files):
    data = table_files.archive({"readme.txt": "名称,地址\n甲,东路\n"})
    assert told(data, tmp_path, name="a.xlsx") == "input.unreadable"
