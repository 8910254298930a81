"""Pairs of people and candidates are those that a run would find; what a grid can lose."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from servicecircle.measure.access import Points, reaches
from servicecircle.measure.layers import all_access
from servicecircle.progress import Silent
from servicecircle.siting.candidates import find_candidates
from servicecircle.siting.losses import guarantee_in, most_lost
from servicecircle.siting.model import Goal, SitingModel
from servicecircle.siting.pairs import apart_pairs, candidate_pairs, straight_pairs
from servicecircle.siting.solve import solve

RULES = [("seconds", 900.0), ("metres", 700.0), ("straight_metres", 620.0)]


def laid(town, extra="", **options):
    project, ground, sites = town(extra, **options)
    return project, ground, find_candidates(project, ground, sites, layer="care_home")


def model_of(ground, candidates, pairs):
    count = len(candidates.frame)
    no = np.zeros(count, bool)
    people = ground.demand["elderly"].to_numpy(float)
    return SitingModel(
        weights=people,
        pairs=pairs,
        kept=candidates.existing,
        closable=no,
        mandatory=no,
        forbidden=no,
        cost=np.ones(count),
        capacity=np.full(count, np.inf),
        units=np.full(people.size, -1),
        site_units=np.full(count, -1),
        floors=np.empty(0),
        presence=np.empty(0, np.int64),
        apart=np.empty((0, 2), np.int64),
    )


@pytest.mark.parametrize(("criterion", "limit"), RULES)
@pytest.mark.parametrize("roads", ['\n[roads]\npath = "roads.gpkg"\n', ""])
def test_existing_facilities_cover_whom_the_access_table_says(siting_town, criterion, limit, roads):
    project, ground, candidates = laid(siting_town, roads=roads)
    pairs = candidate_pairs(ground, candidates, limit=limit, criterion=criterion)
    mine = pairs[:, np.flatnonzero(candidates.existing)]
    access = all_access(project, ground, {("care_home", "elderly")}, Silent())
    table = access["care_home", "elderly"]
    covered = reaches(table[criterion].to_numpy(float), limit)
    assert (np.diff(mine.indptr) > 0).tolist() == covered.tolist()
    costs = np.where(mine.toarray() > 0, mine.toarray(), np.inf).min(axis=1)
    # Nobody here stands in a home itself, so that a least cost of 0 is none.
    assert costs[covered] == pytest.approx(table[criterion].to_numpy(float)[covered], abs=1e-9)
    assert roads == "" or covered.any()


def test_costs_on_paper(siting_town):
    siting_town.table(siting_town.folder / "plots.csv", [1000, 1600], [30, 0], name=["甲", "乙"])
    extra = '\n[siting.candidates.plots]\nkind = "parcels"\npath = "plots.csv"\ndatum = "wgs84"\n'
    _, ground, candidates = laid(siting_town, extra)
    pairs = candidate_pairs(ground, candidates, limit=750.0, criterion="metres")
    # 甲 stands on the cross street, 30 m from the crossing at 1,000 m; 乙 on the main street.
    expected = np.full((7, 4), np.nan)
    expected[0, [0, 2]] = 20.0, 600.0 + 30.0
    expected[1, [2, 3]] = 150.0 + 30.0, 450.0
    expected[2, 2] = 350.0
    expected[3, [2, 3]] = 600.0 + 30.0, 0.0
    expected[4, 1] = 10.0
    expected[5, 2] = np.hypot(200.0, 300.0) + 370.0  # from the end of the cross street
    expected[6, 1] = 40.0 + 300.0 + 10.0
    stored = np.full((7, 4), np.nan)
    rows = np.repeat(np.arange(7), np.diff(pairs.indptr))
    stored[rows, pairs.indices] = pairs.data
    assert stored == pytest.approx(expected, abs=1e-3, nan_ok=True)


def test_a_cost_of_nothing_is_stored(siting_town):
    siting_town.table(siting_town.folder / "plots.csv", [1600], [0], name=["乙"])
    extra = '\n[siting.candidates.plots]\nkind = "parcels"\npath = "plots.csv"\ndatum = "wgs84"\n'
    _, ground, candidates = laid(siting_town, extra)
    pairs = candidate_pairs(ground, candidates, limit=1.0, criterion="metres")
    assert (pairs.nnz, pairs.indices.tolist()) == (1, [2])
    assert pairs.data[0] == pytest.approx(0.0, abs=1e-6)


def test_people_who_travel_otherwise_reach_otherwise(siting_town):
    _, ground, candidates = laid(siting_town)
    slow = candidate_pairs(ground, candidates, limit=300.0, criterion="seconds")
    quick = candidate_pairs(ground, candidates, limit=300.0, criterion="seconds", profile="ebike")
    assert quick.nnz > slow.nnz
    # 3 km/h on foot and 15 km/h; on foot from the street to the door either way.
    first = slow.toarray()[0, 0]
    assert first == pytest.approx(20.0 / 3.0 * 3.6, abs=1e-2)


def test_facilities_of_other_layers_serve_their_own(siting_town):
    project, ground, sites = siting_town()
    both = find_candidates(
        project, ground, sites, layer="care_home", also=("community_service_center",)
    )
    layers = both.frame["layer"].to_numpy(object)
    for layer in ("care_home", "community_service_center"):
        pairs = candidate_pairs(ground, both, limit=900.0, criterion="seconds", layer=layer)
        reached = np.unique(pairs.indices)
        assert set(layers[reached]) == {"", layer}
        assert pairs.has_sorted_indices


def test_straight_pairs_are_those_of_every_pair_tried():
    rng = np.random.default_rng(5)
    x, y = rng.uniform(0, 1000, (2, 200))
    tx, ty = rng.uniform(0, 1000, (2, 40))
    x[3], tx[5] = np.nan, np.nan
    doors = np.full(40, None, object)
    doors[7] = shapely.box(tx[7] - 60, ty[7] - 60, tx[7] + 60, ty[7] + 60)
    doors[8] = shapely.multipoints([[tx[8] + 90, ty[8]], [tx[8], ty[8] - 90]])

    def points(px, py, shapes=None):
        ids = np.arange(px.size).astype(object)
        return Points(ids=ids, x=px, y=py, at=None, doors=shapes)

    found = straight_pairs(points(x, y), points(tx, ty, doors), limit_m=150.0)
    for person in range(200):
        for target in range(40):
            shape = doors[target]
            place = shapely.Point(x[person], y[person])
            if np.isnan(x[person]) or np.isnan(tx[target]):
                metres = np.inf
            elif shape is None:
                metres = float(np.hypot(x[person] - tx[target], y[person] - ty[target]))
            else:
                metres = float(shapely.distance(shape, place))
            held = slice(found.indptr[person], found.indptr[person + 1])
            stored = dict(zip(found.indices[held].tolist(), found.data[held].tolist(), strict=True))
            assert (target in stored) == (metres <= 150.0)
            assert stored.get(target, metres) == pytest.approx(metres)
    assert found.has_sorted_indices


def test_candidates_too_near_each_other(siting_town):
    _, _, candidates = laid(siting_town)
    x, y, old = candidates.points.x, candidates.points.y, candidates.existing
    pairs = apart_pairs(candidates, spacing_m=600.0, existing_m=300.0)
    expected = [
        (one, other)
        for one in range(x.size)
        for other in range(one + 1, x.size)
        if not (old[one] and old[other])
        and np.hypot(x[one] - x[other], y[one] - y[other])
        < (300.0 if old[one] or old[other] else 600.0)
    ]
    assert [tuple(pair) for pair in pairs.tolist()] == expected
    assert len(expected) > 3
    assert apart_pairs(candidates, spacing_m=0.0).shape == (0, 2)


@pytest.mark.parametrize("limit", [-1.0, float("nan")])
def test_a_limit_that_is_none_is_refused(siting_town, limit):
    _, ground, candidates = laid(siting_town)
    with pytest.raises(ValueError, match="must be 0 or more"):
        candidate_pairs(ground, candidates, limit=limit, criterion="metres")


def test_no_choice_along_the_roads_beats_what_the_grid_can_lose(siting_town):
    every = "\n[siting.candidates.net]\nkind = 'grid'\nevery_m = {}\n"
    _, ground, coarse = laid(siting_town, every.format(300))
    _, _, fine = laid(siting_town, every.format(4))
    limit = 240.0
    pairs = candidate_pairs(ground, coarse, limit=limit, criterion="metres")
    model = model_of(ground, coarse, pairs)
    wider = candidate_pairs(
        ground,
        coarse,
        limit=limit + guarantee_in(ground, coarse, criterion="metres"),
        criterion="metres",
    )
    near = candidate_pairs(ground, fine, limit=limit, criterion="metres")
    for sites in (1, 2):
        goal = Goal(objective="cover", sites=sites)
        loss = most_lost(model, goal, solve(model, goal), wider=wider, gap=0.0)
        anywhere = solve(model_of(ground, fine, near), goal)
        assert anywhere.status == "optimal"
        assert loss.found <= anywhere.objective <= loss.best + 1e-9
        assert loss.lost == loss.best - loss.found
    # The grid is coarse enough to lose somebody with one site.
    fewest = Goal(objective="fewest", share=0.7)
    loss = most_lost(model, fewest, solve(model, fewest), wider=wider, gap=0.0)
    anywhere = solve(model_of(ground, fine, near), fewest)
    assert loss.best <= anywhere.objective <= loss.found


def test_the_guarantee_in_the_unit_of_a_rule(siting_town):
    _, ground, candidates = laid(siting_town)
    metres = candidates.guarantee_m
    assert guarantee_in(ground, candidates, criterion="metres") == metres
    assert guarantee_in(ground, candidates, criterion="straight_metres") == metres
    seconds = guarantee_in(ground, candidates, criterion="seconds")
    assert seconds == pytest.approx(metres / 3.0 * 3.6)
    assert np.isnan(guarantee_in(ground, candidates, criterion="seconds", profile="drive"))


def test_rules_that_bind_places_have_no_guarantee(siting_town):
    _, ground, candidates = laid(siting_town)
    pairs = candidate_pairs(ground, candidates, limit=500.0, criterion="metres")
    model = model_of(ground, candidates, pairs)
    goal = Goal(objective="mean", sites=1)
    with pytest.raises(ValueError, match="fewest and cover"):
        most_lost(model, goal, solve(model, goal), wider=pairs)
