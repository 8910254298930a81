"""Service circles, coverage rates and plan scorecards of public facilities.

The names below are the public ones; each is loaded when it is first used, so that
``import servicecircle`` stays light.

Examples
--------
>>> import servicecircle
>>> servicecircle.load_project.__module__
'servicecircle.project'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from servicecircle.errors import (
        CrsError,
        InputError,
        OutputError,
        ProjectError,
        ServiceCircleError,
        UnknownNameError,
    )
    from servicecircle.problems import Problem, problem_table
    from servicecircle.project import Project, load_project
    from servicecircle.results import LayerInfo, Results

__version__ = "0.1.0"

__all__ = [
    "CrsError",
    "InputError",
    "LayerInfo",
    "OutputError",
    "Problem",
    "Project",
    "ProjectError",
    "Results",
    "ServiceCircleError",
    "UnknownNameError",
    "__version__",
    "load_project",
    "problem_table",
]

# Where each public name lives; the same as the imports above, which are for type checkers.
_HOMES = {
    "errors": (
        "CrsError",
        "InputError",
        "OutputError",
        "ProjectError",
        "ServiceCircleError",
        "UnknownNameError",
    ),
    "problems": ("Problem", "problem_table"),
    "project": ("Project", "load_project"),
    "results": ("LayerInfo", "Results"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
