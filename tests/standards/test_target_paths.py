"""The path from baseline over milestones, held against a slow one in plain Python."""

from __future__ import annotations

import calendar
import datetime as dt
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.standards.plan import Target
from servicecircle.standards.target_paths import expected_at, path_of, year_point


def test_a_year_ends_at_the_next_whole_number():
    assert year_point(dt.date(2020, 12, 31)) == 2021
    assert year_point(dt.date(2021, 1, 1)) == 2021 + 1 / 365
    assert year_point(dt.date(2024, 6, 30)) == 2024 + 182 / 366


def oracle(baseline, milestones, at_most, day):
    """Return the expected value, day by day of the calendar, as a clerk would draw it."""
    days = 366 if calendar.isleap(day.year) else 365
    now = day.year + day.timetuple().tm_yday / days
    points = {year + 1: value for year, value in milestones}
    if baseline is not None and baseline[0] + 1 not in points:
        year, value = baseline
        later = sorted(one for one in points if one > year + 1)
        if later and later[0] == min(points):
            first = points[later[0]]
            better = value < first if at_most else value > first
            points[year + 1] = first if better else value
    times = sorted(points)
    if now < times[0]:
        return None
    before = max(time for time in times if time <= now)
    after = [time for time in times if time > now]
    if not after:
        return points[before]
    part = (now - before) / (after[0] - before)
    return (1 - part) * points[before] + part * points[after[0]]


@settings(deadline=None)
@given(
    baseline=st.none() | st.tuples(st.integers(2018, 2020), st.floats(0, 100)),
    values=st.lists(st.floats(0, 100), min_size=1, max_size=4),
    first=st.integers(2020, 2023),
    operator=st.sampled_from(["at_least", "at_most"]),
    day=st.dates(dt.date(2017, 1, 1), dt.date(2030, 12, 31)),
)
def test_the_path_is_that_of_the_oracle(baseline, values, first, operator, day):
    milestones = [(first + 2 * step, value) for step, value in enumerate(values)]
    path = path_of(
        baseline,
        [Target(year=year, value=value) for year, value in milestones],
        operator=operator,
    )
    found = expected_at(path, year_point(day))
    wanted = oracle(baseline, milestones, operator == "at_most", day)
    if wanted is None:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(wanted, abs=1e-9)
