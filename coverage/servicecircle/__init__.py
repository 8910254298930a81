"""Service circles, coverage rates and plan scorecards of public facilities.

The names below are the public ones; each is loaded when it is first used, so that
``import servicecircle`` stays light. Conversions between datums take and return arrays of
longitude and latitude; a ``Project`` is read from a file by ``load_project`` and measured by
``study_project`` (tables in memory) or ``run_project`` (a folder of results); where to build next
is told by ``study_sites`` or ``propose_sites``.

Examples
--------
>>> import servicecircle as sc
>>> sc.load_project(sc.demo_project()).project.invented
True
>>> sc.profile("elderly").metres(15)
750.0
>>> sc.wgs84_to_gcj02([], [])[0].shape
(0,)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from servicecircle.circles import CirclesDrawn, draw_circles
    from servicecircle.crs import MetricCrs, metric_crs
    from servicecircle.datums import (
        bd09_to_gcj02,
        bd09_to_wgs84,
        gcj02_to_bd09,
        gcj02_to_wgs84,
        in_mainland_china,
        to_wgs84,
        wgs84_to_bd09,
        wgs84_to_gcj02,
    )
    from servicecircle.demo import demo_project
    from servicecircle.errors import (
        CrsError,
        InputError,
        OutputError,
        ProjectError,
        ServiceCircleError,
        SitingError,
        UnknownNameError,
    )
    from servicecircle.measure.access import reaches
    from servicecircle.measure.assignment import Placement, least_time, nearest_first
    from servicecircle.measure.catchments import Competition, floating_catchments, gaussian_weights
    from servicecircle.measure.contiguous import contiguous_clusters
    from servicecircle.measure.presence import is_open
    from servicecircle.network.profiles import PROFILES, Profile, profile
    from servicecircle.problems import Problem, problem_table
    from servicecircle.project import Project, load_project
    from servicecircle.results import LayerInfo, Results
    from servicecircle.site import SiteRequest, propose_sites, study_sites
    from servicecircle.standards.indicators import load_plan, packaged_plans
    from servicecircle.standards.plan import Plan
    from servicecircle.study import check_project, run_project, study_project
    from servicecircle.summary.told import Summary

__version__ = "0.1.0"

__all__ = [
    "PROFILES",
    "CirclesDrawn",
    "Competition",
    "CrsError",
    "InputError",
    "LayerInfo",
    "MetricCrs",
    "OutputError",
    "Placement",
    "Plan",
    "Problem",
    "Profile",
    "Project",
    "ProjectError",
    "Results",
    "ServiceCircleError",
    "SiteRequest",
    "SitingError",
    "Summary",
    "UnknownNameError",
    "__version__",
    "bd09_to_gcj02",
    "bd09_to_wgs84",
    "check_project",
    "contiguous_clusters",
    "demo_project",
    "draw_circles",
    "floating_catchments",
    "gaussian_weights",
    "gcj02_to_bd09",
    "gcj02_to_wgs84",
    "in_mainland_china",
    "is_open",
    "least_time",
    "load_plan",
    "load_project",
    "metric_crs",
    "nearest_first",
    "packaged_plans",
    "problem_table",
    "profile",
    "propose_sites",
    "reaches",
    "run_project",
    "study_project",
    "study_sites",
    "to_wgs84",
    "wgs84_to_bd09",
    "wgs84_to_gcj02",
]

# Where each public name lives; the same as the imports above, which are for type checkers.
_HOMES = {
    "circles": ("CirclesDrawn", "draw_circles"),
    "crs": ("MetricCrs", "metric_crs"),
    "datums": (
        "bd09_to_gcj02",
        "bd09_to_wgs84",
        "gcj02_to_bd09",
        "gcj02_to_wgs84",
        "in_mainland_china",
        "to_wgs84",
        "wgs84_to_bd09",
        "wgs84_to_gcj02",
    ),
    "demo": ("demo_project",),
    "errors": (
        "CrsError",
        "InputError",
        "OutputError",
        "ProjectError",
        "ServiceCircleError",
        "SitingError",
        "UnknownNameError",
    ),
    "measure.access": ("reaches",),
    "measure.assignment": ("Placement", "least_time", "nearest_first"),
    "measure.catchments": ("Competition", "floating_catchments", "gaussian_weights"),
    "measure.contiguous": ("contiguous_clusters",),
    "measure.presence": ("is_open",),
    "network.profiles": ("PROFILES", "Profile", "profile"),
    "problems": ("Problem", "problem_table"),
    "project": ("Project", "load_project"),
    "results": ("LayerInfo", "Results"),
    "site": ("SiteRequest", "propose_sites", "study_sites"),
    "standards.indicators": ("load_plan", "packaged_plans"),
    "standards.plan": ("Plan",),
    "study": ("check_project", "run_project", "study_project"),
    "summary.told": ("Summary",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
