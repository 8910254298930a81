"""Service circles on request: the layers and times that somebody asks for, as files for a GIS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from servicecircle.errors import InputError
from servicecircle.inputs.load import read_inputs
from servicecircle.measure.ground import lay_ground
from servicecircle.measure.layers import Circles, all_circles
from servicecircle.messages import Language, label
from servicecircle.network.simplified import simplified
from servicecircle.outputs.circle_files import write_circles
from servicecircle.outputs.folder import check_folder, publish
from servicecircle.outputs.run_record import write_run_record
from servicecircle.outputs.tables import write_csv
from servicecircle.problems import Problem, problem_table
from servicecircle.progress import Progress, Silent
from servicecircle.project import Project
from servicecircle.record import record_of
from servicecircle.standards.names import settle_names

__all__ = ["CirclesDrawn", "draw_circles", "drawn_text"]

_WGS84 = "EPSG:4326"
_PRINTED = ("layer", "minutes", "profile", "area_m2", "population", "elderly")


@dataclass(frozen=True, slots=True, kw_only=True)
class CirclesDrawn:
    """What was drawn.

    Parameters
    ----------
    circles : geopandas.GeoDataFrame
        layer, facility_id ("" for the circle of the whole layer), profile, minutes, area_m2,
        population, elderly (people inside by travel time), cell_m, draw_m (of the drawing),
        geometry in EPSG:4326.
    overlaps : geopandas.GeoDataFrame
        layer, profile, minutes (the longest), facilities (so many circles overlap, at least).
    areas : geopandas.GeoDataFrame
        The longest circle of each layer parted by nearest facility; the columns of ``circles``.
    cell_m : float
        Cell of the drawing.
    problems : tuple of Problem
    """

    circles: gpd.GeoDataFrame
    overlaps: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame
    cell_m: float
    problems: tuple[Problem, ...]


def draw_circles(
    project: Project,
    layers: Sequence[str],
    *,
    minutes: Sequence[float],
    out: Path | None = None,
    simplify_m: float = 0.0,
    progress: Progress | None = None,
) -> CirclesDrawn:
    """Draw the circles of some layers of a project, and write them unless told otherwise.

    Parameters
    ----------
    project : Project
    layers : sequence of str
        Of the project's facility layers; empty: all of them.
    minutes : sequence of float
        Above 0.
    out : pathlib.Path, optional
        Folder to write: ``circles.gpkg`` (circles, overlaps, service_areas, facilities),
        ``circles.parquet`` (GeoParquet), ``circles.csv``, ``problems.csv``, ``run.json``.
    simplify_m : float
        Drop vertices of less than this; the circles stay nested, and up to some such metres off
        their true border.
    progress : Progress, optional

    Returns
    -------
    CirclesDrawn

    Raises
    ------
    InputError
        With every fault of the inputs, among them a layer that the project has not, and no roads.
    OutputError
        If the folder cannot be written or holds something that is not ours.
    """
    watch = progress or Silent()
    if out is not None:
        check_folder(out, command="circles")
    chosen = _chosen(project, layers, minutes)
    names = settle_names(chosen)
    if names.faults:
        raise InputError(names.faults)
    inputs = read_inputs(
        chosen, selectors=names.selectors(chosen), progress=watch, asked=names.asked
    )
    with watch.stage("ground"):
        ground = lay_ground(chosen, inputs)
    found = all_circles(chosen, ground, watch, parted=True)
    drawn = CirclesDrawn(
        circles=_simplified(found, simplify_m).to_crs(_WGS84),
        overlaps=found.overlaps.to_crs(_WGS84),
        areas=found.areas.to_crs(_WGS84),
        cell_m=found.cell_m,
        problems=(
            *inputs.problems,
            *ground.problems,
            *found.coarser_than(chosen.network.cell_m),
        ),
    )
    if out is not None:
        invented = chosen.project.invented or any(
            settings.invented for settings in chosen.facilities.values()
        )
        record = {
            **record_of(chosen, inputs, ground, {}, cell_m=found.cell_m),
            "circles": found.record(chosen.network.draw_m),
            "command": "circles",
            "minutes": sorted(minutes),
            "simplify_m": simplify_m,
        }
        language = chosen.project.language

        def write(folder: Path) -> None:
            write_circles(
                {
                    "circles": drawn.circles,
                    "overlaps": drawn.overlaps,
                    "service_areas": drawn.areas,
                    "facilities": ground.facilities,
                },
                folder,
                as_of=chosen.project.as_of,
                about=label("output_invented", language) if invented else "",
            )
            write_csv(problem_table(drawn.problems, language), folder / "problems.csv")
            write_run_record(record, folder / "run.json")

        publish(write, out)
    return drawn


def drawn_text(drawn: CirclesDrawn, folder: Path, language: Language) -> str:
    """Return what was drawn, a line for each circle of a layer.

    Parameters
    ----------
    drawn : CirclesDrawn
    folder : pathlib.Path
        That was written.
    language : {"zh", "en"}
    """
    whole = drawn.circles[drawn.circles["facility_id"] == ""]
    lines = [
        label("circles_layer", language).format(
            layer=layer,
            minutes=minutes,
            profile=profile,
            area=area / 1e6,
            people=_people(population),
            elderly=_people(elderly),
        )
        for layer, minutes, profile, area, population, elderly in zip(
            *(whole[name] for name in _PRINTED),
            strict=True,
        )
    ]
    done = label("circles_done", language).format(
        count=len(drawn.circles), areas=len(drawn.areas), cell=drawn.cell_m, folder=folder
    )
    return "\n".join([*lines, done])


def _people(count: float) -> str:
    return "–" if np.isnan(count) else f"{count:,.0f}"


def _chosen(project: Project, layers: Sequence[str], minutes: Sequence[float]) -> Project:
    """Return the project with these layers and times alone."""
    faults = [
        project.fault("circles.layer", ("facilities", layer), value=layer, known=project.facilities)
        for layer in layers
        if layer not in project.facilities
    ]
    if project.roads is None:
        faults.append(project.fault("circles.no_roads", ("roads",), value="", known=()))
    if faults:
        raise InputError(faults)
    wanted = {
        layer: project.facilities[layer].model_copy(update={"circles": True, "count_only": False})
        for layer in project.facilities
        if layer in (layers or project.travel_layers)
    }
    rules = project.rules.model_copy(update={"minutes": sorted(minutes)})
    return project.with_layers(wanted).model_copy(update={"rules": rules})


def _simplified(found: Circles, tolerance_m: float) -> gpd.GeoDataFrame:
    table = found.circles
    if tolerance_m == 0.0 or table.empty:
        return table
    shapes = table.geometry.to_numpy().copy()
    minutes = table["minutes"].to_numpy()
    for found_rows in table.groupby(["layer", "facility_id"], sort=False).indices.values():
        rows = found_rows[np.argsort(minutes[found_rows])]
        shapes[rows] = np.array(simplified(list(shapes[rows]), tolerance_m), object)
    return gpd.GeoDataFrame(
        pd.DataFrame(table.drop(columns="geometry")).assign(area_m2=shapely.area(shapes)),
        geometry=shapes,
        crs=table.crs,
    )
