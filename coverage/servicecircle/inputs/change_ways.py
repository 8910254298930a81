"""Names of units before and after, and the ways from one to the other through a change table."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["LONG_AGO", "Change", "Kind", "Node", "Part", "Span", "UnitName", "Way"]

Kind = Literal["", "rename", "recode", "move", "merge", "split"]
Node = tuple[str, str]
"""Level and key of a unit: its code, else its name, with its parent's where that is given."""

# A change without a date lies before all that have one.
LONG_AGO = dt.date.min


@dataclass(frozen=True, slots=True)
class UnitName:
    """A unit as a list calls it.

    Parameters
    ----------
    code, name : str
        One of them may be empty.
    parent : str
        Code or name of the unit above, "" where not given.
    """

    code: str = ""
    name: str = ""
    parent: str = ""

    def called(self) -> str:
        """Return the name, else the code."""
        return self.name or self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row of a change table: a unit before, and one that holds it or a part of it after.

    Parameters
    ----------
    level : str
    before, after : UnitName
    kind : {"rename", "recode", "move", "merge", "split", ""}
    date : datetime.date, optional
        From this day on the unit after exists; None: long ago.
    share : float
        Part of the people of ``before`` that ``after`` holds, from 0 to 1; NaN where not stated.
    source, file : str
    row : int, optional
        As Excel or a text editor counts it.
    """

    level: str
    before: UnitName
    after: UnitName
    kind: Kind
    date: dt.date | None = None
    share: float = math.nan
    source: str = ""
    file: str = ""
    row: int | None = None

    @property
    def when(self) -> dt.date:
        """Return the date, the earliest there is for a change without one."""
        return self.date or LONG_AGO


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A unit that holds another one, or a part of it, at a later or an earlier date.

    Parameters
    ----------
    unit : UnitName
    share : float
        Part of the people, 1 for the whole, NaN where the table does not say.
    steps : tuple of Change
        The way there, in the order of time.
    """

    unit: UnitName
    share: float
    steps: tuple[Change, ...]


Span = tuple[dt.date, dt.date]
"""Changes after the first and up to the second date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way through the table: where it stands, the last date on it, the steps in time's order.

    Changes of unknown date lie before all others; ``done`` holds the units whose own were taken.
    """

    node: Node
    bound: dt.date | None = None
    done: frozenset[Node] = frozenset()
    steps: tuple[Change, ...] = ()

    def may_take(self, row: Change, span: Span, forward: bool) -> bool:
        """Tell whether a change can come next."""
        if row.date is None:
            return self.node not in self.done and (self.bound is None or not forward)
        if not span[0] < row.date <= span[1]:
            return False
        if forward:
            return self.bound is None or row.date > self.bound
        return not self.done and (self.bound is None or row.date < self.bound)

    def onward(self, row: Change, other: Node, forward: bool) -> Way:
        """Return the way one step on."""
        return Way(
            node=other,
            bound=row.date or self.bound,
            done=self.done | {self.node} if row.date is None else self.done,
            steps=(*self.steps, row) if forward else (row, *self.steps),
        )
