"""An OpenStreetMap object with one service belongs to one layer of the registry."""

from __future__ import annotations

import itertools

import pytest

from servicecircle.inputs.osm_features import tagged_facilities
from servicecircle.standards.registry import load_registry

KINDS = (
    "", "nursing_home", "assisted_living", "group_home", "sheltered_housing", "day_care",
    "soup_kitchen", "food_bank", "outreach", "shelter", "ambulatory_care", "workshop",
)  # fmt: skip
GROUPS = (
    "", "senior", "elderly", "child", "children", "juvenile", "orphan", "disabled",
    "mental_health", "homeless",
)  # fmt: skip
LAYERS = {name: words.osm for name, words in load_registry().layers.items() if words.osm}


def layers_of(tmp_path, objects):
    """Return the layers that each object, given by its tags, is read into."""
    nodes = "".join(
        f'<node id="{number}" lon="118" lat="28">'
        + "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        + "</node>"
        for number, tags in enumerate(objects, start=1)
    )
    file = tmp_path / "town.osm"
    file.write_text(f'<osm version="0.6">{nodes}</osm>', encoding="utf-8")
    found = [[] for _ in objects]
    for layer, selectors in LAYERS.items():
        for one in tagged_facilities(file, selectors=selectors, name="town.osm")[0]["osm_id"]:
            found[int(one.removeprefix("node/")) - 1].append(layer)
    return found


def social(kind="", group=""):
    tags = {"amenity": "social_facility", "social_facility": kind, "social_facility:for": group}
    return {key: value for key, value in tags.items() if value}


def test_no_object_with_one_service_is_in_two_layers(tmp_path):
    objects = [social(kind, group) for kind, group in itertools.product(KINDS, GROUPS)]
    objects += [{"amenity": kind} for kind in ("nursing_home", "retirement_home", "orphanage")]
    objects += [
        {"amenity": "nursing_home", "social_facility:for": "senior"},
        {"amenity": "community_centre", "community_centre:for": "senior"},
    ]
    found = layers_of(tmp_path, objects)
    twice = [(tags, at) for tags, at in zip(objects, found, strict=True) if len(at) > 1]
    assert twice == []
    # The rule does not shut out what it should hold.
    assert sum(len(at) for at in found) >= 40


@pytest.mark.parametrize(
    ("tags", "layers"),
    [
        (social("", "senior"), ["elderly_day_center"]),
        (social("day_care", "senior"), ["elderly_day_center"]),
        (social("assisted_living", "senior"), ["care_home"]),
        (social("nursing_home"), ["care_home"]),
        (social("sheltered_housing", "senior"), []),
        (social("soup_kitchen", "senior"), ["canteen"]),
        (social("outreach", "senior"), ["social_work_station"]),
        (social("nursing_home", "disabled"), ["disabled_home"]),
        # Two groups of people, or two kinds: co-located services, both counted.
        (social("", "senior;child"), ["childrens_home", "elderly_day_center"]),
        (social("soup_kitchen;outreach", "senior"), ["canteen", "social_work_station"]),
        (social("mental_health;group_home", "senior"), ["care_home"]),
    ],
)
def test_kind_first_then_whom_it_is_for(tmp_path, tags, layers):
    assert sorted(layers_of(tmp_path, [tags])[0]) == layers
