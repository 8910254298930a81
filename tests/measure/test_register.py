"""Open at a date, and what is said where dates and status disagree."""

from __future__ import annotations

import datetime as dt
import itertools

import pandas as pd
import pytest

from servicecircle.measure.register import is_open, register_problems

DAY = dt.date(2025, 12, 31)
BEFORE, AFTER = "2025-12-31", "2026-01-01"


def register(**row):
    base = {
        "layer": "canteen",
        "name": "甲",
        "status": "",
        "opened": None,
        "closed": None,
        "planned": None,
        "source_file": "a.csv",
        "source_sheet": "",
        "source_row": 2,
    }
    table = pd.DataFrame([base | row])
    for column in ("opened", "closed", "planned"):
        table[column] = pd.to_datetime(table[column])
    return table


@pytest.mark.parametrize(
    ("row", "opened", "code"),
    [
        ({}, True, ""),
        ({"opened": BEFORE}, True, ""),
        ({"opened": AFTER}, False, ""),
        ({"closed": BEFORE}, False, ""),
        ({"closed": AFTER}, True, ""),
        ({"status": "open", "opened": AFTER}, False, "open_before_its_date"),
        ({"status": "open", "closed": BEFORE}, False, "open_though_closed"),
        ({"status": "planned"}, False, ""),
        ({"status": "planned", "opened": BEFORE}, False, "planned_though_opened"),
        ({"status": "planned", "opened": AFTER}, False, ""),
        ({"status": "planned", "planned": AFTER}, False, ""),
        ({"status": "planned", "planned": BEFORE}, False, "plan_is_over"),
        ({"planned": AFTER}, False, ""),
        ({"planned": BEFORE}, False, "plan_is_over"),
        ({"planned": BEFORE, "opened": BEFORE}, True, ""),
        ({"status": "open", "planned": BEFORE}, True, ""),
        ({"status": "closed"}, False, ""),
        ({"status": "closed", "closed": AFTER}, True, "closes_later"),
        ({"status": "closed", "closed": BEFORE}, False, ""),
    ],
)
def test_which_rule_wins_and_what_is_said(row, opened, code):
    table = register(**row)
    assert is_open(table, DAY).tolist() == [opened]
    problems = register_problems(table, DAY)
    assert [one.code for one in problems] == ([f"register.{code}"] if code else [])
    for problem in problems:
        assert (problem.file, problem.row) == ("a.csv", 2)
        assert "甲" in problem.text("zh")


def test_a_facility_opens_and_closes_once_as_time_goes_on():
    days = [dt.date(year, 6, 30) for year in range(2015, 2031)]
    table = register(opened="2018-01-01", closed="2024-01-01", status="closed")
    answers = [bool(is_open(table, day).iloc[0]) for day in days]
    assert [key for key, _ in itertools.groupby(answers)] == [False, True, False]
    assert answers.count(True) == 6


def test_a_table_without_planned_dates_and_without_rows():
    table = register().drop(columns="planned")
    assert is_open(table, DAY).tolist() == [True]
    assert register_problems(table, DAY) == []
    assert is_open(table.iloc[:0], DAY).empty
