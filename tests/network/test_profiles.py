"""Profiles: speeds by hand."""

from __future__ import annotations

import pytest

from servicecircle.errors import UnknownNameError
from servicecircle.network.profiles import PROFILES, Profile, profile


@pytest.mark.parametrize(
    ("name", "minutes", "metres"),
    [("walk", 15, 1000), ("walk", 10, 2000 / 3), ("elderly", 15, 750), ("elderly", 5, 250)],
)
def test_metres_in_minutes(name, minutes, metres):
    assert profile(name).metres(minutes) == pytest.approx(metres, rel=1e-15)
    assert profile(name).seconds(metres) == pytest.approx(60 * minutes, rel=1e-15)


def test_own_speed():
    assert profile("walk", speed_kmh=4.8).metres_per_second == pytest.approx(4.8 / 3.6)
    assert profile("walk", speed_kmh=4.8).name == "walk"
    assert PROFILES["walk"].speed_kmh == 4.0


@pytest.mark.parametrize("speed", [0.0, -3.0, float("inf"), float("nan")])
def test_a_speed_at_which_nobody_arrives_is_refused(speed):
    with pytest.raises(ValueError, match="must be above 0, finite"):
        Profile("walk", speed)


def test_unknown_profile_lists_the_known():
    with pytest.raises(UnknownNameError, match="walk"):
        profile("wlak")
