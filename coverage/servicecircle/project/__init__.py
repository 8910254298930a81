"""The project file: what a run reads, and every choice that changes a result.

The models are the one description of the TOML file; unknown keys are errors that suggest the
nearest known one, and all faults of a file are reported together with their lines. ``base`` holds
what the tables share, the modules beside it the tables by topic, ``model`` the whole file, and
``loading`` reads it.
"""

from servicecircle.project.analyses import (
    AssignmentSettings,
    CatchmentSettings,
    ClusterSettings,
    EquitySettings,
    MonteCarloSettings,
    RuleSettings,
)
from servicecircle.project.base import (
    DRAWN_LEVELS,
    LEVELS,
    ClusterLevel,
    Datum,
    DrawnLevel,
    Level,
    LocalGrid,
    ProfileName,
)
from servicecircle.project.boundaries import BoundarySettings, ChangeSettings, CodeSettings
from servicecircle.project.facilities import FacilitySettings, GeocodeSettings, LayerSettings
from servicecircle.project.figures import StaffSettings, StatisticsSettings
from servicecircle.project.loading import load_project, salvage_project
from servicecircle.project.map import MapSettings
from servicecircle.project.model import Project, ProjectSettings
from servicecircle.project.outputs import FigureSettings, OutputSettings
from servicecircle.project.plans import PlanSettings
from servicecircle.project.population import PopulationSettings
from servicecircle.project.report import ReportSettings
from servicecircle.project.roads import NetworkSettings, RoadSettings
from servicecircle.project.siting import CandidateSettings, SitingSettings, ZoneSettings

__all__ = [
    "DRAWN_LEVELS",
    "LEVELS",
    "AssignmentSettings",
    "BoundarySettings",
    "CandidateSettings",
    "CatchmentSettings",
    "ChangeSettings",
    "ClusterLevel",
    "ClusterSettings",
    "CodeSettings",
    "Datum",
    "DrawnLevel",
    "EquitySettings",
    "FacilitySettings",
    "FigureSettings",
    "GeocodeSettings",
    "LayerSettings",
    "Level",
    "LocalGrid",
    "MapSettings",
    "MonteCarloSettings",
    "NetworkSettings",
    "OutputSettings",
    "PlanSettings",
    "PopulationSettings",
    "ProfileName",
    "Project",
    "ProjectSettings",
    "ReportSettings",
    "RoadSettings",
    "RuleSettings",
    "SitingSettings",
    "StaffSettings",
    "StatisticsSettings",
    "ZoneSettings",
    "load_project",
    "salvage_project",
]
