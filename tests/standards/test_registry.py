"""The registry holds every word that the plans use."""

from __future__ import annotations

import pytest

from servicecircle.errors import UnknownNameError
from servicecircle.inputs.facilities import FACILITY_COLUMNS
from servicecircle.inputs.facility_values import NUMBERS
from servicecircle.inputs.staff_columns import role_names
from servicecircle.inputs.statistic_columns import figure_words
from servicecircle.inputs.titles import normalise_title
from servicecircle.inputs.unit_columns import NUMBERS as UNIT_NUMBERS
from servicecircle.standards.registry import LayerWords, layer_info, load_registry, parse_selector

CATALOGUE = (
    "care_home", "elderly_day_center", "social_work_station", "community_service_center",
    "ecological_burial_site", "minor_protection_station", "childrens_home", "funeral_facility",
    "rehab_care_union", "demonstration_home_care_center", "childrens_welfare_institution",
    "neighbourhood_center", "canteen", "disabled_home", "mental_health_facility",
    "relief_station", "volunteer_station",
)  # fmt: skip


def test_every_layer_of_the_catalogue_is_there_and_other_is_split():
    layers = load_registry().layers
    assert set(CATALOGUE) <= set(layers)
    assert "other" not in layers
    assert {words.group for words in layers.values()} <= {"", "other", *CATALOGUE}


def test_every_word_has_both_languages():
    registry = load_registry()
    tables = (
        registry.layers,
        registry.levels,
        registry.scopes,
        registry.quantities,
        registry.attributes,
    )
    for table in tables:
        for name, words in table.items():
            assert words.zh, name
            assert words.en, name


def test_every_selector_can_be_read():
    selectors = [item for words in load_registry().layers.values() for item in words.osm]
    assert all(parse_selector(item) for item in selectors)
    assert ("amenity", "nursing_home") in parse_selector(load_registry().layers["care_home"].osm[0])


@pytest.mark.parametrize("bad", ["amenity", "=x", "amenity=", "a=b+", ""])
def test_a_bad_selector_is_refused(bad):
    with pytest.raises(ValueError, match="no tag selector"):
        parse_selector(bad)


def test_the_levels_have_an_order_and_drawn_units_have_none():
    levels = load_registry().levels
    names = ["province", "prefecture", "county", "township", "village_level"]
    assert [levels[name].order for name in names] == [1, 2, 3, 4, 5]
    assert not levels["planning_unit"].administrative


def test_a_project_adds_layers_but_hides_none():
    own = {
        "teahouse": LayerWords(name="teahouse", zh="茶馆", en="tea house"),
        "canteen": LayerWords(name="canteen", zh="假", en="fake"),
    }
    assert layer_info("teahouse", own).title("zh") == "茶馆"
    assert layer_info("canteen", own).title("en") != "fake"
    with pytest.raises(UnknownNameError, match="teahouse"):
        layer_info("teahouze", own)


def test_every_quantity_says_where_it_is_read():
    registry = load_registry()
    numbers = {name for name, words in registry.attributes.items() if words.type == "number"}
    for name, words in registry.quantities.items():
        known = {
            "facilities": {"", *NUMBERS, *numbers},
            "units": {"", *UNIT_NUMBERS},
            "presence": {""},
            "reach": {""},
            "people": {"population", "elderly", "urban"},
            "staff": set(role_names()),
            "statistics": {name},
        }
        assert words.of in known[words.kind], name
        assert set(words.also) <= set(registry.layers)
        assert words.needs


def test_an_attribute_is_no_column_that_all_lists_have():
    registry = load_registry()
    assert not set(registry.attributes) & set(FACILITY_COLUMNS)
    asked = registry.asked()
    assert set(asked.attributes) == set(registry.attributes)
    assert set(asked.figures) >= {"burial_need_per_year", "patients", "patients_served"}


def test_no_word_of_a_figure_stands_for_another_one():
    words = [
        normalise_title(word)
        for name, titles in load_registry().asked().figures.items()
        for word in {name, *titles}
    ]
    # A name may be among its own titles, in another script or spacing.
    figures = load_registry().asked().figures
    assert len(figure_words(figures)) == len(set(words))
    assert len(set(words)) >= len(words) - len(figures)


def test_the_registry_cannot_be_changed():
    registry = load_registry()
    with pytest.raises(TypeError):
        registry.attributes["x"] = registry.attributes["operator"]
    with pytest.raises(TypeError):
        registry.attributes["operator"].values["x"] = ()
