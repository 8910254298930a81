"""Gated compounds: parts of the network that are private, and their gates."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from servicecircle.inputs.raw_roads import Mode, RawRoads

__all__ = ["open_compounds"]


def open_compounds(roads: RawRoads, *, mode: Mode = "walk") -> tuple[int, int]:
    """Count the private parts of a network that may be used, and those that lie across a way.

    Parameters
    ----------
    roads : RawRoads
    mode : {"walk", "wheelchair", "ebike", "cycle", "drive"}

    Returns
    -------
    compounds : int
        Connected parts of segments that are private and yet allowed.
    through : int
        Those that touch public ways at two nodes or more: one can pass through them.

    Examples
    --------
    >>> from pathlib import Path
    >>> import tempfile
    >>> from servicecircle.inputs.osm import read_osm
    >>> text = '''<osm version="0.6"><node id="1" lon="1" lat="0"/><node id="2" lon="2" lat="0"/>
    ... <way id="7"><nd ref="1"/><nd ref="2"/><tag k="highway" v="service"/>
    ... <tag k="access" v="private"/></way>
    ... <way id="8"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way></osm>'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "town.osm"
    ...     _ = file.write_text(text)
    ...     closed = read_osm(file, name="town.osm").roads
    ...     kept = read_osm(file, name="town.osm", gated="destination").roads
    >>> open_compounds(closed), open_compounds(kept)
    ((0, 0), (1, 1))
    """
    allowed, private = roads.allowed[mode] > 0, roads.private[mode]
    inside, outside = allowed & private, allowed & ~private
    if not inside.any():
        return 0, 0
    u, v = roads.u[inside], roads.v[inside]
    size = roads.lon.size
    links = coo_array((np.ones(u.size), (u, v)), shape=(size, size))
    part = connected_components(links, directed=False)[1]
    public = np.zeros(size, dtype=np.bool_)
    public[roads.u[outside]] = public[roads.v[outside]] = True
    nodes = np.unique(np.concatenate([u, v]))
    gates = np.bincount(part[nodes], weights=public[nodes])
    return int(np.unique(part[nodes]).size), int((gates > 1).sum())
