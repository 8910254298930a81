"""Profiles: speeds by hand."""

from __future__ import annotations

import numpy as np
import pytest

from servicecircle.errors import UnknownNameError
from servicecircle.network.profiles import PROFILES, Profile, class_speeds, drive_kmh, profile


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


def test_every_profile_names_its_mode_and_its_speeds():
    modes = {name: one.mode for name, one in PROFILES.items()}
    assert modes == {
        "walk": "walk",
        "elderly": "walk",
        "wheelchair": "wheelchair",
        "ebike": "ebike",
        "cycle": "cycle",
        "drive": "drive",
    }
    legs = {name: one.access_kmh for name, one in PROFILES.items()}
    # Those who ride or drive walk to their vehicle.
    assert legs == {"walk": 4, "elderly": 3, "wheelchair": 3, "ebike": 4, "cycle": 4, "drive": 4}
    assert [name for name, one in PROFILES.items() if one.one_speed] == [
        "walk",
        "elderly",
        "wheelchair",
    ]


def test_driving_has_no_one_speed():
    with pytest.raises(ValueError, match="class_kmh"):
        profile("drive", speed_kmh=50)
    assert profile("drive").metres(15) != profile("drive").metres(15)  # NaN


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_class_and_leg_speeds_are_refused(speed):
    with pytest.raises(ValueError, match="must be above 0, finite"):
        Profile("drive", float("nan"), "drive", 4.0, {"other": 30.0, "primary": speed})
    with pytest.raises(ValueError, match="must be above 0, finite"):
        Profile("cycle", 12.0, "cycle", speed)


def test_speeds_of_classes():
    names = ("motorway", "byway", "primary;living_street")
    speeds = class_speeds(drive_kmh(), names, np.array([0, 1, 2, 0], np.int16))
    assert speeds.tolist() == [100.0, 30.0, 15.0, 100.0]
    assert class_speeds(drive_kmh(), (), np.empty(0, np.int16)).size == 0
