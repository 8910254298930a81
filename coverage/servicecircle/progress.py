"""How a run tells how far it is; the command line shows it as bars on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["Advance", "Progress", "Silent"]

Advance = Callable[[int], None]


class Progress(Protocol):
    """What a run needs of a progress display."""

    def stage(self, name: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """Open a stage, and give the function that advances it by a number of steps.

        Parameters
        ----------
        name : str
            Key of the stage's label in the texts.
        total : int, optional
            Steps of the stage; None where they are not known.
        """
        ...


class Silent:
    """Shows nothing.

    Examples
    --------
    >>> with Silent().stage("reading", 2) as advance:
    ...     advance(1)
    """

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:  # noqa: ARG002 - the protocol's signature
        """Open a stage that is not shown."""

        def advance(steps: int) -> None:
            del steps

        yield advance
