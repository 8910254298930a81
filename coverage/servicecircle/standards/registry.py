"""The registry: facility layers, levels, scopes and quantities, in Chinese and English.

``registry.toml`` is the one list of these words; plans and projects refer to them by name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from servicecircle.errors import UnknownNameError
from servicecircle.messages import Language

__all__ = [
    "LayerWords",
    "LevelWords",
    "QuantityWords",
    "Registry",
    "ScopeWords",
    "layer_info",
    "load_registry",
    "parse_selector",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerWords:
    """One facility layer: its titles, its tag selectors, the wider layer it was split from."""

    name: str
    zh: str
    en: str
    osm: tuple[str, ...] = ()
    group: str = ""

    def title(self, language: Language) -> str:
        """Return the title in one language."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelWords:
    """One level of units; ``order`` counts down from the province, 0 for units to be drawn."""

    name: str
    zh: str
    en: str
    unit_zh: str
    order: int = 0

    @property
    def administrative(self) -> bool:
        """Whether administrative boundaries give the units of this level."""
        return self.order > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeWords:
    """One scope: all, a polygon to be supplied, or a condition on the units of a level.

    Parameters
    ----------
    level : str
        Level whose units the conditions hold for; "" without conditions on units.
    types : tuple of str
        Unit types inside; empty: every type.
    urban : bool, optional
        What ``is_urban`` must be where the type leaves it open.
    name_endings : tuple of str
        Endings of a name that stand for the type where none is given.
    having : str
        Only units that have a facility of this layer.
    polygon : bool
        The scope is an area that the project supplies as ``[boundaries.NAME]``.
    """

    name: str
    zh: str
    en: str
    level: str = ""
    types: tuple[str, ...] = ()
    urban: bool | None = None
    name_endings: tuple[str, ...] = ()
    having: str = ""
    polygon: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityWords:
    """What a ratio counts, and the input that gives it (``{layer}`` stands for the layer)."""

    name: str
    zh: str
    en: str
    needs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All words, by name, in the order of ``registry.toml``."""

    layers: Mapping[str, LayerWords] = field(default_factory=dict)
    levels: Mapping[str, LevelWords] = field(default_factory=dict)
    scopes: Mapping[str, ScopeWords] = field(default_factory=dict)
    quantities: Mapping[str, QuantityWords] = field(default_factory=dict)

    def finer(self, level: str, other: str) -> bool:
        """Return whether a level lies below another one; units to be drawn lie below none.

        Examples
        --------
        >>> load_registry().finer("township", "county")
        True
        >>> load_registry().finer("big_community", "county")
        False
        """
        return self.levels[level].order > self.levels[other].order


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


@cache
def load_registry() -> Registry:
    """Return the packaged registry, read once.

    Examples
    --------
    >>> load_registry().layers["care_home"].zh
    '养老机构'
    >>> "spaceport" in load_registry().layers
    False
    """
    text = (resources.files("servicecircle") / "standards" / "registry.toml").read_text("utf-8")
    data = tomllib.loads(text)
    tables = {
        "layers": LayerWords,
        "levels": LevelWords,
        "scopes": ScopeWords,
        "quantities": QuantityWords,
    }
    return Registry(
        **{
            table: MappingProxyType(
                {name: words(name=name, **_tuples(entry)) for name, entry in data[table].items()}
            )
            for table, words in tables.items()
        }
    )


def layer_info(name: str, extra: Mapping[str, LayerWords] | None = None) -> LayerWords:
    """Return the words of a layer of the registry or of the project's own layers.

    Parameters
    ----------
    name : str
    extra : mapping, optional
        Layers that the project adds; they may not hide one of the registry.

    Raises
    ------
    UnknownNameError
        If neither knows the layer; it names the nearest one.

    Examples
    --------
    >>> layer_info("canteen").en
    'canteen or meal point for older persons'
    >>> layer_info("carehome")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    servicecircle.errors.UnknownNameError: no layer "carehome"; did you mean "care_home"? Known: ...
    """
    registry = load_registry()
    if name in registry.layers:
        return registry.layers[name]
    if extra and name in extra:
        return extra[name]
    raise UnknownNameError("layer", name, (*registry.layers, *(extra or ())))


def parse_selector(selector: str) -> tuple[tuple[str, str], ...]:
    """Split a tag selector ``key=value+key=value`` into the pairs that must all hold.

    A pair ``key!=value``, not the first, must not hold: its key keeps the exclamation mark.

    Raises
    ------
    ValueError
        If a part is not ``key=value``.

    Examples
    --------
    >>> parse_selector("amenity=social_facility+social_facility:for=senior")
    (('amenity', 'social_facility'), ('social_facility:for', 'senior'))
    >>> parse_selector("amenity=social_facility+social_facility!=shelter")[1]
    ('social_facility!', 'shelter')
    >>> parse_selector("amenity")
    Traceback (most recent call last):
    ValueError: "amenity" is no tag selector: write key=value, several joined by +
    """
    pairs: list[tuple[str, str]] = []
    for part in selector.split("+"):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (key.rstrip("!") and equals and value) or (key.endswith("!") and not pairs):
            raise ValueError(
                f'"{selector}" is no tag selector: write key=value, several joined by +'
            )
        pairs.append((key, value))
    return tuple(pairs)
