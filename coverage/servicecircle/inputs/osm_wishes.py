"""What is wanted of an OpenStreetMap file, by selectors of tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from servicecircle.errors import InputError
from servicecircle.problems import Action, Problem, Severity

__all__ = [
    "BUILDINGS",
    "ENTRANCES",
    "RESIDENTIAL_LAND",
    "Selector",
    "Tags",
    "Wish",
    "boundary_wish",
    "facility_wish",
    "items",
    "matches",
    "osm_problem",
    "selector",
]

Tags = dict[str, str]
Selector = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Features that one reader wants of a file.

    Parameters
    ----------
    selectors : tuple of Selector
        A feature is wanted where one of them holds.
    nodes : bool
        Whether nodes are wanted too, and not only ways and relations.
    keep : tuple of str
        Tags that the reader looks at; all where empty.
    """

    selectors: tuple[Selector, ...]
    nodes: bool = False
    keep: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Tags of which a wanted feature has at least one.

        Examples
        --------
        >>> BUILDINGS.keys, Wish(selectors=()).keys
        (('building',), ())
        """
        return tuple(sorted({pairs[0][0] for pairs in self.selectors}))

    def wants(self, tags: Mapping[str, str]) -> bool:
        """Return whether a feature with these tags is wanted.

        Examples
        --------
        >>> BUILDINGS.wants({"building": "yes"}), BUILDINGS.wants({"building": "no"})
        (True, False)
        """
        return any(matches(tags, pairs) for pairs in self.selectors)


BUILDINGS = Wish(
    selectors=((("building", "*"), ("building!", "no")),),
    keep=("building", "building:levels", "name"),
)
RESIDENTIAL_LAND = Wish(
    selectors=((("landuse", "residential"),),), keep=("landuse", "name", "name:zh", "name:en")
)
ENTRANCES = Wish(selectors=((("entrance", "*"),),), nodes=True, keep=("entrance",))


def boundary_wish(admin_level: int) -> Wish:
    """Return the wish for the administrative boundaries of one level.

    Examples
    --------
    >>> boundary_wish(8).wants({"boundary": "administrative", "admin_level": "8"})
    True
    >>> boundary_wish(8).wants({"boundary": "administrative", "admin_level": "6"})
    False
    """
    return Wish(selectors=((("boundary", "administrative"), ("admin_level", str(admin_level))),))


def facility_wish(selectors: tuple[str, ...], *, name: str) -> Wish:
    """Return the wish for the facilities of a layer.

    Parameters
    ----------
    selectors : tuple of str
        See :func:`selector`.
    name : str
        The file as the project names it, for messages.

    Raises
    ------
    InputError
        If a selector cannot be read.

    Examples
    --------
    >>> facility_wish(("amenity=clinic", "healthcare=clinic"), name="a.osm").keys
    ('amenity', 'healthcare')
    """
    return Wish(selectors=tuple(selector(text, name=name) for text in selectors), nodes=True)


def selector(text: str, *, name: str) -> Selector:
    """Read a selector: ``key=value+key=value``, where ``key!=value`` must not hold.

    Parameters
    ----------
    text : str
    name : str
        The file as the project names it, for messages.

    Raises
    ------
    InputError
        If it has no key, no value, or begins with a tag that must not hold.

    Examples
    --------
    >>> selector("amenity=clinic+access!=private", name="a.osm")
    (('amenity', 'clinic'), ('access!', 'private'))
    """
    pairs = tuple(
        (key.strip(), value.strip())
        for key, _, value in (part.partition("=") for part in text.split("+"))
    )
    if not all(key.rstrip("!") and value for key, value in pairs) or pairs[0][0].endswith("!"):
        fault = osm_problem("osm.bad_selector", "fatal", name=name, value=text, action="stopped")
        raise InputError(fault)
    return pairs


def matches(tags: Mapping[str, str], pairs: Selector) -> bool:
    """Return whether a selector holds.

    Examples
    --------
    >>> matches({"amenity": "clinic;doctors"}, (("amenity", "doctors"),)), matches({}, ())
    (True, True)
    """
    return all(
        not _holds(tags, key[:-1], value) if key.endswith("!") else _holds(tags, key, value)
        for key, value in pairs
    )


def _holds(tags: Mapping[str, str], key: str, value: str) -> bool:
    return key in tags and (value in ("*", tags[key]) or value in items(tags[key]))


def items(value: str) -> list[str]:
    """Return the values that a tag lists.

    Examples
    --------
    >>> items("senior; disabled"), items("")
    (['senior', 'disabled'], [''])
    """
    return [item.strip() for item in value.split(";")]


def osm_problem(
    code: str,
    severity: Severity,
    *,
    name: str,
    value: str,
    action: Action = "set_aside",
    **details: object,
) -> Problem:
    """Return a problem with one feature.

    Examples
    --------
    >>> osm_problem("osm.no_place", "error", name="a.osm", value="node/1").action
    'set_aside'
    """
    return Problem(
        code=code, severity=severity, file=name, value=value, action=action, details=details
    )
