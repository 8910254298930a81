"""Reading a project file: all its faults together, and what of it is usable in spite of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from servicecircle.errors import ProjectError
from servicecircle.problems import Problem
from servicecircle.project.model import Project
from servicecircle.toml_files import (
    key_lines,
    model_faults,
    parse_toml,
    pruned,
    read_bytes,
    with_changes,
)

__all__ = ["load_project", "salvage_project"]

_PRUNINGS = 5
# Rule that goes beyond one table → the table that it needs whole.
_RULES = {
    "project.no_level": "boundaries",
    "project.units_level": "boundaries",
    "project.calibrate_level": "boundaries",
    "project.no_geocoder": "geocode",
}


def load_project(path: Path, *, changes: Iterable[str] = ()) -> Project:
    """Read and validate a project file.

    Parameters
    ----------
    path : pathlib.Path
        A TOML file; paths inside it are relative to its folder.
    changes : iterable of str
        ``table.key=value`` each: settings that take the place of those in the file.

    Raises
    ------
    ProjectError
        With every fault of the file, each with its line.

    Examples
    --------
    >>> load_project(Path("nowhere.toml"))
    Traceback (most recent call last):
    servicecircle.errors.ProjectError: project file not found: nowhere.toml
      the command needs a project file in TOML
      check the path
    """
    project, fault = salvage_project(path, changes=changes)
    if project is None or fault is not None:
        raise fault or ProjectError(())
    return project


def salvage_project(
    path: Path, *, changes: Iterable[str] = ()
) -> tuple[Project | None, ProjectError | None]:
    """Read a project file, and with faults what of it can be used to check its inputs.

    Parameters
    ----------
    path : pathlib.Path
    changes : iterable of str
        See :func:`load_project`.

    Returns
    -------
    project : Project or None
        Without the keys at fault; None where nothing usable is left.
    fault : ProjectError or None
        With every fault of the file; None where there is none.

    Raises
    ------
    ProjectError
        If the file is not there or is no TOML.
    """
    parsed, text = parse_toml(read_bytes(path, missing="project.missing"), name=path.name)
    given = with_changes(parsed, changes)
    fault: ProjectError | None = None
    data = given
    for _ in range(_PRUNINGS):
        try:
            project = Project.model_validate(data)
        except ValidationError as error:
            found = model_faults(error, Project, text, name=path.name)
            if fault is None:
                fault = found
            else:
                # Other faults follow from what was taken out for the first ones.
                rules = [one for one in found.problems if _breaks_a_rule(one, given, data)]
                fault = ProjectError([*fault.problems, *rules], language=fault.language)
            data = _stand_ins(_without_geocoder(data, found) or pruned(data, error))
        else:
            break
    else:
        return None, fault
    project._folder = path.resolve().parent
    project._file = path.name
    project._lines = key_lines(text)
    return project, fault


def _breaks_a_rule(problem: Problem, given: Mapping[str, Any], left: Mapping[str, Any]) -> bool:
    """Tell whether a later fault is one of the file, and not of what was taken out of it."""
    needed = _RULES.get(problem.code)
    return needed is not None and given.get(needed) == left.get(needed)


def _without_geocoder(data: Mapping[str, Any], fault: ProjectError) -> dict[str, Any]:
    """Return a file whose layers ask for no geocoder, empty where that is not its only fault."""
    if [problem.code for problem in fault.problems] != ["project.no_geocoder"]:
        return {}
    layers = {
        name: {**layer, "place_by": [way for way in layer["place_by"] if way != "geocoder"]}
        if "place_by" in layer
        else layer
        for name, layer in data["facilities"].items()
    }
    return {**data, "facilities": layers}


def _stand_ins(data: dict[str, Any]) -> dict[str, Any]:
    """Return a file with what the table ``project`` cannot do without, for checking the rest."""
    table = data.get("project")
    today = dt.datetime.now(tz=dt.UTC).date()
    return {**data, "project": {"name": "–", "as_of": today, **(table or {})}} if data else data
