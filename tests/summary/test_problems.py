"""What is told of problems: the worst first, rows with one fault together, the rest counted."""

from __future__ import annotations

import pytest

from servicecircle.problems import Problem
from servicecircle.summary.problems import problem_lines


def problem(code="facility.no_place", severity="warning", **where):
    return Problem(code=code, severity=severity, **where)


def test_worst_come_first():
    lines = problem_lines(
        [
            problem(severity="note", file="a.csv", row=2),
            problem(severity="error", file="b.csv", row=3),
            problem(severity="warning", file="c.csv", row=4),
        ],
        "en",
    )
    heads = [line for line in lines if line.startswith("[")]
    assert [head.split("]")[0][1:] for head in heads] == ["error", "warning", "note"]


def test_rows_with_one_fault_are_one_text_and_other_files_are_not():
    rows = [problem(file="a.csv", row=row) for row in range(2, 15)]
    lines = problem_lines([*rows, problem(file="b.csv", row=2)], "en")
    assert sum(line.startswith("[") for line in lines) == 2
    assert "  the same in 12 more rows: 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, …" in lines


def test_problems_of_whole_files_are_never_joined():
    lines = problem_lines([problem(file="a.csv"), problem(file="a.csv")], "en")
    assert sum(line.startswith("[") for line in lines) == 2


@pytest.mark.parametrize(("language", "said"), [("en", "and 10 more"), ("zh", "另有 10 条")])
def test_twenty_texts_are_shown_and_the_rest_counted(language, said):
    many = [problem(file=f"{n}.csv", row=row) for n in range(25) for row in (2, 3)]
    lines = problem_lines(many, language)
    assert sum(line.startswith("[") for line in lines) == 20
    assert said in lines[-1]
