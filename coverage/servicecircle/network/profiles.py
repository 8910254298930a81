"""How people travel: a speed for each profile."""

from __future__ import annotations

from dataclasses import dataclass

from servicecircle.errors import UnknownNameError

__all__ = ["PROFILES", "Profile", "profile"]


@dataclass(frozen=True, slots=True)
class Profile:
    """A way to travel.

    Parameters
    ----------
    name : str
    speed_kmh : float
        Over the network and over the access legs.

    Examples
    --------
    >>> Profile("walk", 4.0).seconds(1000.0)
    900.0
    """

    name: str
    speed_kmh: float

    def __post_init__(self) -> None:
        """Refuse a speed at which nobody arrives."""
        if not 0.0 < self.speed_kmh < float("inf"):
            raise ValueError(f"speed {self.speed_kmh} km/h of {self.name}: must be above 0, finite")

    @property
    def metres_per_second(self) -> float:
        """Speed in m/s."""
        return self.speed_kmh / 3.6

    def seconds(self, metres: float) -> float:
        """Return the time for a distance in metres."""
        return metres * 3.6 / self.speed_kmh

    def metres(self, minutes: float) -> float:
        """Return the distance within a time in minutes."""
        return minutes * self.speed_kmh * 1000.0 / 60.0


PROFILES = {"walk": Profile("walk", 4.0), "elderly": Profile("elderly", 3.0)}


def profile(name: str, *, speed_kmh: float | None = None) -> Profile:
    """Return a profile by name, at its default or a given speed.

    Parameters
    ----------
    name : str
        One of ``PROFILES``.
    speed_kmh : float, optional

    Returns
    -------
    Profile

    Raises
    ------
    UnknownNameError
        If there is no such profile.
    ValueError
        If the speed is not above 0.

    Examples
    --------
    >>> profile("elderly").metres(15)
    750.0
    """
    if name not in PROFILES:
        raise UnknownNameError("profile", name, PROFILES)
    return PROFILES[name] if speed_kmh is None else Profile(name, speed_kmh)
