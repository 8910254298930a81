"""Whether the layers and levels that competition and clusters are asked for are there."""

from __future__ import annotations

from collections.abc import Iterator

from servicecircle.problems import Problem
from servicecircle.project import LEVELS, Project

__all__ = ["cluster_units", "settings_faults"]


def cluster_units(project: Project, level: str) -> str:
    """Return the level of the units that clusters of a level are made of.

    Parameters
    ----------
    project : Project
    level : str
        One of ``project.clusters``.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"county": {"path": "a.gpkg"}, "township": {"path": "b.gpkg"}},
    ...     "facilities": {"canteen": {"path": "c.csv"}},
    ...     "clusters": {"planning_unit": {"people": 10000}},
    ... })
    >>> cluster_units(project, "planning_unit")
    'township'
    """
    settings = next(one for name, one in project.clusters.items() if name == level)
    return settings.units or [name for name in LEVELS if name in project.boundaries][-1]


def settings_faults(project: Project) -> Iterator[Problem]:
    """Yield what the tables of competition and of clusters name and the project does not give.

    Parameters
    ----------
    project : Project

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "b.gpkg"}},
    ...     "facilities": {"canteen": {"path": "c.csv"}},
    ...     "catchments": {"cantene": {"minutes": 15}},
    ... })
    >>> [(fault.code, fault.details["near"]) for fault in settings_faults(project)]
    [('project.competition_layer', 'canteen')]
    """
    layers = list(project.facilities)
    for table, named in (("catchments", project.catchments), ("assignment", project.assignment)):
        for name, settings in named.items():
            layer = settings.layer or name
            if layer not in project.facilities:
                where = (table, name) if settings.layer is None else (table, name, "layer")
                yield project.fault("project.competition_layer", where, value=layer, known=layers)
    levels: list[str] = [level for level in LEVELS if level in project.boundaries]
    for name, asked in project.clusters.items():
        if name in project.boundaries:
            where = ("clusters", name)
            yield project.fault("project.cluster_drawn", where, value=name, known=levels)
        unknown = [
            (key, level)
            for key, level in (("units", asked.units), ("within", asked.within))
            if level is not None and level not in levels
        ]
        for key, level in unknown:
            where = ("clusters", name, key)
            yield project.fault("project.cluster_level", where, value=level, known=levels)
        above = levels[: levels.index(cluster_units(project, name))] if not unknown else []
        if asked.within is not None and not unknown and asked.within not in above:
            where = ("clusters", name, "within")
            yield project.fault("project.cluster_within", where, value=asked.within, known=above)
