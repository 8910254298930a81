"""Whether the layers and the level that equity is asked for are there."""

from __future__ import annotations

from collections.abc import Iterator

from servicecircle.problems import Problem
from servicecircle.project import LEVELS, Project

__all__ = ["equity_faults"]


def equity_faults(project: Project) -> Iterator[Problem]:
    """Yield what ``[equity]`` names and the project does not give.

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
    ...     "equity": {"layers": ["cantene"], "level": "county"},
    ... })
    >>> [(fault.code, fault.value) for fault in equity_faults(project)]
    [('project.equity_layer', 'cantene'), ('project.equity_level', 'county')]
    """
    settings = project.equity
    if settings is None:
        return
    for layer in settings.layers:
        # Of facilities that are only counted no ways are measured.
        if layer not in project.travel_layers:
            where, known = ("equity", "layers"), project.travel_layers
            yield project.fault("project.equity_layer", where, value=layer, known=known)
    levels = [level for level in LEVELS if level in project.boundaries]
    if settings.level is not None and settings.level not in levels:
        where = ("equity", "level")
        yield project.fault("project.equity_level", where, value=settings.level, known=levels)
