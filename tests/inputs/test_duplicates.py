"""Duplicates are proposed by name, place and code; nothing is merged without a rule."""

from __future__ import annotations

import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.inputs.duplicates import (
    NEAR_M,
    PROPOSAL_COLUMNS,
    propose_duplicates,
    propose_shared_places,
    settle_duplicates,
    shared_place_problems,
)
from servicecircle.inputs.facilities import read_facilities
from servicecircle.inputs.likeness import name_key, name_likeness
from servicecircle.project import FacilitySettings

# One metre of latitude, in degrees.
METRE = 1 / 110_860


def table(*rows, layer="home"):
    """Return a layer of (name, metres north of 30° N or None, code, unit) rows."""
    given = pd.DataFrame(
        [(*row, *[""] * (4 - len(row))) for row in rows], columns=["name", "north", "code", "unit"]
    )
    north = pd.to_numeric(given["north"])
    placed = north.notna().to_numpy()
    points = np.full(len(given), None, dtype=object)
    points[placed] = gpd.points_from_xy(
        np.full(placed.sum(), 120.0), 30 + north[placed].to_numpy() * METRE
    )
    return gpd.GeoDataFrame(
        {
            "facility_id": [f"{layer}:{row}" for row in range(len(given))],
            "layer": layer,
            "name": given["name"],
            "code": given["code"],
            "declared_unit": given["unit"],
            "serves": "",
            "capacity": np.arange(len(given), dtype=float),
            "source_file": f"{layer}.csv",
            "source_sheet": "",
            "source_row": np.arange(2, len(given) + 2),
        },
        geometry=gpd.GeoSeries(points, crs="EPSG:4326"),
    )


def kinds(frame):
    pairs = propose_duplicates(frame)
    return list(pairs[["kind", "at", "other"]].itertuples(index=False, name=None))


class TestWithinALayer:
    def test_same_name_and_place_is_a_duplicate_whatever_the_spelling(self):
        frame = table(("甲院（一期）", 0), ("甲 院(一期)", 0), ("甲院一期", 0.01))
        assert kinds(frame) == [("duplicate", 1, 0), ("duplicate", 2, 0)]

    def test_same_place_and_another_name_is_co_located(self):
        assert kinds(table(("东风养老院", 0), ("李庄卫生室", 0))) == [("co_located", 1, 0)]

    def test_like_names_nearby_are_aliases_and_farther_away_are_not(self):
        for metres, found in ((0, 1), (NEAR_M - 1, 1), (NEAR_M + 1, 0)):
            frame = table(("大直村发展中心", 0), ("社团法人大直村发展中心", metres))
            assert [kind for kind, _, _ in kinds(frame)] == ["alias"] * found, metres

    def test_the_same_name_nearby_is_an_alias_and_far_away_is_another_facility(self):
        assert kinds(table(("老年食堂", 0), ("老年食堂", 30))) == [("alias", 1, 0)]
        assert kinds(table(("老年食堂", 0), ("老年食堂", 300))) == []

    def test_names_that_differ_in_what_tells_them_apart_are_not_alike(self):
        for one, other in (("城南老年食堂", "城北老年食堂"), ("甲院一部", "甲院二部"),
                           ("示意养老院01", "示意养老院02")):  # fmt: skip
            assert kinds(table((one, 0), (other, 20))) == []

    def test_one_code_is_the_same_wrong_or_misplaced(self):
        assert kinds(table(("甲院", 0, "7"), ("乙院", 500, "7"))) == [("same_code", 1, 0)]
        assert kinds(table(("甲院", 0, "7"), ("甲院", 500, "7"))) == [("far_apart", 1, 0)]
        assert kinds(table(("甲院", 0, "7"), ("乙院", 20, "7"))) == [("alias", 1, 0)]
        assert kinds(table(("甲院", 0, "7"), ("甲院", 0, "7"))) == [("duplicate", 1, 0)]

    def test_rows_without_a_place_are_held_against_each_other_by_unit(self):
        frame = table(
            ("甲院", None, "", "东镇"), ("甲院", None, "", "东镇"), ("甲院", None, "", "西镇"),
            ("甲院", 0, "", "东镇"),
        )  # fmt: skip
        assert kinds(frame) == [("duplicate", 1, 0), ("unplaced", 3, 0)]

    def test_a_row_without_a_place_may_be_a_placed_one_of_its_name_and_unit(self):
        rows = [("甲院", 0, "", "东镇"), ("甲院", 500, "", "西镇"), ("甲院", None, "", "西镇")]
        assert kinds(table(*rows)) == [("unplaced", 2, 1)]
        assert kinds(table(rows[0], rows[2])) == []
        assert kinds(table(rows[0], ("甲 院", None, "", ""))) == [("unplaced", 1, 0)]
        (problem,) = settle_duplicates(table(rows[1], rows[2])).problems
        assert (problem.code, problem.action) == ("duplicate.unplaced", "flagged")
        assert settle_duplicates(table(rows[1], rows[2])).proposals["suggestion"].tolist() == [
            "review"
        ]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("夕阳红养老院", "望澜街道夕阳红养老院"),
            ("夕阳红养老院", "夕阳红敬老院"),
            ("夕阳红养老院", "示例市望澜街道夕阳红养老服务有限公司"),
            ("望澜街道夕阳红养老院", "示例市望澜街道夕阳红养老服务有限公司"),
            ("蓮花敬老院", "莲花敬老院"),
            ("莲花镇敬老院", "蓮花鎮養老院"),
        ],
    )
    def test_other_forms_of_one_name_are_proposed(self, one, other):
        rows = [(one, 0, "", ""), (other, 40, "", ""), ("城南老年食堂", 4_000, "", "")]
        assert ("alias", 1, 0) in kinds(table(*rows))

    def test_rows_without_names_are_never_duplicates(self):
        assert kinds(table(("", 0), ("", 0))) == [("co_located", 1, 0)]
        assert kinds(table(("", None, "", "东镇"), ("", None, "", "东镇"))) == []

    def test_one_row_none_row(self):
        assert kinds(table(("甲院", 0))) == []
        assert kinds(table(("甲院", 0)).iloc[:0]) == []

    def test_distances_are_those_of_the_ellipsoid(self):
        pairs = propose_duplicates(table(("甲院", 0), ("甲院", 40)))
        assert pairs["distance_m"].tolist() == pytest.approx([40], abs=0.2)

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(st.sampled_from("甲乙丙"), st.sampled_from([0, 0.02, 20, 40, 400, None])),
            max_size=12,
        )
    )
    def test_pairs_look_back_once_and_every_twin_is_found(self, rows):
        frame = table(*[(f"{name}院", north, "", "镇") for name, north in rows])
        pairs = propose_duplicates(frame)
        assert (pairs["at"] > pairs["other"]).all()
        assert not pairs.duplicated(["at", "other"]).any()
        # By hand: a row has a twin where an earlier one has its name and its rounded place.
        twins = {
            at
            for at, (name, north) in enumerate(rows)
            for other, there in rows[:at]
            if other == name and (north in (0, 0.02)) == (there in (0, 0.02))
            and (north == there or north in (0, 0.02))
        }  # fmt: skip
        assert set(pairs.loc[pairs["kind"] == "duplicate", "at"]) == twins


class TestSettled:
    frame = table(("甲院", 0), ("甲院", 0), ("乙院", 0), ("甲院", 0))

    def test_by_default_all_rows_stay_and_each_proposal_is_a_record(self):
        settled = settle_duplicates(self.frame, titles={"name": "名称"})
        assert len(settled.frame) == 4
        assert list(settled.proposals.columns) == list(PROPOSAL_COLUMNS)
        assert settled.proposals["action"].tolist() == ["flagged"] * 3
        assert [(one.code, one.row, one.column) for one in settled.problems] == [
            ("facility.duplicate", 3, "名称"),
            ("facility.same_place", 4, "名称"),
            ("facility.duplicate", 5, "名称"),
        ]

    def test_merging_keeps_the_first_row_and_records_the_others(self):
        settled = settle_duplicates(self.frame, rule="merge")
        assert settled.frame["facility_id"].tolist() == ["home:0", "home:2"]
        assert settled.frame.index.tolist() == [0, 1]
        aside = [one for one in settled.problems if one.action == "set_aside"]
        assert [one.row for one in aside] == [3, 5]
        assert len(self.frame) == len(settled.frame) + len(aside)
        # What the row said otherwise is told, so that it is not lost.
        assert "capacity" in aside[0].text("en")
        assert len(self.frame) == 4

    @pytest.mark.parametrize(("rule", "kept"), [("flag", 3), ("merge", 2)])
    def test_the_project_file_decides(self, tmp_path, rule, kept):
        text = "名称,经度,纬度\n甲院,120,30\n甲院,120,30\n乙院,120.1,30\n"
        (tmp_path / "homes.csv").write_text(text, encoding="utf-8")
        options = FacilitySettings(path="homes.csv", datum="wgs84", duplicates=rule)
        data = read_facilities(options, layer="care_home", base=tmp_path)
        assert (data.rows_in, len(data.frame), data.rows_set_aside) == (3, kept, 3 - kept)
        assert len(data.proposals) == 1


class TestAcrossLayers:
    def test_other_services_at_one_place_are_kept(self):
        homes = table(("甲院", 0), ("甲院二", 0), ("丙院", 900))
        meals = table(("食堂", 0), ("丙院", 930), ("丙院", 990), layer="canteen")
        found = propose_shared_places({"home": homes, "canteen": meals})
        shown = found[["kind", "facility_id", "other_id", "suggestion"]].values.tolist()
        assert shown == [
            ["co_located", "canteen:0", "home:0", "keep"],
            ["co_located", "canteen:1", "home:2", "keep"],
        ]
        (note,) = shared_place_problems(found)
        assert (note.code, note.value, note.severity) == ("duplicate.across", "2", "note")

    def test_one_layer_or_none_shares_nothing(self):
        assert propose_shared_places({"home": table(("甲", 0), ("乙", 0))}).empty
        assert propose_shared_places({}).empty


class TestLikeness:
    def test_keys_fold_width_case_marks_and_the_two_letters_tai(self):
        assert name_key(["臺北Ａ院（1）", "台北a院1"]).tolist() == ["台北a院1"] * 2

    def test_what_all_names_share_says_little(self):
        middle = [
            f"臺北市私立{a}{b}老人長期照顧中心(養護型)" for a in "荷建福美" for b in "園順喜安"
        ]
        names = np.array([*middle, "臺北市私立葉媽媽老人長期照顧中心"], dtype=object)
        every = np.arange(len(middle))
        found = name_likeness(names, every[1:], every[:-1])
        assert (found < 0.6).all()

    @given(st.lists(st.text(alphabet="甲乙院村一二 a", max_size=6), min_size=2, max_size=6))
    def test_likeness_is_symmetric_between_0_and_1_and_1_for_the_same(self, texts):
        names = np.array(texts, dtype=object)
        one, other = np.array([0, 1, 0]), np.array([1, 0, 0])
        found = name_likeness(names, one, other)
        assert ((found >= 0) & (found <= 1 + 1e-12)).all()
        assert found[0] == pytest.approx(found[1])
        assert found[2] == pytest.approx(1.0 if name_key(texts[:1])[0] else 0.0)


def spread(count, generator):
    """Return many facilities over a county, a tenth of them at places of others."""
    lon, lat = generator.uniform(118, 119, count), generator.uniform(28, 29, count)
    again = generator.integers(0, count, count // 10)
    lon[: again.size], lat[: again.size] = lon[again], lat[again]
    frame = table(*[("", 0)] * 2).iloc[np.zeros(count, dtype=int)].reset_index(drop=True)
    frame["name"] = [f"院{number}" for number in generator.integers(0, count, count)]
    return frame.set_geometry(gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs="EPSG:4326"))


def test_time_grows_about_linearly_and_crowded_places_do_not_stop_it():
    generator = np.random.default_rng(1)
    frames = [spread(count, generator) for count in (20_000, 80_000)]
    propose_duplicates(frames[0].iloc[:100])
    seconds = []
    for frame in frames:
        start = time.perf_counter()
        propose_duplicates(frame)
        seconds.append(time.perf_counter() - start)
    # Sixteenfold, were it quadratic.
    assert seconds[1] < 9 * seconds[0] + 0.5
    crowd = (
        frames[1]
        .assign(geometry=gpd.points_from_xy(np.full(80_000, 118.0), np.full(80_000, 28.0)))
        .set_crs("EPSG:4326", allow_override=True)
    )
    assert len(propose_duplicates(crowd)) == 80_000 - 1
