"""What ``run.json`` says of the datum of every source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from servicecircle.problems import Problem
from servicecircle.project import Project

__all__ = ["datum_record"]

_DETECTED = ("vector.datum_detected", "facility.datum_detected", "population.datum_detected")


def datum_record(project: Project, problems: Iterable[Problem]) -> dict[str, Mapping[str, object]]:
    """Return the datum of every source that has one, how it is known, and the evidence.

    Parameters
    ----------
    project : Project
    problems : iterable of Problem
        Of the inputs; the notes of the test among them.

    Returns
    -------
    dict
        Table of the project file → ``datum``; ``known_by`` (declared, assumed, or test with
        ``confidence`` and ``evidence``); ``taken_as`` and ``less_than_m`` for CGCS2000, which is
        taken as WGS84.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "a.gpkg"}},
    ...     "facilities": {"canteen": {"path": "b.csv", "datum": "cgcs2000"}},
    ... })
    >>> datum_record(project, [])["facilities.canteen"]
    {'datum': 'cgcs2000', 'known_by': 'declared', 'taken_as': 'wgs84', 'less_than_m': 1.0}
    """
    problems = list(problems)
    found = {problem.file: problem for problem in problems if problem.code in _DETECTED}
    assumed = {one.file for one in problems if one.code == "vector.datum_assumed"}
    sources: list[tuple[str, str, str | None]] = [
        (f"boundaries.{name}", one.path.as_posix(), one.datum)
        for name, one in project.boundaries.items()
    ]
    sources += [
        (f"facilities.{name}", one.path.as_posix(), one.datum)
        for name, one in project.facilities.items()
    ]
    if project.roads is not None:
        sources.append(("roads", project.roads.path.as_posix(), project.roads.datum))
    if project.population is not None:
        points = project.population.points
        file = "" if points is None else points.as_posix()
        sources.append(("population", file, project.population.datum))
    record: dict[str, Mapping[str, object]] = {}
    for name, file, datum in sources:
        entry: dict[str, object] = {}
        if datum == "auto" and file in found:
            problem = found[file]
            entry = {
                "datum": problem.value,
                "known_by": "test",
                "confidence": problem.details["confidence"],
                "evidence": problem.details["evidence"],
            }
        elif datum is None and file in assumed:
            entry = {"datum": "wgs84", "known_by": "assumed, as RFC 7946 has GeoJSON in WGS84"}
        elif datum not in (None, "auto"):
            entry = {"datum": datum, "known_by": "declared"}
        if datum == "cgcs2000":
            entry |= {"taken_as": "wgs84", "less_than_m": 1.0}
        if entry:
            record[name] = entry
    return record
