"""The exceptions of the package.

::

    ServiceCircleError
    ├── InputError (ValueError)       the inputs are wrong; carries every fault found
    │   ├── ProjectError              the project file or a plan file
    │   └── CrsError                  a coordinate system or a datum is missing, mixed or unproved
    ├── SitingError (ValueError)      a siting study asks for what cannot be; carries every fault
    ├── OutputError (ValueError)      the output folder cannot be written or is not ours
    └── UnknownNameError (LookupError)  no layer, plan, profile or level of that name
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from servicecircle.messages import Language
from servicecircle.problems import Problem

__all__ = [
    "CrsError",
    "InputError",
    "OutputError",
    "ProjectError",
    "ServiceCircleError",
    "SitingError",
    "UnknownNameError",
]


class ServiceCircleError(Exception):
    """Base of all errors that the package raises on purpose."""

    def text(self, language: Language) -> str:  # noqa: ARG002 - subclasses word it by language
        """Return the error in one language, one fault after the other."""
        return str(self)


class InputError(ServiceCircleError, ValueError):
    """The inputs are wrong.

    Parameters
    ----------
    problems : Problem or iterable of Problem
        Every fault found, all at once.
    """

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(problem.text("en") for problem in self.problems))

    def text(self, language: Language) -> str:
        """Return all faults in one language."""
        return "\n".join(problem.text(language) for problem in self.problems)


class ProjectError(InputError):
    """The project file, or a plan file, is wrong.

    Parameters
    ----------
    problems : Problem or iterable of Problem
    language : {"zh", "en"}, optional
        What the file itself asks for; its faults are told in it.
    """

    def __init__(
        self, problems: Problem | Iterable[Problem], *, language: Language | None = None
    ) -> None:
        super().__init__(problems)
        self.language = language

    def text(self, language: Language) -> str:
        """Return all faults in the language of the file, else in the one given."""
        return super().text(self.language or language)


class CrsError(InputError):
    """A coordinate system or a datum is missing, mixed or unproved."""


class SitingError(InputError):
    """A siting study asks for what cannot be, or for what no sites can give."""


class OutputError(InputError):
    """The output folder cannot be written, or holds something that is not ours."""


class UnknownNameError(ServiceCircleError, LookupError):
    """There is no layer, plan, profile or level of that name."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        near = difflib.get_close_matches(name, self.known, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        super().__init__(f'no {kind} "{name}"{hint} Known: {", ".join(self.known)}')
