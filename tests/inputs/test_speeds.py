"""Speed limits and durations in the forms that OpenStreetMap knows."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.inputs.speeds import duration_hours, speed_limit_kmh


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50", 50.0),
        ("50 km/h", 50.0),
        ("50kmh", 50.0),
        ("7.5", 7.5),
        ("30 mph", 48.28032),
        ("30mph", 48.28032),
        ("6 knots", 11.112),
        ("walk", 5.0),
        ("CN:urban", 50.0),
        ("cn:motorway", 120.0),
        ("DE:zone:30", 30.0),
        ("CN:zone40", 40.0),
        ("60|40|20", 20.0),
        ("80; 50", 50.0),
        ("none; 50", 50.0),
    ],
)
def test_limits(text, expected):
    assert speed_limit_kmh(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text", ["", "none", "signals", "variable", "0", "-30", "999", "1e3", "fifty", "FR:urban", "∞"]
)
def test_what_is_no_limit(text):
    assert math.isnan(speed_limit_kmh(text))


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2:45", 2.75),
        ("08:00", 8.0),
        ("00:10", 1 / 6),
        ("0:00:30", 1 / 120),
        ("20", 1 / 3),
        ("PT20M", 1 / 3),
        ("PT1H", 1.0),
        ("pt1h30m", 1.5),
    ],
)
def test_durations(text, hours):
    assert duration_hours(text) == pytest.approx(hours)


@pytest.mark.parametrize("text", ["", "0", "00:00", "PT", "soon", "1 hour", "٣", "-5"])
def test_what_is_no_duration(text):
    assert math.isnan(duration_hours(text))


@given(st.text())
def test_any_text_is_a_number_or_none(text):
    speed, hours = speed_limit_kmh(text), duration_hours(text)
    assert math.isnan(speed) or 0.0 < speed <= 150.0
    assert math.isnan(hours) or hours > 0.0
