"""The tables of a project that name its units: people who work there, and figures."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from servicecircle.inputs.asked import Asked
from servicecircle.inputs.facilities import FacilityData
from servicecircle.inputs.staff import StaffData, read_staff
from servicecircle.inputs.statistics import Area, StatisticData, read_statistics
from servicecircle.inputs.unit_layers import UnitData
from servicecircle.project import LEVELS, Project

__all__ = ["project_staff", "project_statistics"]


def project_staff(
    project: Project, data: UnitData, facilities: Mapping[str, FacilityData]
) -> StaffData | None:
    """Read ``[staff]``; None where the project has none.

    Parameters
    ----------
    project : Project
    data : UnitData
    facilities : mapping of str to FacilityData

    Raises
    ------
    InputError
        See :func:`servicecircle.inputs.staff.read_staff`.

    Examples
    --------
    >>> import datetime as dt
    >>> from servicecircle.inputs.unit_layers import read_units
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "none.geojson"}},
    ...     "facilities": {"canteen": {"path": "none.csv", "datum": "wgs84"}},
    ... })
    >>> data = read_units(project, advance=lambda count: None)
    >>> project_staff(project, data, {}) is None
    True
    """
    if project.staff is None:
        return None
    return read_staff(
        project.staff,
        base=project.folder,
        units=data.units,
        facilities={name: layer.frame for name, layer in facilities.items()},
        as_of=project.project.as_of,
        invented=project.project.invented,
        changes=data.changes,
    )


def project_statistics(project: Project, data: UnitData, asked: Asked) -> StatisticData | None:
    """Read ``[statistics]``; None where the project has none.

    Parameters
    ----------
    project : Project
    data : UnitData
    asked : Asked
        Figures that are known by name.

    Raises
    ------
    InputError
        See :func:`servicecircle.inputs.statistics.read_statistics`.

    Examples
    --------
    >>> from servicecircle.inputs.asked import NOTHING_ASKED
    >>> import datetime as dt
    >>> from servicecircle.inputs.unit_layers import read_units
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "none.geojson"}},
    ...     "facilities": {"canteen": {"path": "none.csv", "datum": "wgs84"}},
    ... })
    >>> data = read_units(project, advance=lambda count: None)
    >>> project_statistics(project, data, NOTHING_ASKED) is None
    True
    """
    settings = project.statistics
    if settings is None:
        return None
    if project.project.invented and not settings.invented:
        settings = settings.model_copy(update={"invented": True})
    return read_statistics(
        settings,
        base=project.folder,
        units=data.units,
        as_of=project.project.as_of,
        figures=asked.figures,
        area=Area(name=project.project.name, level=_area_level(project, data.units)),
        changes=data.changes,
    )


def _area_level(project: Project, units: pd.DataFrame) -> str:
    """Return the level of the whole area: as declared, else by its units; "" unknown.

    One unit of the coarsest level supplied is the area; of several it is one level higher.
    """
    declared = {plan.level for plan in project.plans.values() if plan.level is not None}
    if len(declared) == 1:
        return str(declared.pop())
    for at, level in enumerate(LEVELS):
        count = int((units["level"] == level).sum())
        if count:
            return level if count == 1 or at == 0 else LEVELS[at - 1]
    return ""
