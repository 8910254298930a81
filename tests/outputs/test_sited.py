"""Layers and payload of a siting study."""

from __future__ import annotations

import pandas as pd

from servicecircle.outputs.maps import write_map
from servicecircle.outputs.sited import map_sites, site_frames, site_unit_columns

SITING = {"people": "elderly", "criterion": "seconds", "limit": 900.0, "profile": "walk"}


def tables(units):
    """Return the tables of a study of two sites, one of which closes."""
    sites = pd.DataFrame(
        {
            "number": [1, 2, 1],
            "action": ["open", "open", "close"],
            "phase": [1, 2, 1],
            "year": pd.array([2026, 2027, None], dtype="Int64"),
            "candidate_id": ["grid:1", "grid:2", "old"],
            "name": ["<b>one</b>", "two", "old"],
            "source": ["grid", "parcels", "existing"],
            "unit": "镇",
            "people_alone": [9.0, 5.0, None],
            "people_added": [9.0, 4.0, None],
            "people_covered": [9.0, 13.0, None],
            "share_covered": [0.09, 0.13, None],
            "people_served": [9.0, 4.0, None],
            "cost": [1.0, 2.5, 0.0],
            "capacity": [None, 20.0, None],
            "lon": [118.61, 118.62, 118.63],
            "lat": [28.71, 28.72, 28.73],
        }
    )
    candidates = pd.DataFrame(
        {
            "candidate_id": ["grid:1", "grid:2", "grid:3", "old"],
            "source": ["grid", "grid", "grid", "existing"],
            "forbidden": [False, False, True, False],
            "people_alone": [9.0, 5.0, 7.0, None],
            "lon": 118.61,
            "lat": 28.71,
        }
    )
    ids = units.loc[units["level"] == "township", "unit_id"]
    of_units = pd.DataFrame(
        {
            "unit_id": ids.to_numpy(),
            "level": "township",
            "layer": "care_home",
            "people": 100.0,
            "share_before": 0.1,
            "share_after": 0.799996,
            "people_gained": 70.0,
            "line": None,
            "sites": 1,
        }
    ).astype({"line": float})
    return {"sites": sites, "candidates": candidates, "site_units": of_units}


def test_a_run_without_a_study_shows_none(make_results):
    results = make_results()
    assert map_sites(results) is None
    assert site_frames(results.tables) == {}
    assert site_unit_columns(results.tables).empty


def test_sites_are_numbered_and_coloured_by_phase(make_results):
    results = make_results()
    found = tables(results.units)
    results = make_results(tables=found, record={"siting": SITING})
    shown = map_sites(results)
    assert [phase["title"] for phase in shown["phases"]] == [
        {"zh": "第 1 期 2026", "en": "phase 1 2026"},
        {"zh": "第 2 期 2027", "en": "phase 2 2027"},
    ]
    assert shown["phases"][0]["colour"] != shown["phases"][1]["colour"]
    assert shown["sites"]["phase"] == [0, 1, 0]
    assert shown["sites"]["closes"] == [0, 0, 1]
    assert shown["sites"]["names"][0] == "<b>one</b>"
    assert shown["sites"]["people_added"] == [9, 4, None]
    # Forbidden and existing ones are no candidates to show.
    assert shown["candidates"]["people"] == [9, 5]
    # Cut, not rounded: it does not enter the class from 80 %.
    assert set(shown["units"]["after"]) == {0.7999}


def test_layers_and_columns_of_the_geopackage(make_results):
    found = tables(make_results().units)
    frames = site_frames(found)
    assert {name: len(frame) for name, frame in frames.items()} == {"sites": 3, "candidates": 4}
    assert frames["sites"].geometry.iloc[0].x == 118.61
    columns = site_unit_columns(found)
    assert columns["site_care_home_gained"].eq(70.0).all()
    assert "site_care_home_before" in columns


def test_the_page_tells_of_a_site_where_it_is_clicked(make_results, chromium, tmp_path):
    from playwright import sync_api

    results = make_results()
    results = make_results(tables=tables(results.units), record={"siting": SITING, "crs": ""})
    write_map(results, tmp_path / "index.html")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((tmp_path / "index.html").as_uri())
        page.wait_for_function("document.body.dataset.ready")
        assert page.evaluate("document.body.dataset.ready") == "yes"
        legend = page.locator("#sc-legend-body").inner_text()
        assert "第 1 期 2026" in legend
        # The switch of the units after shades them in the place of the layer's rates.
        page.get_by_label("单元覆盖率：新增后").check()
        page.get_by_label("候选点").check()
        page.wait_for_timeout(300)
        assert "新增后覆盖率" in page.locator("#sc-legend-body").inner_text()
        # The map is told where the site is; the page's own handler answers the click.
        name = page.evaluate("Object.keys(window).find((one) => /^map_/.test(one))")
        page.evaluate(
            f"window[{name!r}].fire('click', {{ latlng: L.latLng(28.71, 118.61), "
            f"containerPoint: window[{name!r}].latLngToContainerPoint([28.71, 118.61]) }})"
        )
        card = page.locator("#sc-card-body").inner_text()
        browser.close()
    assert "<b>one</b>" in card
    assert "新增覆盖" in card
    assert "70" in card
    assert complaints == []
