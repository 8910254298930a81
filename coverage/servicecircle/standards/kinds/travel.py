"""distance and travel_time: the share of people within reach."""

from __future__ import annotations

from servicecircle.standards.evidence import FASTEST_KMH
from servicecircle.standards.journeys import in_metres, in_seconds
from servicecircle.standards.kinds.base import Measured, Study
from servicecircle.standards.kinds.communities import measure_communities
from servicecircle.standards.kinds.reach import (
    KMH,
    Reach,
    people_share,
    profile_of,
    residuals_in,
    start,
    within,
)
from servicecircle.standards.plan import Indicator
from servicecircle.standards.things import reached_people
from servicecircle.standards.uncertainty import bounds_of

__all__ = ["measure_distance", "measure_travel_time"]


def measure_distance(indicator: Indicator, study: Study, year: int | None) -> Measured:  # noqa: ARG001 - a stock at the date of judgement
    """Measure the share of older people within so many metres of a facility, in per cent.

    Of all people, where the denominator is ``population``.

    ``value`` is the share over the network, or along the straight line where that is what the
    clause or a pin says; ``straight_value`` is the straight-line share. People without a number
    are not covered and stay in the denominator.

    What bounds the answer, and is named as a cause of its width:

    - ``definition``: the clause does not say which distance is meant, nor does a pin, so the
      answer lies between the network's share and the straight-line one;
    - ``unsnapped``: people too far from the network for a number, as they are (not covered) in
      ``low``, and in ``high`` covered where the straight line is short enough;
    - ``roads``: there are none. The straight-line share is the most that any network can give, so
      falling short of the target proves failure; reaching it proves nothing;
    - ``coordinates``: a facility with a position error may be so many metres nearer (``high``) or
      farther (``low``);
    - ``cell_size`` or ``people_coordinates``: people live anywhere in the cell of a raster, or
      within the error of their point, and so nearer or farther;
    - ``edge``: near where a road leads out of the study area, beyond which no facility is known,
      somebody may be served from beyond (``high``);
    - ``residuals``: units have as many people as their points or as the official figure says, or
      any number between.
    """
    people, weight, access, stopped = start(indicator, study, reached_people(indicator))
    if stopped is not None:
        return stopped
    limit = indicator.threshold or 0.0
    meaning = study.pins.get(indicator.id, indicator.distance or "unstated")
    straight = within(access["straight_metres"], limit)
    doubts, always = {"coordinates", "edge", study.evidence.people_cause}, set[str]()
    value = straight if meaning == "straight" else None
    if meaning != "straight" and study.evidence.has_roads:
        value = within(access["metres"], limit)
        doubts |= {"unsnapped", "definition"} if meaning == "unstated" else {"unsnapped"}
    elif meaning != "straight":
        always = {"definition", "roads"} if meaning == "unstated" else {"roads"}
    journeys = in_metres(access, people, limit=limit, straight=meaning == "straight")
    residuals = residuals_in(indicator, study, people)
    bounds = bounds_of(journeys, weight, doubts, always=always, residuals=residuals)
    reach = Reach(
        people=people,
        weight=weight,
        value=value,
        straight=straight,
        journeys=journeys,
        bounds=bounds,
        residuals=residuals,
    )
    notes = (study.note(f"pinned_{meaning}"),) if indicator.id in study.pins else ()
    return people_share(
        reach,
        indicator,
        study,
        notes=notes,
        ambiguous=meaning == "unstated",
        need_roads=meaning != "straight",
    )


def measure_travel_time(indicator: Indicator, study: Study, year: int | None) -> Measured:
    """Measure the share of older people within so many minutes of a facility, in per cent.

    Of all people, where the denominator is ``population``.

    The way goes over the network at the speed of the rule's profile, else of the layer's.
    ``straight_value`` is the share whose straight line takes no longer, beside it.

    What bounds the answer, and is named as a cause of its width:

    - ``speed``: for the profile ``elderly``, 2.5 to 4 km/h, a declared assumption, on the same
      metres;
    - ``unsnapped``: as in :func:`measure_distance`, at the fastest speed;
    - ``roads``: there are none; the straight line at the fastest speed bounds the share;
    - ``coordinates``, ``cell_size``, ``people_coordinates``, ``edge``, ``residuals``: as in
      :func:`measure_distance`.

    An indicator whose denominator is ``units`` is measured by community instead: it passes when
    the mean time of its people to each layer of the basket is at most the threshold.
    """
    if indicator.denominator == "units":
        return measure_communities(indicator, study, year)
    people, weight, access, stopped = start(indicator, study, reached_people(indicator))
    if stopped is not None:
        return stopped
    profile = profile_of(indicator, study, indicator.layer)
    seconds = 60.0 * (indicator.threshold or 0.0)
    speed = study.evidence.speeds[profile]
    crow = speed if speed > 0.0 else FASTEST_KMH
    straight = within(access["straight_metres"] / (crow / KMH), seconds)
    doubts = {"speed", "unsnapped", "coordinates", "edge", study.evidence.people_cause}
    value, always = None, {"roads"}
    if study.evidence.has_roads:
        value, always = within(access["seconds"], seconds), set()
    journeys = in_seconds(access, people, profile=profile, evidence=study.evidence, limit=seconds)
    residuals = residuals_in(indicator, study, people)
    bounds = bounds_of(journeys, weight, doubts, always=always, residuals=residuals)
    reach = Reach(
        people=people,
        weight=weight,
        value=value,
        straight=straight,
        journeys=journeys,
        bounds=bounds,
        residuals=residuals,
    )
    return people_share(
        reach, indicator, study, notes=(), ambiguous=False, need_roads=True, profile=profile
    )
