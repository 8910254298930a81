"""Duplicates in the real lists of Taipei, with the counts of the rows that share coordinates."""

from __future__ import annotations

from pathlib import Path

from servicecircle.inputs.duplicates import propose_shared_places
from servicecircle.inputs.facilities import read_facilities
from servicecircle.project import FacilitySettings

HOMES = "臺北市老人福利機構名冊1140201_coord.csv"
POINTS_505 = "114年度臺北市社區照顧關懷據點㇐覽表_coord.csv"
POINTS_457 = "據點清單名冊_coord.csv"


def read(shared, name, **options):
    settings = FacilitySettings(path=Path(name), datum="wgs84", **options)
    return read_facilities(settings, layer=name[:8], base=shared / "taipei")


def shares_a_place(frame):
    exact = frame.geometry.x.map(repr) + frame.geometry.y.map(repr)
    return int(exact[frame.geometry.notna()].duplicated().sum())


def test_the_6_care_homes_at_the_place_of_another_are_co_located(shared):
    data = read(shared, HOMES)
    assert shares_a_place(data.frame) == 6
    # 臺北市私立…老人長期照顧中心(養護型) is what all have in common: none is an alias of another.
    assert data.proposals["kind"].tolist() == ["co_located"] * 6
    assert data.proposals["suggestion"].tolist() == ["keep"] * 6
    assert (data.proposals["distance_m"] == 0).all()
    first = data.proposals.iloc[0]
    assert "建興" in first["name"]
    assert "仁家" in first["other_name"]


def test_the_27_care_points_at_the_place_of_another_are_proposed(shared):
    data = read(shared, POINTS_505)
    assert shares_a_place(data.frame) == 27
    same = data.proposals[data.proposals["distance_m"] == 0]
    assert len(same) == 27
    assert set(same["kind"]) <= {"co_located", "duplicate", "alias"}
    # Of 清白里, the office and the association stand 0.3 m apart.
    aliases = data.proposals[data.proposals["kind"] == "alias"]
    assert aliases["name"].tolist() == ["臺北市內湖區清白社區發展協會"]
    assert aliases["distance_m"].tolist() == [0.3]


def test_the_list_of_457_holds_one_association_under_two_names(shared):
    data = read(shared, POINTS_457)
    kinds = data.proposals["kind"].value_counts().to_dict()
    assert kinds == {"co_located": shares_a_place(data.frame) - 1, "alias": 2}
    twice = data.proposals[data.proposals["name"].str.contains("大直")]
    assert twice["kind"].tolist() == ["alias"]
    assert "社團法人" in twice["other_name"].iloc[0]


def test_merging_sets_nothing_aside_where_no_name_stands_twice_at_one_place(shared):
    for name, rows in ((HOMES, 94), (POINTS_505, 505)):
        data = read(shared, name, duplicates="merge")
        assert (data.rows_in, len(data.frame), data.rows_set_aside) == (rows, rows, 0)


def test_the_two_lists_of_care_points_meet_at_most_places(shared):
    one, two = read(shared, POINTS_505), read(shared, POINTS_457)
    found = propose_shared_places({"505": one.frame, "457": two.frame})
    assert set(found["suggestion"]) == {"keep"}
    # The same by hand: names that both lists have once, and how far apart they stand.
    lists = [data.frame.to_crs("EPSG:3826") for data in (one, two)]
    lists = [frame[~frame["name"].duplicated(keep=False)].set_index("name") for frame in lists]
    both = lists[0].index.intersection(lists[1].index)
    metres = lists[0].loc[both].distance(lists[1].loc[both])
    near, far = set(both[metres < 49]), set(both[metres > 51])
    assert (len(near), len(far)) == (238, 43)
    same = found[(found["score"] == 1) & (found["name"] == found["other_name"])]
    assert near <= set(same["name"])
    assert not far & set(same["name"])
