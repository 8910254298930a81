"""Figures show their tables, are the same bytes again, and take any name."""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.path import Path as DrawnPath

from servicecircle.errors import OutputError
from servicecircle.measure.equity import gini
from servicecircle.messages import label
from servicecircle.outputs import figures, palettes
from servicecircle.outputs.figures import chart as drawing
from servicecircle.outputs.figures import chart_font, charts, write_charts
from servicecircle.outputs.figures.choice import chosen_layers, shown_level
from servicecircle.outputs.figures.coverage import (
    MOST_BARS,
    coverage_bars,
    coverage_chart,
    coverage_figure,
)
from servicecircle.outputs.figures.equity import lorenz_chart, lorenz_curves
from servicecircle.outputs.figures.fonts import font_families, readable
from servicecircle.outputs.figures.gains import gains_chart, gains_figure
from servicecircle.outputs.figures.mapping import map_chart, map_figure
from servicecircle.outputs.figures.progress import progress_chart, reached_parts
from servicecircle.outputs.figures.shapes import fill_shapes, nice_length, stroke_lines
from servicecircle.outputs.figures.travel import travel_curves
from servicecircle.outputs.figures.view import MapView, view_of
from servicecircle.project import Project
from servicecircle.standards.names import settle_names

CURVE = pd.DataFrame({
    "number": [0, 1, 2],
    "covered": [100.0, 160.0, 190.0],
    "bound": [100.0, 160.0, 200.0],
    "share": [0.25, 0.4, 0.475],
})  # fmt: skip
HOSTILE = "$x^{2$ </text><script>\u202e\U0001f3e5\x00\n`{{}}"
LATIN = ["DejaVu Sans"]


ONE = {"project": {"figures": {"most": 1}}}
"""One layer alone is drawn: it is quicker."""


def chart_names(results):
    return [chart.name for chart in charts(replace(results, record=ONE))]


def judged(results, values, *, layer="care_home", verdicts=None, **changes):
    """Return results with a headline target of travel and its value in each township."""
    row = {
        "plan": "p", "indicator_id": "i", "alternative": "", "target_year": 2025.0,
        "name_zh": "十五分钟圈", "name_en": "circle", "layer": layer, "kind": "travel_time",
        "unit": "%", "value": 50.0, "target": 80.0, "scope": "", "verdict": "not_met",
        "headline": True, "governing": True,
    }  # fmt: skip
    units = results.units[results.units["level"] == "township"]["unit_id"]
    table = pd.DataFrame(
        {
            "plan": "p",
            "indicator_id": "i",
            "alternative": "",
            "unit_id": units.iloc[: len(values)].to_numpy(),
            "value": values,
            "low": np.array(values) - 5.0,
            "high": np.array(values) + 5.0,
            "verdict": verdicts or ["not_met"] * len(values),
            "shortfall_of": "persons",
        }
    )
    return replace(results, scorecard=pd.DataFrame([row | changes]), unit_results=table, record={})


# --- what is chosen


def test_layers_with_a_target_of_travel_come_first_and_settings_decide(make_results):
    results = make_results()
    names = [layer.name for layer in results.layers]
    assert len(names) >= 2
    plain = [layer.name for layer in chosen_layers(replace(results, scorecard=pd.DataFrame()))]
    assert plain[0] == names[0]
    assert chosen_layers(judged(results, [50.0], layer=names[-1]))[0].name == names[-1]
    for asked, expected in (
        ({"layers": [names[1], names[0]], "most": 1}, [names[1], names[0]]),
        ({"layers": [], "most": 0}, []),
        ({"layers": [], "most": 1}, names[:1]),
    ):
        record = {"project": {"figures": asked}}
        assert [one.name for one in chosen_layers(replace(results, record=record))] == expected
    siting = {"siting": {"layers": [names[-1]], "people": "elderly"}}
    assert chosen_layers(replace(results, record=siting))[0].name == names[-1]


def test_a_layer_that_is_not_there_is_a_fault():
    project = Project.model_validate(
        {
            "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
            "boundaries": {"township": {"path": "b.gpkg"}},
            "facilities": {"canteen": {"path": "c.csv"}},
            "figures": {"layers": ["canteen", "cantene"]},
        }
    )
    (fault,) = settle_names(project).faults
    assert (fault.code, fault.value) == ("project.figures_layer", "cantene")
    assert "canteen" in fault.text("en")
    assert "canteen" in fault.text("zh")


def test_a_layer_that_stands_twice_is_a_fault():
    project = Project.model_validate(
        {
            "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
            "boundaries": {"township": {"path": "b.gpkg"}},
            "facilities": {"canteen": {"path": "c.csv"}, "care_home": {"path": "d.csv"}},
            "figures": {"layers": ["canteen", "care_home", "canteen", "canteen"]},
        }
    )
    (fault,) = settle_names(project).faults
    assert (fault.code, fault.value) == ("project.figures_layer_twice", "canteen")
    assert (fault.severity, fault.column) == ("fatal", "figures.layers")
    assert "canteen" in fault.text("en") and "{" not in fault.text("en")
    assert "canteen" in fault.text("zh") and "{" not in fault.text("zh")


def test_charts_of_invented_sites_say_so(make_results, monkeypatch):
    real, invented = make_results().layers
    assert invented.invented and not real.invented
    notes = {}
    for name in ("progress_chart", "gains_chart"):
        monkeypatch.setattr(figures, name, lambda *given, name=name: notes.update({name: given[3]}))

    def noted(layers, sited, **changes):
        siting = {"siting": {"layers": [one.name for one in sited], "people": "elderly"}}
        nothing = {"project": {"figures": {"most": 0}}}
        charts(replace(make_results(), layers=layers, record=siting | nothing, **changes))
        words = label("output_invented", font_families("zh")[1])
        assert words and set(notes.values()) <= {words, ""}
        return notes["progress_chart"] == words, notes["gains_chart"] == words

    assert noted((invented,), (invented,)) == (True, True)
    assert noted((real, invented), (real,)) == (True, False)
    assert noted((real,), (real,)) == (False, False)
    assert noted((real,), (real,), invented=True) == (True, True)
    assert noted((invented,), ()) == (True, False)


def test_a_run_has_its_charts_and_files(make_results, tmp_path):
    results = judged(make_results(), [50.0, 90.0])
    drawn = charts(results)
    names = [chart.name for chart in drawn]
    assert len(set(names)) == len(names)
    assert {"map_care_home", "coverage_care_home", "travel_time", "lorenz"} <= set(names)
    written = write_charts(drawn, tmp_path)
    on_disk = {f"figures/{path.name}" for path in (tmp_path / "figures").iterdir()}
    assert on_disk == set(written) and len(written) == 2 * len(drawn)
    for chart in drawn:
        assert chart.png.startswith(b"\x89PNG")
        assert ET.fromstring(chart.svg).tag.endswith("svg")
        assert chart.title and chart.caption and chart.alt and 0.0 < chart.width_cm <= 16.5
        assert b"<dc:date>" not in chart.svg


def test_the_same_results_are_the_same_bytes(make_results):
    results = judged(make_results(), [50.0, 90.0])
    first, second = charts(results), charts(results)
    assert first == second
    other = {chart.name: chart for chart in charts(judged(make_results(), [51.0, 90.0]))}
    changed = {chart.name for chart in first if other[chart.name].png != chart.png}
    assert changed == {"coverage_care_home"}


# --- coverage by unit


def test_bars_are_the_values_of_unit_results_best_first(make_results):
    results = judged(make_results(), [50.0, 90.0, np.nan], verdicts=["not_met", "met", "no_data"])
    layer = next(one for one in results.layers if one.name == "care_home")
    bars = coverage_bars(results, layer, "zh")
    townships = results.units[results.units["level"] == "township"]
    assert bars.values.tolist() == [90.0, 50.0]
    assert bars.names == townships["name"].iloc[[1, 0]].tolist()
    assert bars.verdicts == ["met", "not_met"]
    assert (bars.low.tolist(), bars.high.tolist()) == ([85.0, 45.0], [95.0, 55.0])
    assert bars.target == 80.0
    assert bars.without == len(townships) - 2
    figure = coverage_figure(bars, bars.names, title="T", note="", language="zh")
    axes = figure.axes[0]
    assert [patch.get_width() for patch in axes.patches] == [90.0, 50.0]
    assert [80.0, 80.0] in [list(line.get_xdata()) for line in axes.lines]


def test_without_a_target_bars_are_the_rates_of_units(make_results):
    results = replace(make_results(), scorecard=pd.DataFrame())
    layer = results.layers[0]
    bars = coverage_bars(results, layer, "zh")
    rows = results.unit_coverage
    rows = rows[(rows["layer"] == layer.name) & (rows["rule"] == "15 min")]
    rows = rows[rows["unit_id"].str.startswith("township")]
    rates = (100.0 * rows["covered_elderly"] / rows["elderly"]).dropna()
    assert bars.values == pytest.approx(sorted(rates, reverse=True))
    assert bars.people == "elderly" and bars.headline is None


def test_rates_are_of_the_people_that_the_page_shows_first(make_results):
    base = make_results()
    school = replace(base.layers[0], name="school", zh="学校", en="Schools", profile="walk")
    rows = base.unit_coverage[base.unit_coverage["layer"] == base.layers[0].name]
    rows = rows.assign(layer="school")
    # One in two of all people, every one of the older ones.
    rows["covered_population"] = rows["population"] / 2
    rows["covered_elderly"] = rows["elderly"]
    given = {"layers": (school,), "scorecard": pd.DataFrame(), "circles": base.circles.iloc[:0]}
    nobody = {"elderly": 0.0, "covered_elderly": 0.0}
    unknown = {"population": np.nan, "covered_population": np.nan}
    for layer, changes, people, value in (
        (school, {}, "population", 50.0),
        (replace(school, profile="elderly"), {}, "elderly", 100.0),
        (replace(school, profile="elderly"), nobody, "population", 50.0),
        (school, unknown, "elderly", 100.0),
    ):
        results = replace(base, **given, unit_coverage=rows.assign(**changes))
        bars = coverage_bars(results, layer, "en")
        assert bars.people == people
        assert set(bars.values) == {value}
        # The map's units have the colour of that rate; the legend has a patch of each class.
        view = view_of(results, layer)
        who = {"elderly": "share of older persons", "population": "share of people"}[people]
        assert who in map_chart(results, layer, LATIN, "en", "").caption
        figure = map_figure(results, layer, view, families=LATIN, language="en", title="", note="")
        filled = {tuple(patch.get_facecolor()[:3]) for patch in figure.axes[0].patches}
        classes = [to_rgb(colour) for colour in palettes.RATE_COLOURS]
        shown = [number for number, colour in enumerate(classes) if colour in filled]
        assert shown == [palettes.rate_class(value / 100.0)]


@pytest.mark.parametrize(
    ("name", "profile", "told"),
    [
        ("care_home", "elderly", "1,500 older persons within 15 minutes"),
        ("school", "walk", "13,500 people within 15 minutes"),
    ],
)
def test_a_map_of_circles_counts_the_same_people(make_results, name, profile, told):
    (first, *_) = make_results().layers
    results = make_results(layers=(replace(first, name=name, profile=profile),))
    assert told in map_chart(results, results.layers[0], LATIN, "en", "").alt


def test_minutes_are_no_share_and_79_96_is_not_80(make_results):
    results = judged(make_results(), [79.96, 10.0])
    layer = next(one for one in results.layers if one.name == "care_home")
    chart = coverage_chart(results, layer, LATIN, "en", "")
    assert "79.9 %" in chart.alt and "80 %" not in chart.alt
    counted = replace(results, unit_results=results.unit_results.assign(shortfall_of="minutes"))
    assert coverage_bars(counted, layer, "zh").headline is None


def test_many_units_are_one_profile(make_results):
    results = make_results(side=7)
    layer = results.layers[0]
    bars = coverage_bars(replace(results, scorecard=pd.DataFrame()), layer, "en")
    assert len(bars.values) > MOST_BARS
    figure = coverage_figure(bars, bars.names, title="T", note="", language="en")
    (steps,) = figure.axes[0].patches
    assert steps.get_data().values.tolist() == bars.values.tolist()


# --- people


def test_travel_curves_count_everybody(make_results):
    results = make_results()
    layer = results.layers[0]
    (curve,), on_network = travel_curves(results, [layer], ["A"])
    assert on_network
    ways = results.access[results.access["layer"] == layer.name].set_index("demand_id")
    people = dict(zip(results.demand["demand_id"], results.demand["elderly"], strict=True))
    for minutes in (5.0, 15.0, 30.0):
        within = sum(
            number
            for point, number in people.items()
            if ways["seconds"].get(point, np.nan) <= minutes * 60.0 + 1e-6
        )
        shown = np.interp(minutes, curve.at, curve.share)
        assert shown == pytest.approx(within / sum(people.values()), abs=1e-12)
    assert (np.diff(curve.share) >= 0.0).all()


def test_lorenz_curve_is_that_of_the_ways_or_of_the_table(make_results):
    results = make_results()
    layer = results.layers[0]
    (curve,) = lorenz_curves(results, [layer], ["A"])
    ways = results.access[results.access["layer"] == layer.name].set_index("demand_id")
    seconds = ways["seconds"].reindex(results.demand["demand_id"]).to_numpy()
    assert curve.gini == pytest.approx(gini(seconds, results.demand["elderly"].to_numpy()))
    key = {"layer": layer.name, "people": "elderly", "quantity": "minutes"}
    told = {
        "lorenz": pd.DataFrame(
            [key | {"share_of_people": at, "share_of_quantity": at**2} for at in (0.0, 0.5, 1.0)]
        ),
        "equity": pd.DataFrame([key | {"part": "area", "gini": 0.125}]),
    }
    (curve,) = lorenz_curves(replace(results, tables=told), [layer], ["A"])
    assert (curve.part.tolist(), curve.gini) == ([0.0, 0.25, 1.0], 0.125)


def test_metres_and_minutes_are_not_one_quantity(make_results):
    base = make_results()
    first, second = base.layers
    straight = replace(second, on_network=False)
    for layers, expected in (
        ((first, second), ["A", "B"]),
        ((first, straight), ["A"]),
        ((straight, first), ["B"]),
        ((replace(first, on_network=False), straight), ["A", "B"]),
    ):
        results = replace(base, layers=layers)
        curves = lorenz_curves(results, layers, ["A", "B"])
        assert [curve.title for curve in curves] == expected
        assert [curve.title for curve in travel_curves(results, layers, ["A", "B"])[0]] == expected
    chart = lorenz_chart(
        replace(base, layers=(first, straight)), (first, straight), LATIN, "en", ""
    )
    assert first.en in chart.alt and second.en not in chart.alt


@pytest.mark.parametrize(
    ("value", "told"), [(99.7, "99%"), (99.999, "99%"), (29.0, "29%"), (0.4, "0%"), (100.0, "100%")]
)
def test_almost_reached_is_not_reached(make_results, value, told):
    key = {"plan": "p", "alternative": "", "indicator_id": "a"}
    verdict = "met" if value >= 100.0 else "not_met"
    row = {"headline": True, "governing": True, "value": value, "target": 100.0, "name_zh": "甲"}
    card = pd.DataFrame([key | row | {"verdict": verdict, "name_en": "A"}])
    table = pd.DataFrame([key | {"operator": "at_least"}])
    results = replace(make_results(), scorecard=card, tables={"progress": table})
    chart = progress_chart(results, LATIN, "en", "")
    assert chart.alt.endswith(f"with {told}")


def test_how_far_targets_are_reached(make_results):
    results = make_results()
    key = {"plan": "p", "alternative": "", "headline": True, "governing": True}
    rows = [
        ("a", 60.0, 80.0, "not_met", "at_least"),
        ("b", 600.0, 450.0, "not_met", "at_most"),
        ("c", 90.0, 80.0, "met", "at_least"),
        ("d", np.nan, 80.0, "no_data", "at_least"),
        ("e", 0.0, 1.0, "not_met", "at_least"),
    ]
    card = pd.DataFrame(
        [
            key | {"indicator_id": name, "value": value, "target": target, "verdict": verdict}
            for name, value, target, verdict, _ in rows
        ]
    ).assign(name_zh="甲", name_en="A")
    way = [key | {"indicator_id": name, "operator": operator} for name, *_, operator in rows]
    table = pd.DataFrame(way)[["plan", "indicator_id", "alternative", "operator"]]
    found = reached_parts(replace(results, scorecard=card, tables={"progress": table}))
    assert (found.ids, found.parts.tolist()) == (["e", "a", "b", "c"], [0.0, 0.75, 0.75, 1.0])
    assert (found.met, found.judged) == (1, 4)


# --- maps


def test_the_map_shows_the_scope_of_the_target(make_results):
    results = judged(make_results(), [50.0], scope="main_urban_area")
    layer = next(one for one in results.layers if one.name == "care_home")
    view = view_of(results, layer)
    assert view.scope == "主城区"
    west, south, east, north = results.scopes.total_bounds
    assert view.bounds[0] < west and view.bounds[1] < south
    assert view.bounds[2] > east and view.bounds[3] > north


@pytest.mark.parametrize(("language", "told"), [("zh", "East、West"), ("en", "East, West")])
def test_names_of_areas_are_joined_as_the_language_does(make_results, language, told):
    results = judged(make_results(language=language), [50.0], scope="main_urban_area")
    layer = next(one for one in results.layers if one.name == "care_home")
    several = ["East", "", "West", "East"]
    scopes = results.scopes.iloc[[0] * len(several)].assign(name=several)
    assert view_of(replace(results, scopes=scopes), layer).scope == told


def test_holes_stay_open_and_crumbs_are_left_out():
    axes = Figure().add_subplot()
    ring = shapely.box(0, 0, 10, 10).difference(shapely.box(4, 4, 6, 6))
    fill_shapes(axes, [ring, None, shapely.Point(1, 1)], box=None, pixel=0.1, facecolor="#000000")
    (patch,) = axes.patches
    path = patch.get_path()
    assert (path.codes == DrawnPath.MOVETO).sum() == 2
    shell, hole = path.to_polygons()

    def area(ring):
        x, y = np.asarray(ring).T
        return 0.5 * float(x[:-1] @ y[1:] - x[1:] @ y[:-1])

    assert (area(shell), area(hole)) == (100.0, -4.0)
    fill_shapes(axes, [], box=(0, 0, 1, 1), pixel=0.1, facecolor="#000000")
    stroke_lines(axes, [], box=(0, 0, 1, 1), pixel=0.1, color="k", width=1.0, zorder=1.0)
    assert len(axes.patches) == 1


WATER = "#c6dcea"


def painted(results, layer, view, colour):
    """Return which pixels of the map itself, without its legend, have a colour."""
    figure = map_figure(results, layer, view, families=LATIN, language="en", title="", note="")
    figure.set_dpi(300)  # Narrow lines have pixels of nothing but their colour.
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[:, :, :3].astype(int)
    west, south, east, north = view.bounds
    (left, low), (right, top) = figure.axes[0].transData.transform([(west, south), (east, north)])
    high = picture.shape[0]
    inside = picture[int(high - top) : int(high - low), int(left) : int(right)]
    return (abs(inside - np.rint(np.array(to_rgb(colour)) * 255)) <= 2).all(axis=2)


def test_water_is_drawn_where_it_is_given(make_results):
    dry = make_results()
    layer = dry.layers[0]
    west, south, east, north = dry.units.total_bounds
    lake = shapely.box(west, south, (west + east) / 2, (south + north) / 2)
    river = shapely.LineString([(west, north), (east, south)])
    # Nothing but the land lies under and over it: one small circle far from the lake.
    far = shapely.Point(east, north).buffer((east - west) / 50)
    circles = dry.circles[dry.circles["facility_id"] == ""]
    circles = circles.set_geometry([far] * len(circles), crs=circles.crs)
    parts = {name: getattr(dry, name).iloc[:0] for name in ("facilities", "roads")}
    dry = replace(dry, circles=circles, **parts)
    wet = replace(dry, basemap=replace(dry.basemap, water=np.array([lake, river], object)))
    view = MapView((west, south, east, north), "")
    assert not painted(dry, layer, view, WATER).any()
    water = painted(wet, layer, view, WATER)
    high, wide = water.shape
    assert water[high // 2 :, : wide // 2].mean() > 0.8
    # Of the other half only the river, from one corner to the other, and more than the middle.
    corner = water[: high // 2, : wide // 2]
    assert 0.0 < corner.mean() < 0.1
    at = np.arange(wide // 8, wide // 2 - wide // 8)
    rows = (at * high / wide).astype(int)
    assert corner[rows, at].mean() > 0.6
    assert not water[: high // 2, wide // 2 + 8 :].any()
    one, other = (map_chart(results, layer, LATIN, "en", "") for results in (dry, wet))
    assert one.alt == other.alt


@pytest.mark.parametrize("most", [0.07, 1.0, 37.0, 4_999.0, 123_456.0])
def test_a_bar_of_scale_is_round_and_fits(most):
    found = nice_length(most)
    assert 0.4 * most - 1e-9 <= found <= most + 1e-9
    assert f"{found:e}"[0] in "125"


# --- letters


def test_without_chinese_letters_words_are_english_and_names_codes(make_results, monkeypatch):
    latin = [font for font in fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(fontManager, "ttflist", latin)
    assert chart_font("zh") == ("DejaVu Sans", "en")
    assert font_families("zh") == (("DejaVu Sans",), "en")
    results = judged(make_results(), [50.0, 90.0])
    drawn = charts(results)
    texts = " ".join(f"{chart.title} {chart.alt}" for chart in drawn)
    assert not [letter for letter in texts if "\u4e00" <= letter <= "\u9fff"]
    monkeypatch.setattr(fontManager, "ttflist", [*latin, SimpleNamespace(name="Noto Sans CJK SC")])
    assert chart_font("zh") == ("Noto Sans CJK SC", "zh")


def test_no_chart_draws_boxes(make_results, monkeypatch):
    latin = [font for font in fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(fontManager, "ttflist", latin)
    # What a chart passes over is an error here, as any warning is.
    silent = SimpleNamespace(catch_warnings=nullcontext, filterwarnings=lambda *_, **__: None)
    monkeypatch.setattr(drawing, "warnings", silent)
    results = judged(make_results(), [50.0, 90.0], scope="main_urban_area")
    key = ["plan", "indicator_id", "alternative"]
    progress = results.scorecard[key].assign(operator="at_least")
    record = {
        "credits": ["© OpenStreetMap contributors", "示例市民政局"],
        "siting": {"layers": ["care_home"], "people": "elderly"},
        "project": {"figures": {"layers": ["care_home", "elderly_day_center"]}},
    }
    sites = pd.DataFrame({"action": ["open"], "lon": [118.9], "lat": [28.9]})
    tables = {"progress": progress, "site_gains": CURVE, "sites": sites}
    found = charts(replace(results, record=record, tables=tables))
    kinds = {"map", "coverage", "travel_time", "lorenz", "gains", "progress"}
    assert {chart.kind for chart in found} == kinds
    (layer, *_) = results.layers
    figure = map_figure(
        replace(results, record=record),
        layer,
        view_of(results, layer),
        families=LATIN,
        language="en",
        title="",
        note="",
    )
    below = figure.axes[0].get_xlabel()
    assert below == "– · 2025-12-31\n© OpenStreetMap contributors · –"


def test_names_that_no_font_writes_have_their_code():
    assert readable(["North", "北镇", "\ue000"], ["1", "02", "\ue001"], LATIN) == [
        "North",
        "02",
        "No. 3",
    ]
    assert readable(["a" * 90], ["b"], LATIN, most=5) == ["aaaa…"]
    assert readable(["\u202e\x00\n"], [HOSTILE], LATIN)[0] == "No. 1"


# --- names and numbers that nobody expects


def test_any_name_is_drawn(make_results):
    base = make_results()
    layer = replace(base.layers[0], name=HOSTILE, zh=HOSTILE, en=HOSTILE)
    first = base.layers[0].name
    frames = {}
    for name in ("facilities", "unit_coverage", "circles", "overlaps", "access"):
        frame = getattr(base, name)
        frames[name] = frame.assign(layer=frame["layer"].replace(first, HOSTILE))
    units = base.units.assign(name=HOSTILE)
    drawn = charts(replace(base, **frames, units=units, layers=(layer,), name=HOSTILE, record=ONE))
    assert {chart.name for chart in drawn} >= {"map_1", "coverage_1", "travel_time"}
    for chart in drawn:
        tree = ET.fromstring(chart.svg)
        assert not [one.tag for one in tree.iter() if one.tag.endswith("script")]
        assert "\u202e" not in chart.title + chart.alt


@pytest.mark.parametrize("case", ["no facilities", "one unit", "nobody", "no units", "no roads"])
def test_little_or_nothing_is_drawn_or_left_out(make_results, case):
    results = make_results()
    if case == "no facilities":
        results = replace(
            results,
            facilities=results.facilities.iloc[:0],
            circles=results.circles.iloc[:0],
            access=results.access.assign(seconds=np.nan, straight_metres=np.nan),
        )
    elif case == "one unit":
        results = replace(results, units=results.units.iloc[:1])
    elif case == "nobody":
        nobody = results.demand.assign(elderly=0.0, population=0.0)
        zero = {"population": 0.0, "elderly": 0.0, "covered_elderly": 0.0}
        coverage = results.unit_coverage.assign(**zero, covered_population=0.0)
        results = replace(results, demand=nobody, unit_coverage=coverage)
    elif case == "no units":
        results = replace(results, units=results.units.iloc[:0])
        assert shown_level(results) == ""
    else:
        layers = tuple(replace(layer, on_network=False) for layer in results.layers)
        results = make_results(
            layers=layers, circles=results.circles.iloc[:0], roads=results.roads.iloc[:0]
        )
    names = chart_names(results)
    if case == "nobody":
        assert not {"travel_time", "lorenz"} & set(names)
    assert any(name.startswith("map_") for name in names)


# --- gains of sites


def gains_of(**changes):
    given = {
        "record": {"siting": {"layers": ["care_home"], "people": "elderly"}},
        "tables": {"site_gains": CURVE},
        "layers": [SimpleNamespace(name="care_home", zh="养老机构", en="Care home")],
    }
    return gains_chart(SimpleNamespace(**(given | changes)), LATIN, "en", HOSTILE)


def test_the_chart_shows_the_table():
    figure = gains_figure(CURVE, title="T", people="Older", note="", language="en")
    axes = figure.axes[0]
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert drawn == {
        "each time the site that adds most": [[0, 100], [1, 160], [2, 190]],
        "no choice of as many covers more": [[0, 100], [1, 160], [2, 200]],
    }
    # 400 people in all: the axis of shares says a quarter where the other says 100.
    figure.draw_without_rendering()
    (right,) = axes.child_axes
    low, high = right.get_ylim()
    assert (low, high) == pytest.approx([value / 400 for value in axes.get_ylim()])


def test_gains_are_drawn_where_there_is_a_study():
    chart = gains_of()
    assert chart.title == "What each new site adds: Care home"
    assert "from 100 to 190" in chart.alt
    assert gains_of() == chart
    assert gains_of(record={}) is None
    assert gains_of(tables={}) is None


# --- places that cannot be written


def test_a_place_that_cannot_be_written_is_told(tmp_path, make_results):
    (tmp_path / "figures").write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputError):
        write_charts([gains_of()], tmp_path)
    assert write_charts([], tmp_path) == ()
