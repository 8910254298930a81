"""Gated compounds by hand: a cul-de-sac, a short cut, and two parts that touch."""

from __future__ import annotations

import pytest

from servicecircle.inputs.gates import open_compounds
from servicecircle.inputs.roads import read_roads
from servicecircle.project import RoadSettings

PUBLIC = {"highway": "residential"}
PRIVATE = {"highway": "service", "access": "private"}


@pytest.fixture
def read(tmp_path):
    def read(*ways, **settings):
        nodes = "".join(f'<node id="{at}" lon="{118 + at / 1000}" lat="28"/>' for at in range(1, 9))
        parts = []
        for number, (refs, tags) in enumerate(ways, 1):
            inner = "".join(f'<nd ref="{ref}"/>' for ref in refs)
            inner += "".join(f'<tag k="{key}" v="{tags[key]}"/>' for key in tags)
            parts.append(f'<way id="{number}">{inner}</way>')
        text = f'<osm version="0.6">{nodes}{"".join(parts)}</osm>'
        (tmp_path / "town.osm").write_text(text, "utf-8")
        return read_roads(RoadSettings(path="town.osm", **settings), base=tmp_path)

    return read


STREET = ([1, 2, 3], PUBLIC)


@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        ([STREET], (0, 0)),
        ([STREET, ([2, 4], PRIVATE)], (1, 0)),  # a cul-de-sac
        ([STREET, ([1, 4, 3], PRIVATE)], (1, 1)),  # a short cut
        ([STREET, ([1, 4], PRIVATE), ([4, 3], PRIVATE)], (1, 1)),  # the same of two ways
        ([STREET, ([1, 4], PRIVATE), ([3, 5], PRIVATE)], (2, 0)),
        ([STREET, ([4, 5], PRIVATE)], (1, 0)),  # on its own
        ([([4, 5], {**PRIVATE, "foot": "yes"}), STREET], (0, 0)),  # private to cars alone
    ],
)
def test_compounds_and_those_across_a_way(read, ways, expected):
    roads, problems = read(*ways, gated="destination")
    assert open_compounds(roads) == expected
    told = [problem for problem in problems if problem.code == "road.gated_through"]
    assert [problem.details["count"] for problem in told] == [expected[1]] * bool(expected[1])


@pytest.mark.parametrize("gated", ["closed", "open"])
def test_nothing_is_said_of_gates_that_are_shut_or_open(read, gated):
    roads, problems = read(STREET, ([1, 4, 3], PRIVATE), gated=gated)
    assert problems == []
    assert open_compounds(roads) == ((0, 0) if gated == "closed" else (1, 1))
