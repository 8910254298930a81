"""Facilities as their file holds them: cells as text, places in the file's own coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.inputs.attribute_words import NO_WORDS, ListWords
from servicecircle.inputs.attributes import without_strangers
from servicecircle.inputs.facility_features import features_of_layer, features_of_osm
from servicecircle.inputs.fill_down import filled_down
from servicecircle.inputs.grids import stop
from servicecircle.inputs.only_rows import only_rows
from servicecircle.inputs.osm_extract import OsmSource
from servicecircle.inputs.raw_facilities import RawFacilities, declared_crs, matched_titles
from servicecircle.inputs.tables import read_table
from servicecircle.inputs.text_columns import joined, text_objects
from servicecircle.inputs.values import coordinates, empty_cells, pairs
from servicecircle.inputs.vectors import VECTOR_FORMATS
from servicecircle.project import FacilitySettings

__all__ = ["read_raw"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_OSM = (".osm", ".pbf")


def read_raw(
    settings: FacilitySettings,
    *,
    base: Path,
    selectors: tuple[str, ...] | OsmSource = (),
    words: ListWords = NO_WORDS,
) -> RawFacilities:
    """Read the file of a facility layer, whatever its format: the rows that the project asks for.

    Parameters
    ----------
    settings : FacilitySettings
    base : pathlib.Path
        Folder of the project file.
    selectors : tuple of str or OsmSource
        OpenStreetMap tag selectors of the layer.
    words : ListWords
        Further titles that our columns come under, and the attributes that a list may have.

    Raises
    ------
    InputError
        If the file is missing or broken, or the project names columns that it does not have.
    CrsError
        If its CRS is unknown or contradicts the declared one.

    Examples
    --------
    >>> read_raw(FacilitySettings(path=Path("nowhere.csv")), base=Path())
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: nowhere.csv: file not found: nowhere.csv
    ...
    """
    raw = _read(settings, base, selectors, words)
    named = (*settings.columns, *words.titles)
    raw = without_strangers(raw, words.attributes, file=settings.path.as_posix(), named=named)
    return only_rows(raw, settings)


def _read(
    settings: FacilitySettings,
    base: Path,
    selectors: tuple[str, ...] | OsmSource,
    words: ListWords,
) -> RawFacilities:
    path = base / settings.path
    name = settings.path.as_posix()
    if path.is_dir():
        raise stop("input.folder", file=name, value=name)
    if not path.is_file():
        raise stop("input.missing_file", file=name, value=name)
    suffix = path.suffix.lower()
    asked = {key: one.all_titles for key, one in words.attributes.items()}
    if suffix in _OSM:
        source = selectors if isinstance(selectors, OsmSource) else OsmSource(selectors=selectors)
        return features_of_osm(settings, path, name, source, attributes=asked)
    if suffix in VECTOR_FORMATS:
        return features_of_layer(settings, path, name, words.titles, attributes=asked)
    return _from_table(settings, path, name, words.titles, asked)


def _from_table(
    settings: FacilitySettings,
    path: Path,
    name: str,
    more: Mapping[str, Sequence[str]],
    attributes: Mapping[str, Sequence[str]],
) -> RawFacilities:
    wanted = [*settings.columns.values(), *settings.capacity_sum, *settings.fill_down]
    wanted += [title for titles in more.values() for title in titles]
    table = read_table(
        path,
        name=name,
        sheet=settings.sheet,
        encoding=settings.encoding,
        titles=wanted,
        max_bytes=int(settings.max_unpacked_mb * 1e6),
    )
    table = filled_down(table, settings.fill_down)
    frame = table.frame
    columns = matched_titles(
        settings,
        [str(title) for title in frame.columns],
        more,
        name,
        table.sheet,
        attributes=attributes,
    )
    titles = columns.columns
    x, y = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    given = np.full(len(frame), "", dtype=object)
    place = ""
    for one, other in (("lon", "lat"), ("x", "y")):
        if one in titles and other in titles:
            place = f"{titles[one]}, {titles[other]}"
            x, _ = coordinates(frame[titles[one]])
            y, _ = coordinates(frame[titles[other]])
            given = _pairs_as_given(frame[titles[one]], frame[titles[other]])
        elif one in titles or other in titles:
            raise stop(
                "facility.half_place",
                file=name,
                sheet=table.sheet,
                value=titles.get(one) or titles[other],
                missing=other if one in titles else one,
                known=", ".join(str(title) for title in frame.columns),
            )
    for column in ("lonlat", "latlon"):
        if column in titles:
            place = titles[column]
            x, y, _ = pairs(frame[place], latitude_first=column == "latlon")
            given = text_objects(frame[place])
            given[empty_cells(given)] = ""
    crs, datum = declared_crs(settings, None, name, x, y)
    return RawFacilities(
        frame=frame,
        rows=table.rows.tolist(),
        rows_in=table.rows_in,
        columns=columns,
        x=x,
        y=y,
        given=given,
        place=place,
        crs=crs,
        datum=datum,
        sheet=table.sheet,
        problems=[*table.problems, *columns.problems],
    )


def _pairs_as_given(ones: pd.Series[str], others: pd.Series[str]) -> NDArray[np.object_]:
    given = text_objects(joined(ones, others, between=", "))
    given[empty_cells(ones) & empty_cells(others)] = ""
    return given
