"""The tables of the scorecard, also where they are empty."""

from __future__ import annotations

from servicecircle.standards.scorecard import SCORECARD_COLUMNS, scorecard_table


def test_an_empty_scorecard_keeps_its_columns():
    table = scorecard_table([])
    assert tuple(table.columns) == SCORECARD_COLUMNS
    assert str(table["target_year"].dtype) == "Int64"
