"""Where the demo city is: the copy in the package, else the checkout's ``data/``."""

from __future__ import annotations

from pathlib import Path

from servicecircle.errors import InputError
from servicecircle.problems import Problem

__all__ = ["demo_project"]


def demo_project() -> Path:
    """Return the project file of the invented demo city.

    Raises
    ------
    InputError
        If neither copy is there.

    Examples
    --------
    >>> demo_project().name
    'demo.toml'
    """
    package = Path(__file__).resolve().parent
    candidates = (package / "demo" / "demo.toml", package.parents[1] / "data" / "demo.toml")
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise InputError(
        Problem(
            code="input.missing_file",
            severity="fatal",
            action="stopped",
            value=" / ".join(str(candidate) for candidate in candidates),
        )
    )
