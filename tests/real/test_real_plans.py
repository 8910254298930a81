"""Plans held against real places: values by hand from the raw files, verdicts by the rules."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest

VILLAGES = "113年12月行政區三段年齡組性別人口統計_村里_WGS84_臺北市.geojson"
BEDS = "zhejiang_care_home_beds_per_10000_elderly_unit"
WITHIN_1KM = "zhejiang_care_home_within_1km"
MANX = """
[plan]
id = "manx"
name_zh = "自拟规划"
name_en = "A plan of our own"
level = "county"
region_zh = "马恩岛"
region_en = "Isle of Man"
period = [2018, 2025]

[indicators.pharmacies]
name_zh = "药店数量"
name_en = "Pharmacies"
layer = "pharmacy"
kind = "count"
level = "county"
numerator = "facilities"
unit = "pharmacies"
unit_zh = "家"
targets = [{ year = 2020, value = 15 }]

[indicators.people_within_15_minutes]
name_zh = "15 分钟到药店"
name_en = "People within 15 minutes of a pharmacy"
layer = "pharmacy"
kind = "travel_time"
level = "county"
denominator = "population"
threshold = 15
threshold_unit = "min"
profile = "walk"
unit = "%"
targets = [{ year = 2020, value = 50 }]

[indicators.pharmacies_per_10000]
name_zh = "每万人药店数"
name_en = "Pharmacies per 10,000 people"
layer = "pharmacy"
kind = "capacity_ratio"
level = "county"
numerator = "facilities"
denominator = "population"
per = 10000
unit = "pharmacies per 10000 people"
targets = [{ year = 2020, value = 2 }]
"""


def card(run, *, headline=True):
    """Return the rows that the plans' first words give at the date of judgement, by id."""
    rows = run.csv("scorecard.csv")
    return rows[rows["headline"]].set_index("indicator_id") if headline else rows


def lacking(row):
    return set(row["missing_inputs"].split("; "))


def test_jiangshan_is_a_county_of_fewer_than_half_a_million(finished):
    rows = card(finished("jiangshan"))
    assert set(rows["plan"]) == {"quzhou", "zhejiang"}
    # The census of 2020 counted 494,412 people there; the clause begins at 500,000.
    for rule in (WITHIN_1KM, BEDS):
        assert rows.loc[rule, "verdict"] == "not_applicable"
        assert "494,412" in rows.loc[rule, "notes"] and "500,000" in rows.loc[rule, "notes"]
    # Sums of a prefecture or of the province are not held against a part of them.
    totals = rows[rows["kind"] == "count"]
    assert len(totals) > 5 and set(totals["verdict"]) == {"not_applicable"}
    # 131,950 people of 60 and over, said to be residents.
    ratio = rows.loc["zhejiang_certified_caregivers_per_10000_elderly"]
    assert ratio["denominator"] == 131_950 and lacking(ratio) == {"[staff] certified_caregivers"}
    assert "常住人口，60 岁及以上为老年人" in ratio["notes"]
    everybody = rows.loc["zhejiang_certified_social_workers_per_10000"]
    assert everybody["denominator"] == 494_412 and "岁" not in everybody["notes"]


def test_jiangshan_s_villages_served_counted_again(finished, shared):
    villages = gpd.read_file(shared / "jiangshan" / "villages.geojson")
    villages = villages[villages["kind"] != "farm_or_other"]
    # Each site serves the first eight villages of its township; two townships have six and seven.
    served = int(villages.groupby("town").size().clip(upper=8).sum())
    assert served == 17 * 8 + 6 + 7
    rows = card(finished("jiangshan"))
    for rule in (
        "quzhou_ecological_burial_village_coverage",
        "zhejiang_ecological_burial_village_coverage",
    ):
        assert (rows.loc[rule, "numerator"], rows.loc[rule, "denominator"]) == (served, 326)
        assert rows.loc[rule, "verdict"] == "not_met"
    # All 326 are villages by the source: what holds for city communities names both that lack.
    canteens = rows.loc["quzhou_shared_canteen_coverage"]
    lacks = {"[facilities.canteen]", "[boundaries.village_level] urban_communities"}
    assert canteens["verdict"] == "no_data" and lacking(canteens) == lacks
    workers = rows.loc["quzhou_community_workers_per_community"]
    assert "[staff] community_workers" in lacking(workers)


def test_pinghu_s_ratios_by_hand(finished):
    rows = card(finished("pinghu"))
    assert set(rows["plan"]) == {"jiaxing", "zhejiang"}
    # Five homes are open: 300 + 200 + 120 + 100 + 80 beds, of them 180 + 120 + 70 + 40 + 30.
    beds = rows.loc["jiaxing_nursing_bed_share"]
    assert (beds["numerator"], beds["denominator"], beds["value"]) == (440, 800, 55)
    # 60 % of 800 are 480.
    assert (beds["verdict"], beds["shortfall"], beds["shortfall_of"]) == ("not_met", 40, "beds")
    # 60 + 40 beds for 147,717 of 60 and over; 20 for each 10,000 are 295.4.
    dementia = rows.loc["jiaxing_cognitive_beds_per_10000_elderly"]
    assert dementia["value"] == pytest.approx(100 / 14.7717)
    assert (dementia["verdict"], dementia["shortfall"]) == ("not_met", 196)
    # Of four homes with 100 beds or more two have a room, one has none, one does not say.
    rooms = rows.loc["zhejiang_rehab_room_in_large_homes"]
    assert (rooms["numerator"], rooms["denominator"]) == (2, 4)
    assert (rooms["low"], rooms["value"], rooms["high"]) == (50, 50, 75)
    # Eight of nine townships have a station, though the list gives no coordinates.
    stations = rows.loc["zhejiang_social_work_station_township"]
    assert (stations["numerator"], stations["denominator"]) == (8, 9)
    assert stations["verdict"] == "not_met" and stations["shortfall"] == 1


def test_what_pinghu_cannot_be_judged_by(finished):
    run = finished("pinghu")
    rows = card(run)
    # 671,326 people: the clause of 1 km speaks of it, and names all that it still needs.
    near = rows.loc[WITHIN_1KM]
    assert near["verdict"] == "no_data"
    assert lacking(near) == {"[population]", "[boundaries.main_urban_area]"}
    social = rows.loc["jiaxing_social_beds_per_1000_elderly"]
    assert lacking(social) == {"[facilities.elderly_day_center]"}
    assert social["denominator"] == 147_717
    # The homes that are known already give 800 beds.
    assert social["low"] == pytest.approx(800 / 147.717) and math.isinf(social["high"])
    stays = card(run, headline=False).set_index(["indicator_id", "alternative"])
    above = stays.loc[("jiaxing_social_org_service_center_coverage", "prefecture")]
    assert above["verdict"] == "not_applicable"
    assert "高于本研究区的层级（县级）" in above["notes"]
    anywhere = stays.loc[("jiaxing_dementia_care_home_county", "county")]
    assert (anywhere["numerator"], anywhere["denominator"]) == (1, 1)
    assert anywhere["verdict"] == "met" and not anywhere["governing"]
    # Nothing is ranked by rates that need people at places.
    league = run.csv("league.csv")
    assert not league["rule"].eq("1000 m straight").any()


def test_invented_homes_of_pinghu_stand_where_the_real_villages_do(finished, shared):
    """The list is in Baidu's datum; the source has the same villages in WGS84 beside it."""
    homes = finished("pinghu").layer("facilities").query("layer == 'care_home'")
    villages = gpd.read_file(shared / "pinghu" / "village_points.geojson")
    first = villages.groupby("street", sort=True).head(1).iloc[:6]
    apart = np.hypot(
        homes.geometry.x.to_numpy() - first.geometry.x.to_numpy(),
        homes.geometry.y.to_numpy() - first.geometry.y.to_numpy(),
    )
    assert len(homes) == 6 and apart.max() < 2e-5


def test_taipei_s_beds_counted_again(finished, shared):
    run = finished("taipei")
    rows = card(run)
    homes = pd.read_csv(shared / "taipei" / "臺北市老人福利機構名冊1140201_coord.csv")
    days = pd.read_csv(shared / "taipei" / "臺北市日間照顧機構一覽表_coord.csv")
    beds, places = homes["核定床數-核定總床位數"], days["收託量"]
    assert (beds.sum(), places.sum()) == (5192, 445)
    social = rows.loc["zhejiang_social_beds_per_1000_elderly"]
    assert social["numerator"] == 5192 + 445
    assert social["value"] == pytest.approx(5637 / 574.458)
    # One home alone has beds for dementia, 62 of them.
    dementia = rows.loc["zhejiang_cognitive_beds_per_10000_elderly"]
    assert dementia["numerator"] == homes["核定床數-失智床數"].sum() == 62
    assert dementia["shortfall"] == math.ceil(20 * 57.4458 - 62)
    assert "65 岁及以上为老年人" in dementia["notes"]
    near = rows.loc[WITHIN_1KM]
    assert near["verdict"] == "not_met" and lacking(near) == {"[roads]"}


def test_taipei_s_planning_units_counted_again(finished, shared):
    """300 beds for each 10,000 of the elderly, of units that are put together from villages."""
    run = finished("taipei")
    villages = gpd.read_file(shared / "taipei" / VILLAGES)
    homes = pd.read_csv(shared / "taipei" / "臺北市老人福利機構名冊1140201_coord.csv")
    points = gpd.GeoDataFrame(
        homes, geometry=gpd.points_from_xy(homes["lon"], homes["lat"]), crs="EPSG:4326"
    )
    standing = gpd.sjoin(points, villages[["V_ID", "geometry"]], predicate="within")
    assert len(standing) == 94
    members = run.csv("clusters.csv")
    unit_of = members.set_index(members["member_id"].str.removeprefix("village_level:"))["unit_id"]
    elderly = villages.groupby(unit_of.reindex(villages["V_ID"]).to_numpy())["A65UP_CNT"].sum()
    beds = standing.groupby(unit_of.reindex(standing["V_ID"]).to_numpy())[
        "核定床數-核定總床位數"
    ].sum()
    beds = beds.reindex(elderly.index, fill_value=0)
    # No unit crosses a district, so each district has its own number of them.
    districts = villages.groupby("TOWN")["A65UP_CNT"].sum()
    assert len(elderly) == (districts / 10_000).round().sum()
    enough = beds >= 0.03 * elderly
    row = card(run).loc[BEDS]
    assert row["numerator"] == 5192 and row["denominator"] == elderly.sum() == 574_458
    assert row["verdict"] == "not_met"
    assert f"{len(elderly)} 个中 {enough.sum()} 个达到" in row["notes"]
    assert row["shortfall"] == np.ceil(0.03 * elderly - beds).clip(lower=0).sum()
    results = run.csv("unit_results.csv").query("indicator_id == @BEDS and verdict != 'reference'")
    judged = results[results["unit_id"].isin(elderly.index)].set_index("unit_id")
    assert (judged["verdict"] == "met").reindex(elderly.index).equals(enough.rename("verdict"))


class Pharmacies(osmium.SimpleHandler):
    """Every node, way and relation that is a pharmacy."""

    def __init__(self):
        super().__init__()
        self.found = set()

    def take(self, kind, one):
        if one.tags.get("amenity") == "pharmacy":
            self.found.add((kind, one.id))

    def node(self, one):
        self.take("n", one)

    def way(self, one):
        self.take("w", one)

    def relation(self, one):
        self.take("r", one)


def test_a_plan_of_one_s_own_judges_the_isle_of_man(real_project, command, shared, tmp_path):
    """A place without a plan, and without a number of its older people."""
    file = real_project("isle_of_man")
    (file.parent / "manx.toml").write_text(MANX, encoding="utf-8")
    added = '\n[plans.manx]\npath = "manx.toml"\narea = "whole"\n'
    file.write_text(file.read_text(encoding="utf-8") + added, encoding="utf-8")
    run = command(file, tmp_path / "manx")
    seen = Pharmacies()
    seen.apply_file(str(shared / "isle_of_man" / "isle_of_man_2020-03-14.osm.pbf"))
    rows = card(run)
    count = rows.loc["pharmacies"]
    assert count["value"] == len(seen.found) and count["shortfall"] == 15 - len(seen.found)
    each = rows.loc["pharmacies_per_10000"]
    assert each["value"] == pytest.approx(len(seen.found) / 8.4)
    # At least 16.8 of them, so 17.
    assert each["shortfall"] == 17 - len(seen.found)
    # All people, for the plan says so: as many as the rates of units.csv have reached.
    units = run.csv("units.csv").query("layer == 'pharmacy' and rule == '15 min'")
    reach = rows.loc["people_within_15_minutes"]
    assert reach["denominator"] == pytest.approx(84_000)
    assert reach["numerator"] == pytest.approx(units["covered_population"].sum(), rel=1e-8)
    assert reach["verdict"] == "not_met" and reach["low"] <= reach["value"] <= reach["high"]


def test_a_plan_of_one_s_own_with_faults_stops_the_run(real_project, tmp_path):
    from click.testing import CliRunner

    from servicecircle.cli import main

    file = real_project("isle_of_man")
    wrong = MANX.replace('layer = "pharmacy"', 'layer = "farmacy"', 1).replace(
        'denominator = "population"', 'denominator = "beds"', 1
    )
    (file.parent / "manx.toml").write_text(wrong.replace("value = 50", "value = 500"), "utf-8")
    added = '\n[plans.manx]\npath = "manx.toml"\narea = "whole"\n'
    file.write_text(file.read_text(encoding="utf-8") + added, encoding="utf-8")
    result = CliRunner().invoke(main, ["run", str(file), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1 and not (tmp_path / "out").exists()
    for told in ("farmacy", "pharmacy", "elderly, population, units", "500"):
        assert told in result.stderr
    assert "3 fault(s)" in result.stderr
