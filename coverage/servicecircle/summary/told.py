"""What a command tells, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from servicecircle.messages import Language
from servicecircle.problems import Problem
from servicecircle.results import LayerInfo
from servicecircle.standards.registry import LayerWords

__all__ = ["Summary", "layer_title"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a command tells when it is done.

    Parameters
    ----------
    lines : mapping of language to tuple of str
    problems : tuple of Problem
    """

    lines: Mapping[Language, tuple[str, ...]]
    problems: tuple[Problem, ...]

    def text(self, language: Language) -> str:
        """Return the lines in one language."""
        return "\n".join(self.lines[language])


def layer_title(words: LayerWords | LayerInfo, language: Language) -> str:
    """Return what a layer is called.

    Examples
    --------
    >>> from servicecircle.standards.registry import load_registry
    >>> layer_title(load_registry().layers["canteen"], "zh")
    '老年食堂（助餐点）'
    """
    return words.zh if language == "zh" else words.en
