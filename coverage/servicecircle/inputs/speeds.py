"""Speed limits and durations as OpenStreetMap writes them."""

from __future__ import annotations

import math
import re

__all__ = ["duration_hours", "speed_limit_kmh"]

_KMH = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": 1.609344, "knots": 1.852}
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|knots|)", re.IGNORECASE)
_ZONE = re.compile(r"[A-Z]{2}(?:-[A-Z]+)?:zone:?(\d+)", re.IGNORECASE)
_FASTEST_KMH = 150.0
# Limits that a word stands for. China: regulation of 2004 on the road traffic safety law, § 45
# (one lane each way) and § 78.
_WORDS = {
    "walk": 5.0,
    "cn:living_street": 10.0,
    "cn:urban": 50.0,
    "cn:rural": 70.0,
    "cn:motorway": 120.0,
}
_CLOCK = re.compile(r"(\d+):(\d{1,2})(?::(\d{1,2}))?")
_ISO = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", re.IGNORECASE)


def speed_limit_kmh(text: str) -> float:
    """Return the speed limit that a ``maxspeed`` names, the least of several.

    Parameters
    ----------
    text : str
        A number in km/h or with its unit (``30 mph``), ``walk``, ``CN:urban``, ``CN:zone30``.

    Returns
    -------
    float
        km/h; NaN for no limit (``none``), a word that is not known (``signals``), and for what no
        road has: 0, or more than 150.

    Examples
    --------
    >>> speed_limit_kmh("50"), speed_limit_kmh("20 mph"), speed_limit_kmh("CN:urban")
    (50.0, 32.18688, 50.0)
    >>> speed_limit_kmh("50; 40"), speed_limit_kmh("none")
    (40.0, nan)
    """
    speeds = [_one(part.strip()) for part in re.split("[;|,]", text)]
    return min((speed for speed in speeds if 0.0 < speed <= _FASTEST_KMH), default=math.nan)


def _one(text: str) -> float:
    zone = _ZONE.fullmatch(text)
    number = _NUMBER.fullmatch(text)
    if zone:
        return float(zone[1])
    if number:
        return float(number[1]) * _KMH[number[2].lower()]
    return _WORDS.get(text.lower(), math.nan)


def duration_hours(text: str) -> float:
    """Return the hours of a ``duration``: ``H:MM``, ``H:MM:SS``, minutes, or ISO 8601.

    Examples
    --------
    >>> duration_hours("2:45"), duration_hours("00:10:30"), duration_hours("6"), duration_hours("")
    (2.75, 0.175, 0.1, nan)
    >>> duration_hours("PT1H30M")
    1.5
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text) / 60.0 or math.nan
    found = _CLOCK.fullmatch(text) or (_ISO.fullmatch(text) if len(text) > len("PT") else None)
    if found is None:
        return math.nan
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (hours * 3600 + minutes * 60 + seconds) / 3600.0 or math.nan
