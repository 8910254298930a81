"""``[rules]`` and the tables of what is computed beyond them: what it is to be measured with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from servicecircle.project.base import Level, NotNegative, Positive, ProfileName, Settings
from servicecircle.toml_files import BrokenRule

__all__ = [
    "AssignmentSettings",
    "CatchmentSettings",
    "ClusterSettings",
    "EquitySettings",
    "MonteCarloSettings",
    "RuleSettings",
]


class RuleSettings(Settings):
    """``[rules]``: thresholds that every layer is measured with."""

    minutes: list[Positive] = Field(default=[5.0, 10.0, 15.0], min_length=1)
    metres: list[Positive] = Field(default=[1000.0], min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> RuleSettings:
        for name, values in (("minutes", self.minutes), ("metres", self.metres)):
            if len(set(values)) != len(values):
                raise BrokenRule("project.threshold_twice", name=name, values=str(values))
        return self


class _CompetitionSettings(Settings):
    """What people compete for, and how far they go for it."""

    layer: str | None = None
    """Facility layer whose places are competed for; the name of the table where not given."""
    minutes: Positive = 30.0
    """A facility farther than this is out of reach."""
    profile: ProfileName | None = None
    weight: Literal["elderly", "population"] = "elderly"
    """Who competes."""
    outsiders: bool = False
    """People who live in no unit compete too."""


class CatchmentSettings(_CompetitionSettings):
    """``[catchments.NAME]``: places for each person within reach, where people compete."""

    methods: list[Literal["2sfca", "e2sfca", "3sfca"]] = Field(
        default=["2sfca", "e2sfca", "3sfca"], min_length=1
    )
    steps: list[Annotated[list[NotNegative], Field(min_length=2, max_length=2)]] = []
    """Zones of time as [minutes, weight], instead of Gaussian weights."""
    per: Positive = 10000.0
    """Scores are places for so many people."""
    norm: Positive | None = None
    """A score that people are to have."""

    @model_validator(mode="after")
    def _zones(self) -> CatchmentSettings:
        ends = [minutes for minutes, _ in self.steps]
        weights = [weight for _, weight in self.steps]
        ordered = ends == sorted(set(ends)) and weights == sorted(weights, reverse=True)
        if self.steps and not (ordered and ends[-1] == self.minutes and weights[-1] > 0.0):
            raise BrokenRule("project.catchment_steps", minutes=f"{self.minutes:g}")
        if len(set(self.methods)) != len(self.methods):
            raise BrokenRule("project.methods_twice", values=", ".join(self.methods))
        return self


class AssignmentSettings(_CompetitionSettings):
    """``[assignment.NAME]``: each person gets a place at a facility that has room, or none."""

    rules: list[Literal["nearest", "least_time"]] = Field(
        default=["nearest", "least_time"], min_length=1
    )
    share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    """Of these people, the part that needs a place."""

    @model_validator(mode="after")
    def _distinct(self) -> AssignmentSettings:
        if len(set(self.rules)) != len(self.rules):
            raise BrokenRule("project.methods_twice", values=", ".join(self.rules))
        return self


class ClusterSettings(Settings):
    """``[clusters.LEVEL]``: stand-ins for units that nobody has drawn, of about equal people."""

    people: Positive | None = None
    """People of a cluster, about."""
    number: int | None = Field(default=None, ge=1)
    """Clusters, in each unit of ``within`` or in all."""
    weight: Literal["elderly", "population", "units"] = "elderly"
    """Who counts; ``units``: each unit as one."""
    units: Level | None = None
    """Level of the units that are put together; the finest where not given."""
    within: Level | None = None
    """Level whose borders no cluster crosses."""

    @model_validator(mode="after")
    def _one_size(self) -> ClusterSettings:
        if (self.people is None) == (self.number is None):
            raise BrokenRule("project.cluster_size")
        return self


class EquitySettings(Settings):
    """``[equity]``: how evenly ways and rates are spread over people; left out: not computed."""

    layers: list[str] = []
    """Facility layers; none named: all."""
    people: Literal["elderly", "population"] | None = None
    """Who counts; not given: the elderly where they are known, else all people."""
    level: Level | None = None
    """Level of the units held against each other; not given: townships, else the finest."""
    measures: list[Literal["minutes", "metres", "straight_metres"]] = []
    """What is spread over people; not given: minutes, without roads straight metres."""
    minutes: list[Positive] = []
    """Limits of the rates of coverage; not given: the longest of ``[rules]``."""


class MonteCarloSettings(Settings):
    """``[monte_carlo]``: rules of distance and travel time under drawn speeds and places."""

    runs: int = Field(default=200, ge=1, le=100_000)
    seed: int = Field(default=1, ge=0)
