"""Addresses asked of a service through geopy; its answers are kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from servicecircle.cache import keep_answer, kept_answer
from servicecircle.datums import to_wgs84
from servicecircle.errors import InputError
from servicecircle.problems import Problem, nearest_name
from servicecircle.project import GeocodeSettings

__all__ = ["Answer", "geocoder"]

_BOX = 4
_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Where a service puts an address: WGS84 degrees, metres of error, its own words."""

    lon: float
    lat: float
    error_m: float
    found: str


def geocoder(
    settings: GeocodeSettings, *, service: Any = None, keep: bool = True
) -> Callable[[str], Answer | None]:
    """Return the function that asks a service for an address.

    An answer that states its extent (``boundingbox``, as Nominatim's) has the distance to its
    farthest corner as its error, others ``error_m``. What was answered, also that nothing was
    found, is kept in the cache folder and not asked again.

    Parameters
    ----------
    settings : GeocodeSettings
    service : object, optional
        With a method ``geocode`` as geopy's; made by geopy on the first question where not given.
    keep : bool
        Whether to keep answers on disk.

    Raises
    ------
    InputError
        When it is asked: if geopy is not installed, has no such geocoder or refuses the options,
        or the service does not answer.

    Examples
    --------
    >>> class Service:
    ...     def geocode(self, query):
    ...         return None
    >>> settings = GeocodeSettings(geocoder="mine", datum="wgs84", error_m=100.0)
    >>> geocoder(settings, service=Service(), keep=False)("nowhere") is None
    True
    """
    made: list[Any] = [] if service is None else [service.geocode]

    def ask(query: str) -> Mapping[str, Any] | None:
        if not made:
            made.append(_service(settings))
        try:
            found = made[0](query)
        except (KeyError, ValueError, TypeError, OSError, RuntimeError) as error:
            raise _failed(settings, query, error) from None
        except Exception as error:
            # geopy's own errors have no base but Exception, and geopy may not be there to name it.
            if type(error).__module__.partition(".")[0] != "geopy":
                raise
            raise _failed(settings, query, error) from None
        return None if found is None else _plain(found)

    def answer(address: str) -> Answer | None:
        query = address.strip()
        if not query:
            return None
        if settings.area and not query.startswith(settings.area):
            query = settings.area + query
        key = _key(settings, query)
        kept = kept_answer("geocode", key) if keep else None
        if kept is None:
            found = ask(query)
            kept = {"query": query, "answer": found}
            if keep:
                keep_answer("geocode", key, kept)
        return _answer(settings, kept["answer"])

    return answer


def _key(settings: GeocodeSettings, query: str) -> str:
    """Return what an answer depends on; secrets among the options are hashed with it."""
    options = sorted((name, str(value)) for name, value in settings.options.items())
    return repr((settings.geocoder, options, query))


def _service(settings: GeocodeSettings) -> Callable[[str], Any]:
    """Return geopy's geocoder, slowed down to the pause that the project asks for."""
    try:
        from geopy import exc, geocoders  # type: ignore[import-untyped]  # geopy has no types
        from geopy.extra import rate_limiter  # type: ignore[import-untyped]  # geopy has no types
    except ImportError:
        raise InputError(_fatal("geocode.no_geopy", value=settings.geocoder)) from None
    try:
        made = geocoders.get_geocoder_for_service(settings.geocoder)(
            **{"timeout": _TIMEOUT_S, **settings.options}
        )
    except exc.GeocoderNotFound:
        known = sorted(geocoders.SERVICE_TO_GEOCODER)
        near = nearest_name(settings.geocoder, known)
        fault = _fatal(
            "geocode.unknown", value=settings.geocoder, known=", ".join(known), near=near
        )
        raise InputError(fault) from None
    except (exc.ConfigurationError, TypeError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            _fatal("geocode.options", value=settings.geocoder, reason=reason)
        ) from None
    limited: Callable[[str], Any] = rate_limiter.RateLimiter(
        made.geocode,
        min_delay_seconds=settings.delay_s,
        max_retries=1,
        swallow_exceptions=False,
    )
    return limited


def _plain(found: Any) -> Mapping[str, Any]:
    raw = found.raw if isinstance(getattr(found, "raw", None), dict) else {}
    box = raw.get("boundingbox")
    return {
        "lon": float(found.longitude),
        "lat": float(found.latitude),
        "box": [float(one) for one in box] if box is not None and len(box) == _BOX else None,
        "found": str(found.address),
    }


def _answer(settings: GeocodeSettings, found: Mapping[str, Any] | None) -> Answer | None:
    if found is None:
        return None
    lon, lat = float(found["lon"]), float(found["lat"])
    error_m = settings.error_m
    if found["box"] is not None:
        from pyproj import Geod

        south, north, west, east = found["box"]
        corners = np.array([[west, south], [west, north], [east, south], [east, north]])
        metres = Geod(ellps="WGS84").inv([lon] * 4, [lat] * 4, corners[:, 0], corners[:, 1])[2]
        error_m = float(np.max(metres))
    x, y = to_wgs84(np.array([lon]), np.array([lat]), datum=settings.datum)
    return Answer(lon=float(x[0]), lat=float(y[0]), error_m=error_m, found=str(found["found"]))


def _fatal(code: str, *, value: str, **details: object) -> Problem:
    return Problem(
        code=code,
        severity="fatal",
        action="stopped",
        column="geocode",
        value=value,
        details=details,
    )


def _failed(settings: GeocodeSettings, query: str, error: Exception) -> InputError:
    reason = (str(error).splitlines() or [type(error).__name__])[0] or type(error).__name__
    return InputError(
        _fatal("geocode.failed", value=query, service=settings.geocoder, reason=reason)
    )
