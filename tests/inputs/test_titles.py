"""The lists of known titles."""

from __future__ import annotations

from servicecircle.inputs.titles import normalise_title, title_keys, title_lists


def test_no_title_is_an_alias_of_two_columns():
    lists = title_lists()
    aliases = [
        normalise_title(title)
        for titles in [*lists["facility"].values(), *lists["unit"].values()]
        for title in titles
    ]
    assert sorted(aliases) == sorted(set(aliases))


def test_keys_of_titles_are_our_columns_and_levels():
    keys = title_keys()
    assert len(set(keys)) == len(keys)
    assert {"name", "lon", "lonlat", "capacity", "unit", "village_level", "province"} <= set(keys)
