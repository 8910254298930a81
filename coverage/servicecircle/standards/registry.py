"""The registry: layers, levels, scopes, quantities and attributes, in Chinese and English.

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
from servicecircle.inputs.asked import Asked
from servicecircle.inputs.attribute_words import AttributeWords
from servicecircle.messages import Language

__all__ = [
    "AttributeWords",
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
    built : {"", "in_period", "before"}
        Units built in the plan's period, or before it; told by the polygon where no unit states
        its year.
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
    built: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityWords:
    """What a ratio counts, and the input that gives it.

    Parameters
    ----------
    needs : str
        The input to add, as the project file names it; ``{layer}`` stands for the layer.
    source : str
        Where it is read, ``from`` of the registry: ``facilities``, ``facilities:COLUMN``,
        ``units``, ``units:COLUMN``, ``presence``, ``reach``,
        ``people:population|elderly|urban``, ``staff:ROLE`` or ``statistics:NAME``.
    also : tuple of str
        Layers that count beside the indicator's own.
    titles : tuple of str
        Further titles that the quantity has in tables of figures.

    Examples
    --------
    >>> load_registry().quantities["patients"].kind, load_registry().quantities["units"].kind
    ('statistics', 'units')
    >>> load_registry().quantities["patients"].of, load_registry().quantities["units"].of
    ('patients', '')
    """

    name: str
    zh: str
    en: str
    needs: str
    source: str
    also: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What ``source`` says before the colon."""
        return self.source.partition(":")[0]

    @property
    def of(self) -> str:
        """What ``source`` says after the colon, "" where there is none."""
        return self.source.partition(":")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All words, by name, in the order of ``registry.toml``."""

    layers: Mapping[str, LayerWords] = field(default_factory=dict)
    levels: Mapping[str, LevelWords] = field(default_factory=dict)
    scopes: Mapping[str, ScopeWords] = field(default_factory=dict)
    quantities: Mapping[str, QuantityWords] = field(default_factory=dict)
    attributes: Mapping[str, AttributeWords] = field(default_factory=dict)
    units_zh: Mapping[str, str] = field(default_factory=dict)

    def unit(self, name: str, language: Language, *, own_zh: str = "") -> str:
        """Return a unit of values in one language, as it is written where there are no words.

        Parameters
        ----------
        name : str
            As a plan file writes it.
        language : {"zh", "en"}
        own_zh : str
            The plan file's own words for it in Chinese.

        Examples
        --------
        >>> load_registry().unit("beds per 1000 elderly", "zh"), load_registry().unit("m2", "en")
        ('张/千名老年人', 'm²')
        >>> load_registry().unit("cups", "zh"), load_registry().unit("cups", "zh", own_zh="杯")
        ('cups', '杯')
        """
        if language == "zh":
            return own_zh or self.units_zh.get(name, name)
        return name.replace("m2", "m²")

    def asked(self) -> Asked:
        """Return what inputs are read for: attributes, and the quantities that are figures.

        People come from tables of figures too, where neither points nor units tell of them.

        Examples
        --------
        >>> load_registry().asked().figures["patients"][:2]
        ('居家患者', 'patients living at home')
        >>> "urban_population" in load_registry().asked().figures
        True
        """
        return Asked(
            attributes=self.attributes,
            figures=MappingProxyType(
                {
                    words.of if words.kind == "statistics" else words.name: (
                        words.zh,
                        words.en,
                        *words.titles,
                    )
                    for words in self.quantities.values()
                    if words.kind in {"statistics", "people"}
                }
            ),
        )

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


def _frozen(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry without lists; ``from`` is no name in Python."""
    found: dict[str, Any] = {}
    for key, value in entry.items():
        name = "source" if key == "from" else key
        if isinstance(value, list):
            found[name] = tuple(value)
        elif isinstance(value, dict):
            found[name] = MappingProxyType(_frozen(value))
        else:
            found[name] = value
    return found


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
        "attributes": AttributeWords,
    }
    return Registry(
        **{
            table: MappingProxyType(
                {name: words(name=name, **_frozen(entry)) for name, entry in data[table].items()}
            )
            for table, words in tables.items()
        },
        units_zh=MappingProxyType(data["units_zh"]),
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
