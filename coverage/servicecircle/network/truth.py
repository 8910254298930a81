"""Checks of drawn circles against the truth: points sampled around them are measured anew."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.network.field import Field
from servicecircle.network.reach import nearest
from servicecircle.network.snap import Attachment, EdgeIndex, edge_index, nearest_edges

__all__ = ["wrong_points"]

Floats = NDArray[np.float64]


def wrong_points(
    field: Field,
    polygon: shapely.MultiPolygon,
    targets: Attachment,
    *,
    limit: float,
    index: EdgeIndex | None = None,
    samples: int = 10_000,
    seed: int = 0,
) -> Floats:
    """Sample points around a circle, measure each anew, and return those on the wrong side.

    Parameters
    ----------
    field : Field
        That the circle was drawn on.
    polygon : shapely.MultiPolygon
        The circle of ``targets`` (one facility, or a layer) at ``limit``; not empty.
    targets : Attachment
    limit : float
        In the unit of the field's travel.
    index : EdgeIndex, optional
        Of the network, to save building it anew.
    samples : int
        How many points to look at, all farther than one cell from the border.
    seed : int

    Returns
    -------
    numpy.ndarray of float, shape (w, 2)
        The wrong points; none, if the circle is true.

    Raises
    ------
    ValueError
        If the circle is empty.

    Examples
    --------
    >>> from servicecircle.network.field import circle_field
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 900], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(metres_travel(network), (0, -100, 900, 100))
    >>> wrong = shapely.MultiPolygon([shapely.box(0, 100, 900, 200)])
    >>> len(wrong_points(field, wrong, attach(network, [450], [10]), limit=100, samples=50)) > 0
    True
    """
    if shapely.is_empty(polygon):
        raise ValueError("an empty circle: there is nothing around it to sample")
    generator = np.random.default_rng(seed)
    west, south, east, north = shapely.bounds(polygon) + np.array([-1, -1, 1, 1]) * 2 * field.draw_m
    border = shapely.boundary(polygon)
    shapely.prepare(border)
    shapely.prepare(polygon)
    index = index or edge_index(field.network)
    wrong = []
    seen = 0
    while seen < samples:
        x = generator.uniform(west, east, 4 * samples)
        y = generator.uniform(south, north, 4 * samples)
        far = ~shapely.dwithin(border, shapely.points(x, y), field.cell_m)
        x, y = x[far][: samples - seen], y[far][: samples - seen]
        seen += x.size
        at = nearest_edges(field.network, index, x, y, most_m=field.draw_m)
        found = nearest(field.travel, at, targets, direction=field.direction, limit=2.0 * limit)
        truth = at.snapped & (found.cost <= limit)
        drawn = shapely.contains_xy(polygon, x, y)
        wrong.append(np.stack([x, y], axis=1)[truth != drawn])
    return np.concatenate(wrong)
