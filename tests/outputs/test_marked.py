"""Coloured copies: what is marked where, what is kept, and that nothing in them runs."""

from __future__ import annotations

import datetime as dt
import zipfile
from io import BytesIO

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill

from servicecircle.inputs.originals import Original, OriginalSheet, read_originals
from servicecircle.outputs.marked import marked_workbook, write_marked
from servicecircle.problems import Problem
from servicecircle.project import Project

DAY = dt.date(2025, 12, 31)
RED, YELLOW, BLUE = "00FF9C9C", "00FFD966", "009DC3E6"
PALE = {"00FCE4E4", "00FFF5D6", "00E9F2FA"}


def problem(code="facility.no_place", severity="warning", file="homes.csv", **where):
    return Problem(code=code, severity=severity, file=file, **where)


def text_table(*rows, file="homes.csv", header=1, sheet=""):
    columns = {title: at for at, title in enumerate(rows[header - 1])}
    numbers = list(range(1, len(rows) + 1))
    return Original(file, (OriginalSheet(sheet, list(map(list, rows)), numbers, header, columns),))


def marked(original, *problems, language="zh"):
    data = marked_workbook(original, problems, language=language, as_of=DAY)
    return openpyxl.load_workbook(BytesIO(data))


def colour(cell):
    return cell.fill.start_color.rgb if cell.fill.fill_type else None


def project(folder, *files, **options):
    made = Project.model_validate(
        {
            "project": {"name": "town", "as_of": DAY},
            "boundaries": {"township": {"path": "towns.geojson"}},
            "facilities": {
                f"layer_{number}": {"path": file} | options for number, file in enumerate(files)
            },
        }
    )
    made._folder = folder
    return made


HOMES = text_table(["名称", "经度", "纬度"], ["甲", "118.6", "28.7"], ["乙", "x", "28.7"], ["丙"])


class TestMarks:
    def test_a_cell_has_the_colour_of_its_severity_and_a_comment(self):
        book = marked(
            HOMES,
            problem("facility.bad_place", "error", row=3, column="经度", value="x"),
            problem("facility.no_name", "warning", row=2, column="名称"),
            problem("facility.same_place", "note", row=4, column="名称", value="丙",
                    details={"first": 2, "first_name": "甲"}),
        )  # fmt: skip
        page = book.worksheets[0]
        assert [colour(page[cell]) for cell in ("B3", "A2", "A4")] == [RED, YELLOW, BLUE]
        others = [cell for row in page["A1:C4"] for cell in row]
        assert sum(colour(cell) is not None for cell in others) == 3
        assert "坐标无法识别：x" in page["B3"].comment.text
        assert "请改正坐标" in page["B3"].comment.text
        assert [page.cell(row, 1).value for row in (1, 2, 3, 4)] == ["名称", "甲", "乙", "丙"]

    def test_two_columns_in_one_problem_are_both_marked(self):
        page = marked(HOMES, problem(row=3, column="经度, 纬度")).worksheets[0]
        assert [colour(page[cell]) for cell in ("A3", "B3", "C3")] == [None, YELLOW, YELLOW]

    def test_a_problem_without_a_column_tints_its_whole_row(self):
        page = marked(HOMES, problem(row=2)).worksheets[0]
        assert {colour(cell) for cell in page[2][:3]} <= PALE
        assert {colour(cell) for row in (1, 3, 4) for cell in page[row]} == {None}

    def test_the_worst_of_several_gives_the_colour_and_a_cell_covers_its_row(self):
        page = marked(
            HOMES,
            problem(row=3, column="经度", severity="note"),
            problem(row=3, column="经度", severity="error"),
            problem(row=3, severity="warning"),
        ).worksheets[0]
        assert colour(page["B3"]) == RED
        assert {colour(page["A3"]), colour(page["C3"])} <= PALE

    def test_a_problem_of_a_whole_column_is_shown_at_its_title(self):
        page = marked(HOMES, problem(column="经度", severity="fatal")).worksheets[0]
        assert colour(page["B1"]) == RED
        assert page.max_column == 3

    def test_the_last_column_says_what_is_wrong_in_the_language_of_the_project(self):
        for language, title, word in (("zh", "问题", "没有坐标"), ("en", "Problems", "no coord")):
            page = marked(HOMES, problem(row=2), language=language).worksheets[0]
            assert page["D1"].value == title
            assert word in page["D2"].value
            assert page["D3"].value is None

    def test_the_last_sheet_lists_every_problem_and_leads_to_its_cell(self):
        book = marked(
            HOMES,
            problem(row=3, column="经度", value="x"),
            problem(
                "columns.missing", "fatal", column="name", value="z", details={"known": "名称"}
            ),
        )
        page = book.worksheets[-1]
        assert page.title == "问题清单"
        assert [page.cell(row, 1).value for row in (4, 5)] == ["致命", "警告"]
        assert [page.cell(5, column).value for column in (3, 4, 5)] == [3, "经度", "x"]
        assert page["C5"].hyperlink.location == "'homes'!B3"
        assert page["C4"].hyperlink is None

    def test_letters_of_a_column_are_understood(self):
        page = marked(HOMES, problem("table.cell_without_value", row=3, column="C")).worksheets[0]
        assert colour(page["C3"]) == YELLOW

    def test_notes_and_blank_rows_stay_no_records(self):
        table = text_table(["名称"], ["甲"], [""], ["注：测试"])
        page = marked(
            table,
            problem("table.blank_rows", "note", row=3, details={"count": 1}),
            problem("table.note_row", "note", row=4, value="注：测试", action="set_aside"),
        ).worksheets[0]
        assert page.max_column == 1
        assert colour(page["A4"]) in PALE

    def test_at_most_a_thousand_comments(self):
        rows = [["甲", "x"] for _ in range(1500)]
        found = [problem(row=row, column="经度") for row in range(2, 1502)]
        page = marked(text_table(["名称", "经度"], *rows), *found).worksheets[0]
        cells = [page.cell(row, 2) for row in range(2, 1502)]
        assert all(colour(cell) == YELLOW for cell in cells)
        assert sum(cell.comment is not None for cell in cells) == 1000


class TestHostile:
    @pytest.mark.parametrize(
        "text", ["=1+1", '=cmd|" /C calc"!A1', "+1", "-1", "@SUM(A1)", "#REF!"]
    )
    def test_texts_never_become_formulae(self, text):
        table = text_table(["名称", "经度"], [text, "x"])
        found = problem(
            "facility.duplicate", row=2, column="名称", value=text, details={"first": 2}
        )
        data = marked_workbook(table, [found], language="en", as_of=DAY)
        book = openpyxl.load_workbook(BytesIO(data))
        for page in book.worksheets:
            for row in page.iter_rows():
                assert all(cell.data_type in ("s", "n") for cell in row)
        assert book.worksheets[0]["A2"].value == text
        with zipfile.ZipFile(BytesIO(data)) as archive:
            for name in archive.namelist():
                assert b"<f>" not in archive.read(name)

    def test_control_characters_and_lone_surrogates_are_replaced(self):
        table = text_table(["名称"], ["甲\x00\x1b[2J\ud800\uffff"])
        page = marked(table, problem(row=2)).worksheets[0]
        assert page["A2"].value == "甲\ufffd\ufffd[2J\ufffd\ufffd"

    def test_names_of_files_are_safe_and_differ(self, tmp_path):
        names = ["../../a.csv", "sub/A.xlsx", "a.ods", "con.csv", 'x:y"<>|.csv', ".csv", "长" * 99]
        sources = [text_table(["名称"], ["甲"], file=name) for name in names]
        found = [problem(row=2, file=name) for name in names]
        copies = write_marked(sources, found, tmp_path / "m", language="zh", as_of=DAY)
        written = sorted(path.name for path in (tmp_path / "m").iterdir())
        assert sorted(copy.name for copy in copies) == written
        assert [copy.name for copy in copies][:5] == [
            "a.xlsx",
            "A (2).xlsx",
            "a (3).xlsx",
            "con_.xlsx",
            "x y.xlsx",
        ]
        assert len({name.casefold() for name in written}) == len(names)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["m"]

    @pytest.mark.parametrize("title", ["[a]:*?/\\", "'", "长" * 40, ""])
    def test_names_of_sheets_that_excel_refuses_are_mended(self, title):
        book = marked(text_table(["名称"], ["甲"], sheet=title), problem(row=2, sheet=title))
        assert 1 <= len(book.worksheets[0].title) <= 31
        assert book.worksheets[0]["B2"].value is not None

    def test_nothing_is_written_without_problems(self, tmp_path):
        assert write_marked([HOMES], [], tmp_path / "m", language="zh", as_of=DAY) == []
        assert list(tmp_path.iterdir()) == []


class TestWorkbooks:
    @pytest.fixture
    def source(self, tmp_path):
        """Return the path of a workbook with formats, a formula, a comment and merged titles."""
        book = openpyxl.Workbook()
        page = book.active
        page.title = "名单"
        page["A1"] = "养老机构名单"
        page.merge_cells("A1:C1")
        for row in (["名称", "床位", "合计"], ["甲", 30, "=B3*2"], ["乙", "三十", "=B4*2"]):
            page.append(row)
        page["A3"].font = Font(bold=True, color="00FF0000")
        page["A3"].fill = PatternFill("solid", start_color="00CCCCCC")
        page["B4"].comment = Comment("核对", "office")
        page["B3"].number_format = "0.00"
        page.column_dimensions["A"].width = 33
        book.create_sheet("别的")["A1"] = "不动"
        book.save(tmp_path / "homes.xlsx")
        return tmp_path / "homes.xlsx"

    def test_formats_and_formulae_of_an_xlsx_stay(self, source):
        (original,) = read_originals(project(source.parent, "homes.xlsx"), {"homes.xlsx": [4]})
        assert original.workbook == source.read_bytes()
        found = problem(
            "facility.bad_number", row=4, column="床位", sheet="名单", file="homes.xlsx",
            value="三十",
        )  # fmt: skip
        book = marked(original, found)
        page = book["名单"]
        assert book.sheetnames == ["名单", "别的", "问题清单"]
        assert (page["C3"].value, page["C4"].value) == ("=B3*2", "=B4*2")
        assert page["A3"].font.bold
        assert colour(page["A3"]) == "00CCCCCC"
        assert page["B3"].number_format == "0.00"
        assert page.column_dimensions["A"].width == 33
        assert [str(item) for item in page.merged_cells.ranges] == ["A1:C1"]
        assert colour(page["B4"]) == YELLOW
        assert page["B4"].comment.text.startswith("核对\n\n[警告] 不是一个数：三十")
        assert (page["D2"].value, page["D1"].value) == ("问题", None)
        assert page["D4"].value.startswith("[警告]")
        assert [[cell.value for cell in row] for row in book["别的"]] == [["不动"]]

    def test_a_merged_cell_can_be_marked(self, source):
        (original,) = read_originals(project(source.parent, "homes.xlsx"), {"homes.xlsx": []})
        found = [problem("table.merged_number", row=1, column=letter, sheet="名单",
                         file="homes.xlsx", value="1", details={"last": 1})
                 for letter in ("A", "C")]  # fmt: skip
        page = marked(original, *found)["名单"]
        assert colour(page["A1"]) == YELLOW
        assert page["A1"].comment.text.count("[警告]") == 2

    def test_a_workbook_with_a_document_type_is_copied_as_text(self, source):
        packed = BytesIO()
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(packed, "w") as new:
            for name in old.namelist():
                data = old.read(name)
                if name == "docProps/app.xml":
                    data = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'
                new.writestr(name, data)
        source.write_bytes(packed.getvalue())
        (original,) = read_originals(project(source.parent, "homes.xlsx"), {"homes.xlsx": [4]})
        assert original.workbook is None
        book = marked(original, problem(row=4, sheet="名单", file="homes.xlsx"))
        assert book["名单"]["A4"].value == "乙"
        assert {colour(cell) for cell in book["名单"][4][:3]} <= PALE

    def test_a_workbook_that_openpyxl_cannot_open_is_copied_as_text(self, source):
        (original,) = read_originals(project(source.parent, "homes.xlsx"), {"homes.xlsx": [4]})
        odd = Original(original.file, original.sheets, workbook=b"PK no workbook")
        book = marked(odd, problem(row=4, sheet="名单", file="homes.xlsx"))
        assert book["名单"]["A3"].value == "甲"


class TestOriginals:
    def test_rows_stand_where_they_stand_in_the_source(self, tmp_path):
        text = '名单,,\n\n名称,备注,床位\n"甲","第一行\n第二行",3\n乙,,x\n'
        (tmp_path / "homes.csv").write_bytes(text.encode("gb18030"))
        (original,) = read_originals(project(tmp_path, "homes.csv"), {"homes.csv": [5]})
        (sheet,) = original.sheets
        assert sheet.rows[-1] == 5
        assert sheet.columns["床位"] == 2
        page = marked(original, problem(row=5, column="床位")).worksheets[0]
        assert (page["A5"].value, page["B4"].value) == ("乙", "第一行\n第二行")
        assert colour(page["C5"]) == YELLOW

    def test_of_a_large_file_only_the_rows_at_fault_are_written(self, tmp_path):
        rows = [f"院{row},{row}" for row in range(2, 3002)]
        (tmp_path / "homes.csv").write_text(
            "名称,床位\n" + "\n".join(rows) + "\n", encoding="utf-8"
        )
        (original,) = read_originals(
            project(tmp_path, "homes.csv"), {"homes.csv": [7, 2999]}, large_cells=1000
        )
        assert not original.whole
        book = marked(original, problem(row=2999, column="床位"), problem(row=7))
        page = book.worksheets[0]
        cells = [[cell.value for cell in row] for row in page.iter_rows(max_col=3)]
        assert cells == [["原行号", "名称", "床位"], [7, "院7", "7"], [2999, "院2999", "2999"]]
        assert colour(page["C3"]) == YELLOW
        assert "在原文件中改正" in book.worksheets[-1]["A1"].value
        assert book.worksheets[-1]["C4"].hyperlink.location == "'homes'!A2"

    def test_a_declared_encoding_is_used(self, tmp_path):
        (tmp_path / "homes.csv").write_bytes("名稱,經度\n中央里,1\n".encode("big5"))
        found = read_originals(project(tmp_path, "homes.csv", encoding="big5"), {"homes.csv": []})
        assert found[0].sheets[0].cells[1][0] == "中央里"

    def test_what_is_no_table_is_left_out(self, tmp_path):
        (tmp_path / "page.xls").write_text("<html></html>", encoding="utf-8")
        (tmp_path / "binary.csv").write_bytes(b"\x00\x01\x02")
        (tmp_path / "cut.xlsx").write_bytes(b"PK\x03\x04 cut")
        (tmp_path / "a.geojson").write_text("{}", encoding="utf-8")
        names = ["page.xls", "binary.csv", "cut.xlsx", "a.geojson", "none.csv", ""]
        assert read_originals(project(tmp_path, "page.xls"), dict.fromkeys(names, ())) == []


def test_the_same_inputs_give_the_same_bytes_and_one_date():
    found = [problem(row=row, column="经度") for row in (2, 3)]
    one, two = (marked_workbook(HOMES, found, language="zh", as_of=DAY) for _ in range(2))
    assert one == two
    with zipfile.ZipFile(BytesIO(one)) as archive:
        assert {member.date_time for member in archive.infolist()} == {(2025, 12, 31, 0, 0, 0)}
        core = archive.read("docProps/core.xml")
    assert core.count(b"2025-12-31T00:00:00Z") == 2
