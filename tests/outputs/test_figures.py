"""Figures show their tables, are the same bytes again, and take any name."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pandas as pd
import pytest
from matplotlib.font_manager import fontManager

from servicecircle.outputs import figures
from servicecircle.outputs.figures import chart_font, gains_figure, write_figures, write_gains

CURVE = pd.DataFrame({
    "number": [0, 1, 2],
    "covered": [100.0, 160.0, 190.0],
    "bound": [100.0, 160.0, 200.0],
    "share": [0.25, 0.4, 0.475],
})  # fmt: skip
HOSTILE = "$x^{2$ </text><script>\u202e\U0001f3e5"


def results_of(**changes):
    given = {
        "record": {"siting": {"layers": ["care_home"], "people": "elderly"}},
        "tables": {"site_gains": CURVE},
        "layers": [SimpleNamespace(name="care_home", zh="养老机构", en="Care home")],
        "language": "zh",
        "invented": True,
    }
    return SimpleNamespace(**(given | changes))


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


@pytest.mark.parametrize("form", ["svg", "png"])
def test_the_same_values_are_the_same_bytes(tmp_path, form):
    paths = [tmp_path / f"{at}.{form}" for at in range(2)]
    for path in paths:
        write_gains(CURVE, path, title="T", people="People")
    assert paths[0].read_bytes() == paths[1].read_bytes()
    other = tmp_path / f"other.{form}"
    write_gains(CURVE.assign(covered=[100.0, 150.0, 190.0]), other, title="T", people="People")
    assert other.read_bytes() != paths[0].read_bytes()


def test_any_name_is_drawn(tmp_path):
    write_gains(CURVE, tmp_path / "a.svg", title=HOSTILE, people=HOSTILE, note=HOSTILE)
    tree = ET.parse(tmp_path / "a.svg")
    assert not [one.tag for one in tree.iter() if one.tag.endswith("script")]
    write_gains(CURVE, tmp_path / "a.png", title=HOSTILE, people=HOSTILE)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_without_chinese_letters_the_words_are_english(monkeypatch):
    latin = [font for font in fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(fontManager, "ttflist", latin)
    assert chart_font("zh") == ("DejaVu Sans", "en")
    monkeypatch.setattr(fontManager, "ttflist", [*latin, SimpleNamespace(name="Noto Sans CJK SC")])
    assert chart_font("zh") == ("Noto Sans CJK SC", "zh")


def test_a_run_writes_what_it_has_tables_for(tmp_path, monkeypatch):
    told = {}
    monkeypatch.setattr(
        figures, "write_gains", lambda _, path, **words: told.setdefault(path.name, words)
    )
    monkeypatch.setattr(figures, "chart_font", lambda language: ("DejaVu Sans", language))
    assert write_figures(results_of(), tmp_path) == ("site_gains.svg", "site_gains.png")
    assert told["site_gains.svg"]["title"] == "每新增一处的收益：养老机构"
    assert told["site_gains.svg"]["people"] == "覆盖的老年人"
    assert "虚构" in told["site_gains.svg"]["note"]
    assert write_figures(results_of(record={}), tmp_path) == ()
    assert write_figures(results_of(tables={}), tmp_path) == ()
