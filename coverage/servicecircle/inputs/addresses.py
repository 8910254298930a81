"""Places for rows without coordinates: by the best match of their address, with its error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.address_words import Hit, WordBook, fold_address, word_book
from servicecircle.inputs.gazetteer import Gazetteer, gazetteer, normalise_name
from servicecircle.inputs.geocoding import Answer
from servicecircle.inputs.raw_roads import RawRoads

__all__ = ["AddressBook", "Found", "Lines", "address_book", "enclosing_circle", "find_place"]

Floats = NDArray[np.float64]

UNIT_WAYS = {"village": "village_level", "township": "township", "county": "county"}
ROADSIDE_M = 50.0
"""A house stands at most this far from its street."""
LONGEST_STREET_M = 10_000.0
"""Lines of one name that no circle of this radius holds are several streets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The segments of the roads that have a name.

    Parameters
    ----------
    lon, lat : numpy.ndarray of float, shape (n, 2)
        Both ends of each segment, WGS84.
    of_name : mapping of str to numpy.ndarray of int
        Segments of each name.
    """

    lon: Floats
    lat: Floats
    of_name: Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AddressBook:
    """What addresses are looked up in: units, streets, and a geocoder where one is to be asked.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        All levels, WGS84.
    book : Gazetteer
    words : mapping of str to WordBook
        By level.
    lines : Lines, optional
    streets : WordBook
    geocode : callable, optional
        Address → Answer or None.
    """

    units: gpd.GeoDataFrame
    book: Gazetteer
    words: Mapping[str, WordBook]
    lines: Lines | None
    streets: WordBook
    geocode: Callable[[str], Answer | None] | None
    _circles: dict[str, tuple[float, float, float]] = field(default_factory=dict)

    def shape(self, unit: str) -> shapely.Geometry:
        """Return the polygon of a unit."""
        rows = np.flatnonzero((self.units["unit_id"] == unit).to_numpy())
        shape: shapely.Geometry = self.units.geometry.iloc[int(rows[0])]
        return shape

    def circle(self, unit: str) -> tuple[float, float, float]:
        """Return the point that stands for a unit, and the metres from it that hold the unit."""
        if unit not in self._circles:
            self._circles[unit] = enclosing_circle(self.shape(unit))
        return self._circles[unit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an address led to.

    Parameters
    ----------
    lon, lat : float
        WGS84; NaN where nothing matches.
    error_m : float
        The true place is at most so far away, if the match is right.
    way : str
        geocoder, street, village, township, county; "" for none.
    name : str
        What matched: the unit, the street, or the geocoder's words.
    doubt : tuple of str
        Names that fit equally well, and so decide nothing.
    elsewhere : str
        What the geocoder said, where that lies outside of the unit stated.
    by : str
        What of the row told the unit: address, name or declared_unit.
    against : str
        Units that the address names beside the one stated, which they contradict.
    """

    lon: float = float("nan")
    lat: float = float("nan")
    error_m: float = float("nan")
    way: str = ""
    name: str = ""
    doubt: tuple[str, ...] = ()
    elsewhere: str = ""
    by: str = "address"
    against: str = ""


def address_book(
    units: gpd.GeoDataFrame,
    *,
    roads: RawRoads | None = None,
    geocode: Callable[[str], Answer | None] | None = None,
) -> AddressBook:
    """Return what addresses are looked up in.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        Table ``units`` of all levels, WGS84.
    roads : RawRoads, optional
        Whose names of streets are used.
    geocode : callable, optional

    Examples
    --------
    >>> town = gpd.GeoDataFrame(
    ...     {"unit_id": ["t"], "code": [""], "name": ["东镇"], "level": ["township"],
    ...      "parent_id": [""]}, geometry=[shapely.box(120, 30, 120.1, 30.1)], crs=4326)
    >>> address_book(town).words["township"].bearers
    {'东镇': ('t',)}
    """
    words = {
        str(level): word_book(zip(rows["name"].astype(str), rows["unit_id"], strict=True))
        for level, rows in units.groupby("level", sort=False)
    }
    named: dict[str, NDArray[np.int64]] = {}
    lines = None
    if roads is not None and len(roads.road_names):
        order = np.argsort(roads.name_index, kind="stable").astype(np.int64)
        ends = np.searchsorted(roads.name_index[order], np.arange(len(roads.road_names) + 1))
        named = {
            name: order[ends[at] : ends[at + 1]] for at, name in enumerate(roads.road_names) if name
        }
        segments = (roads.u, roads.v)
        lines = Lines(
            lon=np.stack([roads.lon[end] for end in segments], axis=1),
            lat=np.stack([roads.lat[end] for end in segments], axis=1),
            of_name=named,
        )
    return AddressBook(
        units=units,
        book=gazetteer(units.drop(columns="geometry")),
        words=words,
        lines=lines,
        streets=word_book((name, name) for name in named),
        geocode=geocode,
    )


def enclosing_circle(shape: shapely.Geometry) -> tuple[float, float, float]:
    """Return a point of a shape and the metres from it within which all of the shape lies.

    The point is the centroid where that lies in the shape, else one inside it; the radius is the
    geodesic distance to the farthest corner.

    Parameters
    ----------
    shape : shapely.Geometry
        WGS84 degrees.

    Examples
    --------
    >>> lon, lat, metres = enclosing_circle(shapely.box(-0.01, -0.01, 0.01, 0.01))
    >>> abs(lon), abs(lat), round(metres)
    (0.0, 0.0, 1569)
    >>> enclosing_circle(shapely.Point(1, 2))
    (1.0, 2.0, 0.0)
    """
    centre = shapely.centroid(shape)
    if shapely.get_dimensions(shape) == 1:
        centre = shapely.shortest_line(shape, centre).interpolate(0.0)
    elif not shapely.intersects(shape, centre):
        centre = shapely.point_on_surface(shape)
    corners = shapely.get_coordinates(shapely.convex_hull(shape))
    return (centre.x, centre.y, _farthest(centre.x, centre.y, corners[:, 0], corners[:, 1]))


def _farthest(lon: float, lat: float, lons: Floats, lats: Floats) -> float:
    from pyproj import Geod

    size = len(lons)
    metres = Geod(ellps="WGS84").inv(np.full(size, lon), np.full(size, lat), lons, lats)[2]
    return float(np.max(metres, initial=0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stated:
    """What a row says of where it is: units by level, the finest that is sure, those in doubt."""

    units: Mapping[str, str]
    by: Mapping[str, str]
    doubt: tuple[str, ...]
    against: tuple[str, ...]


def find_place(
    book: AddressBook,
    *,
    address: str,
    name: str = "",
    unit: str = "",
    parent: str = "",
    ways: Sequence[str],
) -> Found:
    """Place one row by its address: of the ways asked for, by the one with the smallest error.

    ============  =====================================================  ========================
    way           where                                                  error
    ============  =====================================================  ========================
    geocoder      where the service says                                 the extent of its answer,
                                                                         else ``error_m``
    street        the middle of the street inside the finest unit        the farthest end of it,
                  stated                                                 and 50 m
    village,      the middle of the unit that the row declares, else     the farthest corner
    township,     of the one whose name is in the address, else in the
    county        facility's own name
    ============  =====================================================  ========================

    Of several units of a name the one in the coarser units that the row names is meant; where
    that leaves several, none is taken.

    Parameters
    ----------
    book : AddressBook
    address, name, unit, parent : str
        As the list gives them: address, own name, declared unit and declared parent.
    ways : sequence of str
        Of geocoder, street, village, township, county.

    Examples
    --------
    >>> town = gpd.GeoDataFrame(
    ...     {"unit_id": ["t"], "code": [""], "name": ["东镇"], "level": ["township"],
    ...      "parent_id": [""]}, geometry=[shapely.box(-0.01, -0.01, 0.01, 0.01)], crs=4326)
    >>> found = find_place(address_book(town), address="甲县东镇人民路1号", ways=["township"])
    >>> found.way, found.name, round(found.error_m)
    ('township', '东镇', 1569)
    >>> find_place(address_book(town), address="西镇", ways=["township"]).way
    ''
    """
    stated = _stated(book, address=address, name=name, unit=unit, parent=parent)
    found: list[Found] = []
    elsewhere = ""
    for way in ways:
        level = UNIT_WAYS.get(way, "")
        if level and stated.units.get(level):
            found.append(_at_unit(book, stated.units[level], way, by=stated.by[level]))
        elif way == "street":
            found += _at_street(book, fold_address(address), stated)
        elif way == "geocoder" and book.geocode is not None:
            answer = book.geocode(address or name)
            if answer is not None and _is_elsewhere(book, answer, stated):
                elsewhere = answer.found
            elif answer is not None:
                found.append(
                    Found(
                        lon=answer.lon,
                        lat=answer.lat,
                        error_m=answer.error_m,
                        way=way,
                        name=answer.found,
                    )
                )
    placed = [one for one in found if one.way]
    doubt = tuple(dict.fromkeys((*stated.doubt, *(text for one in found for text in one.doubt))))
    if not placed:
        by = "address" if address else "name"
        return Found(doubt=doubt, elsewhere=elsewhere, by=by, against=", ".join(stated.against))
    best = min(placed, key=lambda one: one.error_m)
    return replace(best, doubt=(), elsewhere=elsewhere, against=", ".join(stated.against))


def _stated(book: AddressBook, *, address: str, name: str, unit: str, parent: str) -> _Stated:
    """Settle the units that a row states, from the coarsest to the finest level."""
    units: dict[str, str] = {}
    by: dict[str, str] = {}
    doubt: tuple[str, ...] = ()
    against: list[str] = []
    levels = book.book.levels
    declared = book.book.resolve(unit, levels=levels[::-1], parent=parent)
    above = book.book.resolve(parent, levels=levels) if parent else ""
    for known in (above, declared):
        for level in levels:
            if known and (one := book.book.climb(known, level)):
                units[level], by[level] = one, "declared_unit"
    texts = {"address": fold_address(address), "name": fold_address(name)}
    for level in levels:
        if level in units:
            named = _bearers(book.words[level].find(texts["address"], units=True))
            by[level] = "address" if units[level] in named else by[level]
            against += [book.book.title(one) for one in named if units[level] not in named]
            continue
        for source, text in texts.items():
            hits = book.words[level].find(text, units=True)
            fits = [one for one in _bearers(hits) if _fits(book, one, units, (unit, parent))]
            if len(fits) == 1:
                for one in book.book.ancestors(fits[0]):
                    units.setdefault(book.book.level_of[one], one)
                    by.setdefault(book.book.level_of[one], source)
            elif len(fits) > 1:
                doubt = tuple(sorted(_where(book, one) for one in fits))
            elif source == "address":
                against += [book.book.title(one) for one in _bearers(hits)]
            if hits:
                break
    return _Stated(units=units, by=by, doubt=doubt, against=tuple(dict.fromkeys(against)))


def _where(book: AddressBook, unit: str) -> str:
    """Return the name of a unit, and of the one that it lies in."""
    names = [book.book.title(one) for one in list(book.book.ancestors(unit))[:2]]
    return names[0] if len(names) == 1 else f"{names[0]} ({names[1]})"


def _bearers(hits: Sequence[Hit]) -> list[str]:
    return list(dict.fromkeys(one for hit in hits for one in hit.bearers))


def _fits(book: AddressBook, unit: str, stated: Mapping[str, str], words: Sequence[str]) -> bool:
    """Tell whether a unit lies in all that the row names beside it."""
    chain = {book.book.level_of[one]: one for one in book.book.ancestors(unit)}
    if any(chain.get(level, other) != other for level, other in stated.items()):
        return False
    # A declared text that is none of our units may still name what units lie in.
    own = frozenset().union(*(book.book.words[one] for one in chain.values()))
    above = [word for word in words if word and book.book.knows(word)]
    return all(book.book.names_above(word, unit) or normalise_name(word) in own for word in above)


def _at_unit(book: AddressBook, unit: str, way: str, *, by: str) -> Found:
    lon, lat, metres = book.circle(unit)
    return Found(lon=lon, lat=lat, error_m=metres, way=way, name=book.book.title(unit), by=by)


def _at_street(book: AddressBook, address: str, stated: _Stated) -> list[Found]:
    if book.lines is None:
        return []
    hits = book.streets.find(address, units=False)
    numbered = [hit for hit in hits if address[hit.end : hit.end + 1].isdigit()]
    chosen = numbered if len({hit.name for hit in numbered}) == 1 else hits
    names = _bearers(chosen)
    if len({hit.name for hit in chosen}) > 1:
        return [Found(doubt=tuple(sorted(names)))]
    if not names:
        return []
    rows = np.concatenate([book.lines.of_name[name] for name in names])
    ends = np.stack([book.lines.lon[rows], book.lines.lat[rows]], axis=2)
    segments = np.asarray(shapely.linestrings(ends), dtype=object)
    units = [stated.units[level] for level in book.book.levels[::-1] if level in stated.units]
    for unit in units[:1]:
        # Beyond the finest unit the street is another one of its name.
        inside = np.asarray(shapely.intersection(segments, book.shape(unit)), dtype=object)
        inside = inside[shapely.length(inside) > 0.0]
        if len(inside):
            return [_along(inside, names[0])]
    if units:
        return []
    found = _along(segments, names[0])
    return [found] if found.error_m <= LONGEST_STREET_M else [Found(doubt=(names[0],))]


def _along(segments: NDArray[np.object_], name: str) -> Found:
    lon, lat, metres = enclosing_circle(shapely.union_all(segments))
    return Found(lon=lon, lat=lat, error_m=metres + ROADSIDE_M, way="street", name=name)


def _is_elsewhere(book: AddressBook, answer: Answer, stated: _Stated) -> bool:
    """Tell whether an answer lies outside of the finest unit that the row states."""
    levels = [level for level in book.book.levels[::-1] if level in stated.units]
    if not levels:
        return False
    shape = book.shape(stated.units[levels[0]])
    point = shapely.Point(answer.lon, answer.lat)
    if shapely.intersects(shape, point):
        return False
    near = shapely.shortest_line(point, shape)
    ends = shapely.get_coordinates(near)
    return _farthest(ends[0, 0], ends[0, 1], ends[1:, 0], ends[1:, 1]) > answer.error_m
