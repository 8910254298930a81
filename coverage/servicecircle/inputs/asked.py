"""What a registry asks of inputs by name: attributes of facilities, and figures of units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from servicecircle.inputs.attribute_words import AttributeWords

__all__ = ["NOTHING_ASKED", "Asked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Names that lists and tables are read for, beyond the columns that all of them have.

    Parameters
    ----------
    attributes : mapping of str to AttributeWords
        Of facilities.
    figures : mapping of str to tuple of str
        Name of a figure → titles it comes under in tables of figures.
    """

    attributes: Mapping[str, AttributeWords] = field(default_factory=dict)
    figures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NOTHING_ASKED = Asked()
