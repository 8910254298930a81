"""How people travel: a mode, a speed on it, a speed on the access legs, and what stops them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from servicecircle.errors import UnknownNameError
from servicecircle.inputs.raw_roads import Mode

__all__ = ["PROFILES", "Profile", "class_speeds", "drive_kmh", "profile"]

_WALK_KMH = 4.0


@dataclass(frozen=True, slots=True)
class Profile:
    """A way to travel.

    Parameters
    ----------
    name : str
    speed_kmh : float
        Over the network; NaN where it goes by road class.
    mode : {"walk", "wheelchair", "ebike", "cycle", "drive"}
        Whose ways it uses.
    leg_kmh : float, optional
        Over the access legs, and where cyclists dismount; None: as over the network.
    class_kmh : mapping of str to float
        Speed by road class; empty where it is one speed.
    hilly : bool
        Whether slopes change the speed.
    max_slope : float
        Steepest slope that is passed, rise over run.

    Raises
    ------
    ValueError
        If a speed is not above 0 and finite.

    Examples
    --------
    >>> Profile("walk", 4.0).seconds(1000.0)
    900.0
    >>> Profile("walk", 0.0)
    Traceback (most recent call last):
    ValueError: speed 0.0 km/h of walk: must be above 0, finite
    """

    name: str
    speed_kmh: float
    mode: Mode = "walk"
    leg_kmh: float | None = None
    class_kmh: Mapping[str, float] = field(default_factory=dict, hash=False)
    hilly: bool = False
    max_slope: float = float("inf")

    def __post_init__(self) -> None:
        """Refuse a speed at which nobody arrives."""
        speeds = list(self.class_kmh.values()) if self.class_kmh else [self.speed_kmh]
        for speed in [*speeds, *([] if self.leg_kmh is None else [self.leg_kmh])]:
            if not 0.0 < speed < float("inf"):
                raise ValueError(f"speed {speed} km/h of {self.name}: must be above 0, finite")

    @property
    def metres_per_second(self) -> float:
        """Speed in m/s; NaN where it goes by road class."""
        return self.speed_kmh / 3.6

    @property
    def access_kmh(self) -> float:
        """Speed over the access legs."""
        return self.speed_kmh if self.leg_kmh is None else self.leg_kmh

    @property
    def one_speed(self) -> bool:
        """Whether flat ways and access legs all have the one speed."""
        return not self.class_kmh and self.leg_kmh is None

    def seconds(self, metres: float) -> float:
        """Return the time for a distance in metres at the one speed."""
        return metres * 3.6 / self.speed_kmh

    def metres(self, minutes: float) -> float:
        """Return the distance within a time in minutes at the one speed."""
        return minutes * self.speed_kmh * 1000.0 / 60.0


@cache
def drive_kmh() -> Mapping[str, float]:
    """Return the packaged speeds of driving by road class, in km/h.

    Examples
    --------
    >>> drive_kmh()["residential"], drive_kmh()["other"]
    (30.0, 30.0)
    """
    file = resources.files("servicecircle") / "network" / "drive.toml"
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    return MappingProxyType({name: float(speed) for name, speed in table.items()})


def _profiles() -> Mapping[str, Profile]:
    nan = float("nan")
    found = (
        Profile("walk", _WALK_KMH, hilly=True),
        Profile("elderly", 3.0, hilly=True),
        Profile("wheelchair", 3.0, "wheelchair", hilly=True, max_slope=0.08),
        Profile("ebike", 15.0, "ebike", _WALK_KMH),
        Profile("cycle", 12.0, "cycle", _WALK_KMH),
        Profile("drive", nan, "drive", _WALK_KMH, drive_kmh()),
    )
    return MappingProxyType({one.name: one for one in found})


PROFILES = _profiles()


def profile(name: str, *, speed_kmh: float | None = None) -> Profile:
    """Return a profile by name, at its default or a given speed.

    Parameters
    ----------
    name : str
        One of ``PROFILES``.
    speed_kmh : float, optional
        Not for ``drive``, whose speeds go by road class.

    Returns
    -------
    Profile

    Raises
    ------
    UnknownNameError
        If there is no such profile.
    ValueError
        If the speed is not above 0, or given for ``drive``.

    Examples
    --------
    >>> profile("elderly").metres(15)
    750.0
    >>> profile("drive").class_kmh["motorway"]
    100.0
    """
    if name not in PROFILES:
        raise UnknownNameError("profile", name, PROFILES)
    known = PROFILES[name]
    if speed_kmh is None:
        return known
    if known.class_kmh:
        raise ValueError(f"{name} goes by road class: give its speeds in class_kmh")
    return Profile(
        name,
        speed_kmh,
        known.mode,
        known.leg_kmh,
        known.class_kmh,
        known.hilly,
        known.max_slope,
    )


def class_speeds(
    class_kmh: Mapping[str, float], class_names: tuple[str, ...], way_class: NDArray[np.int16]
) -> NDArray[np.float64]:
    """Return the speed of each way by its class.

    Parameters
    ----------
    class_kmh : mapping of str to float
        With a speed for ``other``.
    class_names : tuple of str
        A name of several classes (``"primary;service"``) has the speed of its slowest.
    way_class : numpy.ndarray of int16, shape (m,)
        Index into ``class_names``.

    Returns
    -------
    numpy.ndarray of float, shape (m,)

    Examples
    --------
    >>> speeds = class_speeds(drive_kmh(), ("byway", "primary;service"), np.array([1, 0], np.int16))
    >>> speeds.tolist()
    [15.0, 30.0]
    """
    other = class_kmh["other"]
    table = [
        min(class_kmh.get(one.strip(), other) for one in name.split(";")) for name in class_names
    ]
    return np.array([*table, other])[way_class]
