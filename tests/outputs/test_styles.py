"""The styles of coverage.gpkg, read back with pyogrio and sqlite3, their conditions run in SQL."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from servicecircle.outputs import palettes
from servicecircle.outputs.column_words import field_aliases
from servicecircle.outputs.geopackage import write_geopackage
from servicecircle.outputs.qml import Rule, fill, qml, quoted_field, quoted_text
from servicecircle.outputs.styles import layer_styles

# As QGIS makes the table (QgsOgrProviderMetadata::saveStyle).
COLUMNS = [
    "id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName",
    "styleQML", "styleSLD", "useAsDefault", "description", "owner", "ui", "update_time",
]  # fmt: skip


def with_rates(results):
    """Return the rows of units.csv with the rates that a run has."""
    rows = results.unit_coverage
    return rows.assign(
        population_coverage=rows["covered_population"] / rows["population"],
        elderly_coverage=rows["covered_elderly"] / rows["elderly"],
    )


@pytest.fixture
def package(make_results, tmp_path):
    """Return a function that writes results and opens the file as a database."""
    opened = []

    def written(**changes):
        results = make_results(**changes)
        if "unit_coverage" not in changes:
            results = make_results(**changes, unit_coverage=with_rates(results))
        path = tmp_path / "coverage.gpkg"
        write_geopackage(results, path)
        database = sqlite3.connect(path)
        opened.append(database)
        return results, path, database

    yield written
    for database in opened:
        database.close()


def styles(database):
    """Return layer, default and the parsed QML of each style."""
    found = database.execute("select f_table_name, useAsDefault, styleQML from layer_styles")
    return [(layer, bool(default), ElementTree.fromstring(text)) for layer, default, text in found]


def rules(tree):
    """Yield each rule that has a symbol, with all conditions that lead to it."""

    def walk(node, above):
        for rule in node.findall("rule"):
            mine = [*above, rule.get("filter")] if rule.get("filter") else above
            if rule.get("symbol") is not None:
                yield rule, mine
            yield from walk(rule, mine)

    yield from walk(tree.find("renderer-v2/rules"), [])


def test_the_table_is_that_of_qgis(package):
    _, path, database = package()
    columns = [row[1] for row in database.execute("pragma table_info(layer_styles)")]
    assert columns == COLUMNS
    kind = database.execute("select data_type from gpkg_contents where table_name='layer_styles'")
    assert kind.fetchall() == [("attributes",)]
    frame = pyogrio.read_dataframe(path, layer="layer_styles")
    assert set(frame["f_table_schema"]) == {""}
    assert set(frame["update_time"].astype(str).str[:10]) == {"2025-12-31"}
    assert not frame.duplicated(["f_table_name", "styleName"]).any()
    told = database.execute("select table_name, column_name from gpkg_geometry_columns").fetchall()
    assert set(zip(frame["f_table_name"], frame["f_geometry_column"], strict=True)) == set(told)
    assert (frame.groupby("f_table_name")["useAsDefault"].sum() == 1).all()


def test_every_layer_has_an_index_and_a_crs(package):
    _, _, database = package()
    layers = dict(database.execute("select table_name, srs_id from gpkg_geometry_columns"))
    assert set(layers.values()) == {4326}
    tables = {name for (name,) in database.execute("select name from sqlite_master")}
    assert {f"rtree_{name}_geom" for name in layers} <= tables


@pytest.mark.parametrize("language", ["zh", "en"])
def test_fields_have_titles_and_rules_have_symbols(package, language):
    _, _, database = package(language=language)
    for layer, default, tree in styles(database):
        fields = [row[1] for row in database.execute(f"pragma table_info({layer})")][2:]
        aliases = [
            (int(one.get("index")), one.get("field"), one.get("name"))
            for one in tree.findall("aliases/alias")
        ]
        if default:
            assert [(number, field) for number, field, _ in aliases] == list(enumerate(fields))
            assert all(title for _, _, title in aliases)
            if language == "zh":
                unknown = [field for _, field, title in aliases if field == title]
                assert unknown == []
        else:
            # Symbols alone: taking up such a style leaves titles and labels as they are.
            assert tree.get("styleCategories") == "Symbology"
            assert not aliases
        symbols = {one.get("name") for one in tree.findall("renderer-v2/symbols/symbol")}
        found = list(rules(tree))
        assert {rule.get("symbol") for rule, _ in found} == symbols
        assert all(rule.get("label") for rule, _ in found)
        for _, conditions in found:
            for condition in conditions:
                assert set(re.findall(r'"(\w+)"', condition)) <= set(fields)
        for one in tree.iter("layer"):
            new = {option.get("name"): option.get("value") for option in one.iter("Option")}
            new.pop(None)
            assert new == {prop.get("k"): prop.get("v") for prop in one.iter("prop")}


def test_targets_met_are_a_style_of_their_own(package, make_results):
    ids = make_results().units.query("level == 'township'")["unit_id"].tolist()
    league = pd.DataFrame({"unit_id": ids[:3], "share_met": [0.0, 0.5, np.nan]})
    _, path, database = package(tables={"league_units": league})
    shares = pyogrio.read_dataframe(path, layer="units_township").set_index("unit_id")["share_met"]
    assert shares[ids[:2]].tolist() == [0.0, 0.5]
    assert shares[ids[2:]].isna().all()
    found = {}
    for layer, _, tree in styles(database):
        if layer != "units_township":
            continue
        for rule, conditions in rules(tree):
            for condition in conditions:
                if "share_met" in condition:
                    query = f"select unit_id from units_township where {condition}"
                    hits = [unit for (unit,) in database.execute(query)]
                    found |= dict.fromkeys(hits, rule.get("label"))
    assert set(found) == set(ids[:2])
    assert found[ids[0]] != found[ids[1]]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_columns_of_sites_and_candidates_have_titles(language):
    sites = (
        "number action phase year candidate_id facility_id host_id name source unit_id unit "
        "people_alone people_added people_covered share_covered people_served cost capacity lon lat"
    )
    candidates = "mandatory closable snap_m snap_status source_file source_row forbidden"
    fields = [*sites.split(), *candidates.split()]
    titles = field_aliases(fields, [], [], language)
    assert list(titles) == fields
    assert not [field for field, title in titles.items() if title in {field, ""}]


def test_units_fall_into_the_classes_of_the_map(package, make_results):
    rows = with_rates(make_results())
    ids = make_results().units.query("level == 'township'")["unit_id"].tolist()
    rates = dict(zip(ids, [0, 0.19999, 0.2, 0.5, 0.79999, 0.8, 1, np.nan, 0.6], strict=True))
    first = (rows["layer"] == "care_home") & (rows["rule"] == "15 min")
    known = rows["unit_id"].map(rates)
    rows.loc[first & rows["unit_id"].isin(ids), "elderly_coverage"] = known
    _, _, database = package(unit_coverage=rows)
    (tree,) = [tree for layer, default, tree in styles(database)
        if layer == "units_township" and default]  # fmt: skip
    colours = {
        one.get("name"): one.find("layer/Option/Option[@name='color']").get("value")
        for one in tree.findall("renderer-v2/symbols/symbol")
    }
    got = {}
    for rule, conditions in rules(tree):
        (condition,) = conditions
        if condition == "ELSE":
            continue
        sql = f"select unit_id from units_township where {condition}"
        for (unit,) in database.execute(sql):
            assert unit not in got
            got[unit] = colours[rule.get("symbol")]
    expected = {
        unit: tuple(bytes.fromhex(palettes.RATE_COLOURS[number][1:]))
        for unit, rate in rates.items()
        if (number := palettes.rate_class(rate)) is not None
    }
    assert {unit: tuple(map(int, text.split(",")[:3])) for unit, text in got.items()} == expected


def test_each_circle_overlap_and_facility_has_one_symbol(package):
    _, _, database = package()
    for name in ("circles_layer", "circles_facility", "facilities"):
        (tree,) = [tree for layer, _, tree in styles(database) if layer == name]
        taken = []
        for _, conditions in rules(tree):
            where = " and ".join(f"({one})" for one in conditions if one != "ELSE") or "1"
            taken += [fid for (fid,) in database.execute(f"select fid from {name} where {where}")]
        (count,) = database.execute(f"select count(*) from {name}").fetchone()
        assert count > 0
        assert sorted(taken) == list(range(1, count + 1))
    (tree,) = [tree for layer, _, tree in styles(database) if layer == "circles_layer"]
    shown = [one.get("checkstate") != "0" for one in tree.findall("renderer-v2/rules/rule")]
    assert shown == [True, False]
    assert tree.find("renderer-v2").get("enableorderby") == "1"
    labels = [rule.get("label") for rule, _ in rules(tree)]
    assert labels == ["5 分钟内", "10 分钟内", "15 分钟内"] * 2


def test_facilities_that_are_not_open_are_hollow(package, make_results):
    sites = make_results().facilities
    _, _, database = package(facilities=sites.assign(open=sites["status"] == "open"))
    (tree,) = [tree for layer, _, tree in styles(database) if layer == "facilities"]
    (first, *_) = [rule.findall("rule") for rule in tree.findall("renderer-v2/rules/rule")]
    assert [(rule.get("label"), rule.get("filter")) for rule in first] == [
        ("运营", '"open"'),
        ("未运营", "ELSE"),
    ]


def test_without_people_units_are_drawn_by_presence(package, make_results):
    rows = make_results().unit_coverage
    counted = rows[rows["rule"] == "presence"].assign(
        population_coverage=np.nan, elderly_coverage=np.nan
    )
    _, _, database = package(unit_coverage=counted)
    (tree,) = [t for layer, default, t in styles(database) if default and layer == "units_township"]
    conditions = [condition for _, (condition,) in rules(tree)]
    assert conditions == ['"care_home_presence" >= 1', '"care_home_presence" = 0', "ELSE"]


def test_layers_without_rows_have_a_style_too(package, make_results):
    bare = make_results()
    _, _, database = package(
        layers=(),
        facilities=bare.facilities.iloc[:0],
        circles=bare.circles.iloc[:0],
        overlaps=bare.overlaps.iloc[:0],
        scopes=bare.scopes.iloc[:0],
        unit_coverage=with_rates(bare).iloc[:0],
    )
    drawn = {layer for layer, default, tree in styles(database) if default and list(rules(tree))}
    told = database.execute("select table_name from gpkg_geometry_columns")
    assert drawn == {name for (name,) in told}


def test_sites_are_drawn_by_phase_and_those_to_close_apart(make_results):
    frame = gpd.GeoDataFrame(
        {
            "action": ["open", "open", "close"],
            "phase": [1, 2, 0],
            "year": [2026, None, None],
            "number": [1, 2, None],
        },
        geometry=shapely.points([[0, 0], [1, 1], [2, 2]]),
        crs="EPSG:4326",
    )
    (style,) = layer_styles("sites", frame, make_results())
    tree = ElementTree.fromstring(style.qml)
    assert [rule.get("label") for rule, _ in rules(tree)] == [
        "第 1 阶段 2026",
        "第 2 阶段",
        "关闭",
        "新建",
    ]
    assert tree.get("labelsEnabled") == "1"
    assert tree.find("labeling/settings/text-style").get("fieldName") == "number"
    (style,) = layer_styles("candidates", frame.iloc[:0], make_results())
    assert len(list(rules(ElementTree.fromstring(style.qml)))) == 1


HOSTILE = [
    "</rule>",
    "\"><x y='1'",
    "${1} {{2}}",
    "a\x00b\ufffe",
    "\u202e右",
    "x\ny",
    "名" * 10_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_titles_are_text(text):
    tree = ElementTree.fromstring(qml([Rule(text, fill("#000000"))], aliases={text: text}))
    clean = text.replace("\x00", "\ufffd").replace("\ufffe", "\ufffd")
    assert tree.find("renderer-v2/rules/rule").get("label") == clean
    assert tree.find("aliases/alias").get("field") == clean
    assert tree.find("aliases/alias").get("name") == clean


@pytest.mark.parametrize("text", ["it's", 'a "b"', "plain", "甲"])
def test_names_and_texts_are_quoted_for_sql(text):
    with closing(sqlite3.connect(":memory:")) as database:
        field = quoted_field(text)
        database.execute(f"create table t ({field} text)")
        database.execute("insert into t values (?)", (text,))
        sql = f"select count(*) from t where {field} = {quoted_text(text)}"
        assert database.execute(sql).fetchone() == (1,)


def test_hostile_layer_titles_and_names_open(package, make_layer, make_results):
    layers = (make_layer("care_home", "<b>'养老\"</b>", "x"), make_layer("b", "b", "b"))
    results = make_results(layers=layers)
    rows = with_rates(results)
    assert isinstance(rows, pd.DataFrame)
    _, _, database = package(layers=layers, unit_coverage=rows)
    (tree,) = [t for layer, default, t in styles(database) if default and layer == "units_township"]
    assert tree.find("renderer-v2/rules/rule").get("label").startswith("<b>'养老\"</b>：")
