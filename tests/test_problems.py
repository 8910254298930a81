"""Problem records: their text in both languages, and their table."""

from __future__ import annotations

import dataclasses

import pytest

from servicecircle.problems import COLUMNS, Problem, problem_table, shorten


def test_the_text_says_what_where_rule_and_remedy():
    problem = Problem(
        code="input.unreadable",
        severity="fatal",
        file="a.xlsx",
        sheet="名单",
        row=7,
        column="床位",
        value="a.xlsx",
        action="stopped",
        details={"reason": "cut off"},
    )
    assert problem.text("en").splitlines() == [
        "a.xlsx [名单] row 7 “床位”: the file cannot be read: a.xlsx",
        "  the file must be whole and of the format that its name says",
        "  export it again from the program it came from (cut off)",
    ]
    assert problem.text("zh").splitlines() == [
        "a.xlsx [名单] 第 7 行 “床位”：无法读取文件：a.xlsx",
        "  文件须完整且格式正确",
        "  请用原来的软件重新导出该文件（cut off）",
    ]


def test_where_says_only_what_is_known():
    def where(**place):
        return Problem(code="input.empty_layer", severity="note", **place).where()

    assert where() == ""
    assert where(file="a.csv") == "a.csv"
    assert where(row=3) == "row 3"
    assert where(file="a.csv", column="x") == "a.csv “x”"


def test_without_a_place_the_text_starts_with_what():
    text = Problem(code="input.empty_layer", severity="fatal").text("zh")
    assert text.startswith("图层为空")


@pytest.mark.parametrize("length", [0, 1, 199, 200, 201, 5000])
def test_long_values_are_cut(length):
    text = shorten("长" * length)
    assert len(text) == min(length, 200)
    assert text.endswith("…") == (length > 200)


def test_braces_and_formulae_in_a_value_stay_text():
    problem = Problem(code="input.missing_file", severity="fatal", value="=1+{reason}{0}")
    assert problem.text("en").startswith("file not found: =1+{reason}{0}\n")


def test_details_may_not_hide_a_field_that_they_do_not_name():
    problem = Problem(code="input.unreadable", severity="fatal", value="a", details={"value": "b"})
    assert problem.fields()["value"] == "b"
    assert problem.value == "a"


def test_the_table_has_a_row_a_problem_fatal_ones_first_else_in_order():
    problems = [
        Problem(code="input.empty_layer", severity="note", file="1"),
        Problem(code="input.missing_file", severity="fatal", file="2", value="b", action="stopped"),
        Problem(code="input.empty_layer", severity="note", file="3", row=12),
        Problem(code="input.empty_layer", severity="error", file="4", action="set_aside"),
        Problem(code="input.empty_layer", severity="warning", file="5", column="x", sheet="s"),
    ]
    table = problem_table(iter(problems), "en")
    assert list(table.columns) == list(COLUMNS)
    assert table["file"].tolist() == ["2", "4", "5", "1", "3"]
    assert table["action"].tolist() == ["stopped", "set_aside", "flagged", "flagged", "flagged"]
    assert table["row"].dtype == "Int64"
    assert table["row"].isna().tolist() == [True, True, True, True, False]
    assert table.loc[4, "row"] == 12
    assert table.loc[0, "rule"] == (
        "file not found: b; paths are relative to the folder of the project file"
    )
    assert problem_table(problems, "zh").loc[0, "rule"].startswith("找不到文件：b；路径相对于")


def test_a_message_without_a_rule_is_not_left_with_a_semicolon():
    note = Problem(code="vector.reader_note", severity="note", file="a.shp", value="odd ring")
    assert problem_table([note], "en").loc[0, "rule"] == "said while reading: odd ring"
    assert note.text("en") == "a.shp: said while reading: odd ring"


def test_an_empty_table_keeps_its_columns():
    table = problem_table([], "zh")
    assert (list(table.columns), len(table)) == (list(COLUMNS), 0)


def test_a_problem_does_not_change():
    problem = Problem(code="input.empty_layer", severity="note")
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.row = 3
