"""Tables as offices send them, each written here by hand."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.errors import InputError
from servicecircle.inputs.tables import read_table

ROWS = [["编码", "名称", "床位数"], ["001", "甲院", "30"], ["002", "乙院", "40"]]


@pytest.fixture
def put(tmp_path):
    """Write bytes or text to a file and read it as a table."""

    def write(content, *, name="list.csv", encoding="utf-8", **options):
        data = content if isinstance(content, bytes) else content.encode(encoding)
        path = tmp_path / name
        path.write_bytes(data)
        return read_table(path, name=name, **options)

    return write


def text_of(rows, delimiter=","):
    return "".join(delimiter.join(row) + "\n" for row in rows)


def codes(table):
    return [problem.code for problem in table.problems]


def refusal(action):
    with pytest.raises(InputError) as caught:
        action()
    for language in ("zh", "en"):
        assert "{" not in caught.value.text(language)
    return caught.value.problems[0]


def workbook(sheets, *, merges=(), hidden=()):
    """Return an xlsx of sheet → rows."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            else:
                sheet.activate()
            for at, row in enumerate(rows):
                for column, value in enumerate(row):
                    if value is not None:
                        sheet.write(at, column, value)
            for top, left, low, right in merges:
                sheet.merge_range(top, left, low, right, rows[top][left])
    return buffer.getvalue()


# Text


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize(
    ("encoding", "used"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
    ],
)
def test_delimiter_and_encoding_are_found(put, delimiter, encoding, used):
    table = put(text_of(ROWS, delimiter), encoding=encoding)
    assert table.frame.columns.tolist() == ROWS[0]
    assert table.frame.to_numpy().tolist() == ROWS[1:]
    assert table.rows.tolist() == [2, 3]
    assert table.encoding == used
    assert (table.rows_in, table.rows_set_aside, table.problems) == (2, 0, ())


def test_tabs_win_over_commas_inside_texts(put):
    table = put("名称\t地址\n甲\t东路1号,2号,3号\n乙\t西路4号\n")
    assert table.frame["地址"].tolist() == ["东路1号,2号,3号", "西路4号"]


def test_a_line_break_inside_a_title_and_a_cell_is_one_row_as_in_excel(put):
    table = put(
        '名称,"服务起始日\n(核定日期)"\n甲,2020-01-01\n"乙\n院",2021-01-01\n丙,2022-01-01\n'
    )
    assert table.frame.columns.tolist() == ["名称", "服务起始日(核定日期)"]
    assert table.rows.tolist() == [2, 3, 4]
    assert table.frame["名称"].tolist() == ["甲", "乙\n院", "丙"]


def test_big5_is_refused_until_it_is_declared(put):
    text = "機構名稱,床位數\n臺北市甲院,30\n"
    problem = refusal(lambda: put(text, encoding="big5"))
    assert (problem.code, problem.file) == ("table.big5", "list.csv")


def test_big5_is_read_when_declared(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes("機構名稱,床位數\n臺北市甲院,30\n".encode("big5"))
    table = read_table(path, name="list.csv", encoding="big5")
    assert table.frame.to_dict("records") == [{"機構名稱": "臺北市甲院", "床位數": "30"}]


def test_the_whole_file_decides_the_encoding(put):
    # The first GBK character stands far behind the first 100 kB.
    text = "name,address\n" + "a,b\n" * 50_000 + "甲院,东路\n"
    table = put(text, encoding="gb18030")
    assert table.frame["name"].iloc[-1] == "甲院"


def test_mixed_encodings_are_refused_with_the_line(put):
    data = "名称,地址\n甲,东路\n".encode() + "乙,".encode() + b"\xff\xfe\xff\n"
    problem = refusal(lambda: put(data))
    assert (problem.code, problem.row) == ("table.encoding", 3)


def test_an_unknown_encoding_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    problem = refusal(lambda: read_table(path, name="a.csv", encoding="gb2311"))
    assert (problem.code, problem.value) == ("table.unknown_encoding", "gb2311")


def test_title_rows_blank_rows_totals_and_notes(put):
    table = put(
        "示例市养老机构名单,,\n2025年底,,\n\n编码,名称,床位数\n001,甲院,30\n,,\n002,乙院,40\n"
        "合 计,,70\n注：床位以备案为准,,\n"
    )
    assert table.frame.to_numpy().tolist() == ROWS[1:]
    assert table.rows.tolist() == [5, 7]
    # Two records, the total, the note; the blank row holds nothing.
    assert (table.rows_in, table.rows_set_aside) == (4, 2)
    found = {problem.code: problem for problem in table.problems}
    assert (found["table.total_row"].row, found["table.total_row"].action) == (8, "set_aside")
    assert found["table.note_row"].row == 9
    assert (found["table.blank_rows"].row, found["table.blank_rows"].value) == (6, "1")


@pytest.mark.parametrize("word", ["合计", "总计", "小 计", "合计：", "Total", "柯城区小计", "總計"])
def test_words_of_totals(put, word):
    table = put(f"序号,名称,床位数\n1,甲,3\n,{word},3\n")
    assert codes(table) == ["table.total_row"]
    assert len(table.frame) == 1


def test_a_facility_whose_name_only_looks_like_a_total_stays(put):
    table = put("名称,床位数\n会计之家,3\n总计划幼儿园,4\n")
    assert len(table.frame) == 2


@pytest.mark.parametrize(
    "word",
    ["合计（张）", "总计30张", "共2家", "共计2家", "平均", "望澜街道汇总", "全市合计", "本页合计"],
)
@pytest.mark.parametrize("column", [0, 3])
def test_totals_stand_in_any_column_of_text(put, word, column):
    cells = ["", "", "", "", "30"]
    cells[column] = word
    total = ",".join(cells)
    table = put(f"序号,县,乡镇,名称,床位数\n1,某县,甲镇,一院,3\n{total}\n")
    assert codes(table) == ["table.total_row"]
    assert (len(table.frame), table.rows_in) == (1, 2)


def test_names_that_end_like_totals_stay_where_they_have_other_data(put):
    table = put(
        "名称,乡镇,经度,床位数\n阳光小计,甲镇,,3\n百合计,甲镇,,4\n百合计院,,119.5612,5\n乐合计,,119.5613,6\n"
    )
    assert len(table.frame) == 4
    assert codes(table) == []


def test_rows_above_the_header_are_recorded(put):
    table = put("养老机构名单,,单位：张\n丁院,东路,9\n名称,地址,床位数\n甲院,西路,3\n")
    assert [(item.code, item.row, item.severity) for item in table.problems] == [
        ("table.note_row", 1, "note"),
        ("table.above_header", 2, "error"),
    ]
    assert (table.rows_in, table.rows_set_aside) == (3, 2)


def test_the_first_of_two_headers_is_taken_and_its_repetition_is_no_record(put):
    table = put("名称,地址\n甲,东路\n名称,地址\n乙,西路\n")
    assert table.frame["名称"].tolist() == ["甲", "乙"]
    assert [(item.code, item.row) for item in table.problems] == [("table.repeated_header", 3)]
    assert (table.rows_in, table.rows_set_aside) == (3, 1)


def test_a_second_table_with_another_header_is_set_aside(put):
    table = put(
        "名称,乡镇,床位数\n甲,东镇,3\n机构名称,地址,面积\n乙,西路,200\n名称,乡镇,床位数\n丙,东镇,5\n"
    )
    assert table.frame["名称"].tolist() == ["甲", "丙"]
    assert [(item.code, item.row) for item in table.problems] == [
        ("table.second_table", 3),
        ("table.second_table", 4),
        ("table.repeated_header", 5),
    ]
    assert (table.rows_in, table.rows_set_aside) == (5, 3)


def test_a_record_below_an_untitled_column_is_no_line_of_the_header(put):
    table = put("名称,,乡镇,床位数\n,甲院,,\nx,乙,东镇,3\n")
    assert (table.rows.tolist(), table.rows_in) == ([2, 3], 2)


def test_footers_are_notes(put):
    table = put(
        "名称,乡镇,床位数\n甲,东镇,10\n填表人：张三,审核人：李四,填表日期：2024.1.1\n"
        "联系电话：0570-1,单位负责人：王,\n本表由民政局填报,,\n"
    )
    assert codes(table) == ["table.note_row"] * 3
    assert table.rows.tolist() == [2]


def test_a_section_across_columns_is_no_record_and_is_not_filled_in(put):
    rows = [
        ["名称", "地址", "床位数"],
        ["一、公办", None, None],
        ["甲院", "东路", 30],
        ["乙院", None, 4],
    ]
    table = put(workbook({"名单": rows}, merges=[(1, 0, 1, 2)]), name="list.xlsx")
    assert table.frame["名称"].tolist() == ["甲院", "乙院"]
    assert [(item.code, item.row) for item in table.problems] == [("table.section_row", 2)]
    rows[1] = ["东镇", None, None]
    table = put(workbook({"名单": rows}, merges=[(1, 0, 1, 1)]), name="list.xlsx")
    assert [(item.code, item.row) for item in table.problems] == [("table.section_row", 2)]
    rows[3] = ["乙院", None, 4]
    table = put(workbook({"名单": rows}, merges=[(3, 0, 3, 1)]), name="list.xlsx")
    assert table.frame["地址"].tolist()[-1] == ""


def test_a_title_with_a_unit_beside_it_is_not_part_of_the_header(put):
    rows = [
        ["示例市养老机构名单", None, None, "单位：张"],
        ["名称", "乡镇", "地址", "床位数"],
        ["甲院", "东镇", "东路", 30],
    ]
    table = put(workbook({"名单": rows}, merges=[(0, 0, 0, 2)]), name="list.xlsx")
    assert table.frame.columns.tolist() == rows[1]
    assert [(item.code, item.row) for item in table.problems] == [("table.note_row", 1)]


def test_a_header_of_three_merged_lines(put):
    rows = [
        ["名称", "位置", None],
        [None, "坐标", None],
        [None, "经度", "纬度"],
        ["甲院", 120.5, 30.5],
    ]
    merges = [(0, 0, 2, 0), (0, 1, 0, 2), (1, 1, 1, 2)]
    table = put(workbook({"名单": rows}, merges=merges), name="list.xlsx")
    assert table.frame.columns.tolist() == ["名称", "位置-坐标-经度", "位置-坐标-纬度"]
    assert table.rows.tolist() == [4]


def test_a_two_line_header_without_merged_ranges(put):
    table = put("序号,名称,床位数,,坐标,\n,,总数,护理型,经度,纬度\n1,甲,30,20,120.1,30.1\n")
    assert table.frame.columns.tolist() == [
        "序号",
        "名称",
        "床位数-总数",
        "床位数-护理型",
        "坐标-经度",
        "坐标-纬度",
    ]
    assert table.rows.tolist() == [3]


def test_the_first_record_is_not_taken_for_a_second_header_line(put):
    table = put("名称,地址,备注,\n甲院,东路,,新\n乙院,西路,好,旧\n")
    assert len(table.frame) == 2
    assert table.frame["#4"].tolist() == ["新", "旧"]


def test_a_row_wider_than_the_header_is_set_aside(put):
    table = put("名称,地址\n甲,东路1号,2号\n乙,西路\n")
    problem = table.problems[0]
    assert (problem.code, problem.row, problem.action) == ("table.too_wide", 2, "set_aside")
    assert table.frame["名称"].tolist() == ["乙"]
    assert (table.rows_in, table.rows_set_aside) == (2, 1)


def test_short_rows_are_filled_and_counted(put):
    table = put("名称,地址,电话\n甲\n乙,西路,1\n")
    assert table.frame.iloc[0].tolist() == ["甲", "", ""]
    assert codes(table) == ["table.short_rows"]


def test_a_repeated_title_is_renamed(put):
    table = put("名称,床位数,床位数\n甲,1,2\n")
    assert table.frame.columns.tolist() == ["名称", "床位数", "床位数 #2"]
    assert codes(table) == ["table.repeated_title"]


def test_a_quotation_mark_inside_a_cell_stays(put):
    table = put('名称,地址\n"平湖"路甲院,东路\n乙院,"西路"\n')
    assert table.frame.to_numpy().tolist() == [['"平湖"路甲院', "东路"], ["乙院", "西路"]]
    assert codes(table) == ["table.quotes_kept"]


def test_a_quotation_mark_that_never_closes_is_refused(put):
    problem = refusal(lambda: put('名称,地址\n甲,"东路\n乙,西路,3\n丙,南路\n'))
    assert (problem.code, problem.row) == ("table.quotes", 2)


def test_an_endless_cell_is_refused(put):
    problem = refusal(lambda: put("名称,地址\n甲," + "x" * 10_000_000 + "\n"))
    assert (problem.code, problem.row) == ("table.long_cell", 2)


def test_a_table_of_numbers_without_header_is_refused(put):
    problem = refusal(lambda: put("120.1,30.1\n120.2,30.2\n"))
    assert (problem.code, problem.row) == ("table.no_header", 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "table.empty"),
        (b"\xef\xbb\xbf \r\n", "table.empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "table.binary"),
        (bytes(range(256)) * 20, "table.binary"),
        (b"<html><body><table><tr><td>1</td></tr></table></body></html>", "table.html"),
        (b'\xef\xbb\xbf  <?xml version="1.0"?><Workbook/>', "table.html"),
        (b"PK\x03\x04" + b"\x00" * 50, "input.unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "input.unreadable"),
    ],
)
@pytest.mark.parametrize("name", ["list.csv", "list.xls", "list.xlsx"])
def test_what_is_no_table_is_refused(put, data, code, name):
    problem = refusal(lambda: put(data, name=name))
    assert (problem.code, problem.file) == (code, name)


def test_a_missing_file_is_named(tmp_path):
    problem = refusal(lambda: read_table(tmp_path / "a.csv", name="lists/a.csv"))
    assert (problem.code, problem.value) == ("input.missing_file", "lists/a.csv")


@given(
    st.lists(
        st.lists(
            st.text(
                st.characters(codec="gb18030", exclude_categories=["C", "Z"]), min_size=1
            ).filter(
                lambda text: not any(word in text.casefold() for word in "计計注备備说說填制资数")
            ),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    st.sampled_from([",", "\t", ";", "|"]),
)
@settings(max_examples=60, deadline=None)
def test_what_a_csv_writer_writes_comes_back(tmp_path_factory, rows, encoding, delimiter):
    path = tmp_path_factory.mktemp("round") / "list.csv"
    rows = [[f"x{cell}" for cell in row] for row in rows]
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([["机构名称", "详细地址", "联系电话"], *rows])
    table = read_table(path, name="list.csv")
    assert table.frame.to_numpy().tolist() == rows
    assert table.rows_in == len(rows)


# Workbooks


def test_numbers_dates_and_codes_of_a_workbook(put):
    import datetime as dt

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["编码", "名称", "床位数", "经度", "开业时间", "备注"])
        sheet.write_row(1, 0, ["0012", "甲", 3.0, 121.5432472])
        sheet.write_datetime(
            1, 4, dt.datetime(2021, 3, 5), book.add_format({"num_format": "yyyy-mm-dd"})
        )
        sheet.write_boolean(1, 5, True)
        sheet.write_row(2, 0, [330802000000001, "乙"])
    table = put(buffer.getvalue(), name="list.xlsx")
    assert table.frame.iloc[0].tolist() == ["0012", "甲", "3", "121.5432472", "2021-03-05", "TRUE"]
    assert table.frame.iloc[1].tolist() == ["330802000000001", "乙", "", "", "", ""]
    assert table.sheet == "Sheet1"


def test_title_row_merged_header_and_rows_as_excel_shows_them(put):
    rows = [
        ["示例市养老机构一览表", None, None, None],
        ["名称", "床位数", None, "地址"],
        [None, "核定", "护理型", None],
        ["甲院", 30, 20, "东路"],
        [None, None, None, None],
        ["乙院", 40, 25, "西路"],
        ["合计", 70, 45, None],
    ]
    merges = [(0, 0, 0, 3), (1, 1, 1, 2), (1, 0, 2, 0), (1, 3, 2, 3)]
    table = put(workbook({"名单": rows}, merges=merges), name="list.xlsx")
    assert table.frame.columns.tolist() == ["名称", "床位数-核定", "床位数-护理型", "地址"]
    assert table.rows.tolist() == [4, 6]
    assert sorted(codes(table)) == ["table.blank_rows", "table.total_row"]
    assert (table.rows_in, table.rows_set_aside) == (3, 1)


def test_merged_cells_below_the_header_are_filled(put):
    rows = [
        ["所属乡镇", "名称", "床位数"],
        ["甲镇", "一院", 30],
        [None, "二院", None],
        ["乙镇", "三院", 10],
    ]
    merges = [(1, 0, 2, 0), (1, 2, 2, 2)]
    table = put(workbook({"名单": rows}, merges=merges), name="list.xlsx")
    assert table.frame["所属乡镇"].tolist() == ["甲镇", "甲镇", "乙镇"]
    # A merged number may be a sum: it is filled in, and said.
    assert table.frame["床位数"].tolist() == ["30", "30", "10"]
    assert [
        (item.code, item.row, item.column, item.value, item.action) for item in table.problems
    ] == [
        ("table.merged_cell", 3, "所属乡镇", "甲镇", "mended"),
        ("table.merged_cell", 3, "床位数", "30", "mended"),
        ("table.merged_number", 2, "床位数", "30", "flagged"),
    ]


def test_the_sheet_with_known_titles_is_read_and_the_others_are_named(put):
    data = workbook(
        {"说明": [["请填写附表"]], "名单": ROWS, "代码": [["x", "y"], ["1", "2"]]},
    )
    table = put(data, name="list.xlsx")
    assert table.sheet == "名单"
    assert [(item.code, item.value) for item in table.problems] == [
        ("table.other_sheets", "说明, 代码")
    ]
    assert put(data, name="list.xlsx", sheet="代码").frame.to_dict("records") == [
        {"x": "1", "y": "2"}
    ]


def test_sheets_with_the_same_header_are_warned_of(put):
    table = put(workbook({"甲镇": ROWS, "乙镇": ROWS, "说明": [["无"]]}), name="list.xlsx")
    assert [(item.code, item.severity, item.value) for item in table.problems] == [
        ("table.alike_sheets", "warning", "乙镇"),
        ("table.other_sheets", "note", "说明"),
    ]


def test_our_marked_copy_is_read_like_its_source(put):
    marks = ["问题\n[警告] 标题重复", "[错误] 没有坐标", None]
    rows = [[*row, mark] for row, mark in zip(ROWS, marks, strict=True)]
    listed = [["问题清单"], ["名称", "编码", "床位数", "地址"], ["a", "b", "c", "d"]]
    table = put(workbook({"名单": rows, "问题清单": listed}), name="list.xlsx")
    assert table.frame.columns.tolist() == ROWS[0]
    assert (table.sheet, codes(table)) == ("名单", [])
    own = [[*row, mark] for row, mark in zip(ROWS, ["问题", "电话不通", ""], strict=True)]
    assert put(text_of(own)).frame["问题"].tolist() == ["电话不通", ""]


def test_a_long_cell_of_a_workbook_is_refused(put, table_files):
    rows = [["名称"], ["长" * 131_073]]
    problem = refusal(lambda: put(table_files.ods(rows), name="list.ods"))
    assert (problem.code, problem.row) == ("table.long_cell", 2)


def test_blank_rows_before_a_stray_cell_are_left_out_and_rows_keep_their_numbers(put):
    data = workbook({"名单": [*ROWS, *[[]] * 30_000, ["003", "丙院", 1]]})
    table = put(data, name="list.xlsx")
    assert table.rows.tolist() == [2, 3, 30_004]
    assert [(item.code, item.value) for item in table.problems] == [("table.blank_rows", "30000")]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_xls_is_refused_without_a_word_of_the_reader(put, table_files, capfd, share):
    data = table_files.xls(ROWS)
    problem = refusal(lambda: put(data[: int(share * len(data))], name="list.xls"))
    assert problem.code in ("input.unreadable", "table.binary")
    assert capfd.readouterr().err == ""


def test_a_hidden_sheet_is_not_preferred(put):
    data = workbook({"旧": [*ROWS, ["003", "丙院", "1"]], "新": ROWS}, hidden=["旧"])
    assert put(data, name="list.xlsx").sheet == "新"


def test_a_sheet_that_is_not_there_is_refused_with_the_nearest(put):
    problem = refusal(lambda: put(workbook({"机构名单": ROWS}), name="a.xlsx", sheet="机构名"))
    assert problem.code == "table.sheet_near"
    assert problem.details["near"] == "机构名单"


def test_a_workbook_is_read_whatever_its_extension(put):
    assert put(workbook({"名单": ROWS}), name="list.csv").frame.to_numpy().tolist() == ROWS[1:]


def test_a_truncated_workbook_is_refused(put):
    data = workbook({"名单": ROWS})
    problem = refusal(lambda: put(data[: len(data) // 2], name="a.xlsx"))
    assert problem.code == "input.unreadable"


def test_a_zip_bomb_is_refused_by_its_directory(put):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)
    data = buffer.getvalue()
    assert len(data) < 100_000
    problem = refusal(lambda: put(data, name="a.xlsx", max_bytes=10_000_000))
    assert (problem.code, problem.value) == ("table.too_large", "20,000,000")


def test_a_formula_without_a_stored_value_and_an_error_are_recorded(put, table_files):
    bare_xlsx, inline = table_files.bare_xlsx, table_files.inline
    data = bare_xlsx(
        f'<row r="1">{inline("A1", "名称")}{inline("B1", "床位数")}</row>'
        f'<row r="2">{inline("A2", "甲")}<c r="B2"><f>1+2</f></c></row>'
        f'<row r="3">{inline("A3", "乙")}<c r="B3"><f>1+2</f><v>3</v></c></row>'
        f'<row r="4">{inline("A4", "丙")}<c r="B4" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    )
    table = put(data, name="a.xlsx")
    assert table.frame["床位数"].tolist()[1] == "3"
    assert [
        (item.code, item.row, item.column, item.details["cell"]) for item in table.problems
    ] == [
        ("table.cell_without_value", 2, "床位数", "B2"),
        ("table.cell_without_value", 4, "床位数", "B4"),
    ]


def test_a_stray_cell_at_the_end_of_the_sheet_does_not_fill_the_memory(put, table_files):
    bare_xlsx, inline = table_files.bare_xlsx, table_files.inline
    data = bare_xlsx(
        f'<row r="1">{inline("A1", "名称")}</row><row r="1048576">{inline("XFD1048576", "x")}</row>'
    )
    problem = refusal(lambda: put(data, name="a.xlsx"))
    assert (problem.code, problem.sheet) == ("table.too_many_cells", "S")


def test_an_ods_file_is_read(put, table_files):
    table = put(table_files.ods(ROWS), name="list.ods")
    assert table.frame.to_numpy().tolist() == ROWS[1:]
    assert (table.sheet, table.rows.tolist()) == ("名单", [2, 3])


def test_an_xls_file_is_read(put, table_files):
    table = put(
        table_files.xls([["编码", "名称", "床位数"], ["001", "甲院", 30.0]]), name="list.xls"
    )
    assert table.frame.to_dict("records") == [{"编码": "001", "名称": "甲院", "床位数": "30"}]
    assert (table.sheet, table.rows.tolist()) == ("名单", [2])


def test_the_known_titles_choose_the_delimiter_where_texts_hold_another(put):
    table = put("名称,地址\n甲;一,东;路\n乙;二,西;路\n丙;三,南;路\n")
    assert table.frame.columns.tolist() == ["名称", "地址"]
    assert table.frame["名称"].tolist() == ["甲;一", "乙;二", "丙;三"]


def test_each_line_with_stray_quotation_marks_is_one_record(put):
    table = put('名称,地址\n"平湖"路甲院,东路\n乙院,西路\n"嘉兴"路丙院,"南路"\n')
    assert [(item.code, item.row, item.action) for item in table.problems] == [
        ("table.quotes_kept", 2, "mended"),
        ("table.quotes_kept", 4, "mended"),
    ]
    assert table.frame["地址"].tolist() == ["东路", "西路", "南路"]
