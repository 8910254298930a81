"""What somebody asks of a siting study, before people and candidates are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from servicecircle.siting.model import Objective

__all__ = ["Criterion", "Question"]

Criterion = Literal["seconds", "metres", "straight_metres"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a siting study.

    Parameters
    ----------
    layers : tuple of str
        Facility layers that a new site is to serve; several services in one site where there are
        several.
    objective : Objective
        See :class:`servicecircle.siting.model.Goal`.
    limit : float
        Seconds or metres within which a site serves, inclusive.
    criterion : {"seconds", "metres", "straight_metres"}
        What the limit is in: over the network, or metres in a straight line.
    profile : str
        That people travel with to the first layer.
    profiles : mapping of str to str
        Layer → profile, for layers that are travelled to otherwise.
    people : {"population", "elderly"}
        Whom sites serve.
    level : str
        Of the units that floors and presence hold for, and that are told before and after.
    scope : str
        Only people within it count; ``all``: everybody.
    sites : int, optional
    budget : float, optional
    by_cost : bool
    share : float, optional
        Of all people, for ``fewest``. None: everybody whom any candidate reaches, or, where
        floors or presence are asked for, nobody beyond those.
    floor : float, optional
        Least share of the people of each unit, for each layer.
    each : int
        Least number of open sites in each unit that should have one, of each layer.
    closings : int
        Existing sites that may be closed for others.
    capacities : bool
        Whether a site serves no more people than it has places for.
    need : float
        Share of the people who need a place, with ``capacities``.
    where_possible : bool
        Ask of each unit, and of all, no more than the candidates can give.
    """

    layers: tuple[str, ...]
    objective: Objective
    limit: float
    criterion: Criterion
    profile: str
    people: Literal["population", "elderly"]
    level: str
    scope: str = "all"
    sites: int | None = None
    budget: float | None = None
    by_cost: bool = False
    share: float | None = None
    floor: float | None = None
    each: int = 0
    closings: int = 0
    capacities: bool = False
    need: float = 1.0
    where_possible: bool = False
    profiles: Mapping[str, str] = field(default_factory=dict)

    def profile_to(self, layer: str) -> str:
        """Return the profile that people travel with to a layer."""
        return self.profiles.get(layer, self.profile)

    @property
    def everybody(self) -> bool:
        """Whether all who can be reached are to be covered, as nothing less was asked for."""
        return (
            self.objective == "fewest"
            and self.share is None
            and self.floor is None
            and self.each == 0
        )
