"""Proposals are those of the rule carried out row by row, and keys those of Python's folding."""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections import Counter

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from servicecircle.inputs.duplicates import propose_duplicates, propose_shared_places
from servicecircle.inputs.likeness import folded_names, has_key, name_key, name_likeness

GEOD = Geod(ellps="WGS84")
SERVICES = ("居家养老服务中心", "照料中心", "老年食堂", "养老院", "社团法人", "发展协会", "社区",
            "home", "care")  # fmt: skip
NAMES = [
    *(
        "城南老年食堂",
        "城北老年食堂",
        "老年食堂",
        "甲院一部",
        "甲院二部",
        "甲院（一期）",
        "甲 院(一期)",
    ),
    *("臺北Ａ院", "台北a院", "社团法人大直村发展协会", "大直村发展协会", "大直村社区照料中心", ""),
    *("（）", "院٣", "院٤", "Ⅷ院", "8院", "İ care", "ß home", "ss"),
]


def key_by_hand(name):
    letters = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name))
    return letters.casefold().replace("臺", "台")


def core_by_hand(name):
    key = key_by_hand(name)
    core = re.sub("|".join(sorted(SERVICES, key=len, reverse=True)), "", key)
    return core or key


def letters_of(core):
    return set(itertools.pairwise("\x02" + core[:48]))


def likeness_by_hand(names):
    """Return the measure of the documentation as a function of two names."""
    sample = {core_by_hand(name) for name in names}
    often = Counter(pair for core in sample for pair in letters_of(core))

    def weight(pairs):
        return sum(math.log(1 + len(sample) / often[pair]) ** 2 for pair in pairs)

    def alike(one, other):
        first, second = core_by_hand(one), core_by_hand(other)
        numerals = [re.findall(r"\d+|[一二三四五六七八九十]+", core) for core in (first, second)]
        if not first or not second or (all(numerals) and numerals[0] != numerals[1]):
            return 0.0
        mine, yours = letters_of(first), letters_of(second)
        common, sizes = weight(mine & yours), (weight(mine), weight(yours))
        # Where the one stands in the other is nothing against it.
        inner = [{pair for pair in pairs if pair[0] != "\x02"} for pairs in (mine, yours)]
        least = min(map(weight, inner))
        share = weight(inner[0] & inner[1]) / least if least else 0.0
        return max(2 * common / sum(sizes), 0.8 * share)

    return alike


def on_sphere(one, other):
    """Return the haversine distance in metres; which places are nearest is told by it."""
    lon, lat, across, along = map(math.radians, (*one, *other))
    half = math.sin((along - lat) / 2) ** 2
    half += math.cos(lat) * math.cos(along) * math.sin((across - lon) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(half))


class Rows:
    """The rows of one or several layers, for a comparison one by one."""

    def __init__(self, frame):
        self.name = frame["name"].tolist()
        self.key = [key_by_hand(name) for name in self.name]
        self.layer = frame["layer"].tolist()
        self.code = frame["code"].tolist()
        self.listed = list(zip(self.key, frame["declared_unit"], frame["serves"], strict=True))
        self.point = [
            None if point is None else (point.x, point.y) for point in frame.geometry.tolist()
        ]
        self.place = [
            None if point is None else tuple(round(part * 1e6) for part in point)
            for point in self.point
        ]
        self.count = len(frame)
        self.alike = likeness_by_hand(self.name)

    def metres(self, one, other):
        if self.place[one] is None or self.place[other] is None:
            return math.nan
        if self.place[one] == self.place[other]:
            return 0.0
        return GEOD.inv(*self.point[one], *self.point[other])[2]

    def score(self, one, other):
        if self.key[one] and self.key[one] == self.key[other]:
            return 1.0
        return self.alike(self.name[one], self.name[other])

    def near(self, *, across):
        """Return pairs of rows at places of which one is among the six nearest of the other."""
        held = {}
        for at in range(self.count):
            if self.place[at] is not None and self.key[at]:
                label = (self.key[at], self.layer[at]) if across else self.key[at]
                held.setdefault(self.place[at], {}).setdefault(label, at)
        heads = {place: next(iter(rows.values())) for place, rows in held.items()}
        pairs = set()
        for place, head in heads.items():
            others = sorted(
                (on_sphere(self.point[head], self.point[there]), other)
                for other, there in heads.items()
                if other != place
            )
            company = [other for metres, other in others[:6] if metres < 50.5]
            for other in [*company, *([place] if across else [])]:
                for one, two in itertools.product(
                    list(held[place].values())[:5], list(held[other].values())[:5]
                ):
                    if one != two and not (across and self.layer[one] == self.layer[two]):
                        pairs.add((max(one, two), min(one, two)))
        return pairs

    def within(self):
        """Return {(at, other): kind} by the rule of one layer."""
        pairs, twins = {}, {}
        for at in range(self.count):
            earlier = range(at)
            if self.place[at] is None:
                same = [one for one in earlier if self.place[one] is None
                        and self.listed[one] == self.listed[at]]  # fmt: skip
            else:
                same = [one for one in earlier if self.place[one] == self.place[at]
                        and self.key[one] == self.key[at]]  # fmt: skip
            here = [one for one in earlier if self.place[at] and self.place[one] == self.place[at]]
            if same and self.key[at]:
                pairs[at, same[0]] = "duplicate"
                twins[at] = same[0]
            elif here:
                alike = self.score(at, here[0]) >= 0.6
                pairs[at, here[0]] = "alias" if alike else "co_located"
        for at, other in self.near(across=False):
            if self.metres(at, other) <= 50 and self.score(at, other) >= 0.6:
                pairs.setdefault((at, other), "alias")
        for at in range(self.count):
            same = [one for one in range(at) if self.code[at] and self.code[one] == self.code[at]]
            if same and twins.get(at) != same[0]:
                metres = self.metres(at, same[0])
                named = self.key[at] and self.key[at] == self.key[same[0]]
                far = "far_apart" if named and not math.isnan(metres) else "same_code"
                pairs.setdefault((at, same[0]), "alias" if metres <= 50 else far)
        return dict.fromkeys(self.unplaced(), "unplaced") | pairs

    def unplaced(self):
        """Yield each row without a place, the first of its kind, with a placed one of its name."""
        seen = set()
        for at in range(self.count):
            key, unit, _ = self.listed[at]
            if self.place[at] is not None or not key or self.listed[at] in seen:
                continue
            seen.add(self.listed[at])
            for one in range(self.count):
                other = self.listed[one][1]
                if (
                    self.place[one]
                    and self.key[one] == key
                    and (unit == other or not (unit and other))
                ):
                    yield max(at, one), min(at, one)
                    break

    def across(self):
        """Return {(at, other)} by the rule of several layers."""
        pairs = set()
        for at in range(self.count):
            if self.place[at] is None:
                continue
            here = [one for one in range(self.count) if self.place[one] == self.place[at]]
            mine = [one for one in here if self.layer[one] == self.layer[at]]
            if mine[0] == at and self.layer[here[0]] != self.layer[at]:
                pairs.add((at, here[0]))
            called = [one for one in here if self.key[at] and self.key[one] == self.key[at]]
            own = [one for one in called if self.layer[one] == self.layer[at]]
            if called and own[0] == at and self.layer[called[0]] != self.layer[at]:
                pairs.add((at, called[0]))
        for at, other in self.near(across=True):
            if self.metres(at, other) <= 50 and self.score(at, other) >= 0.6:
                pairs.add((at, other))
        return pairs


def drawn(seed, count, metres, layer="home"):
    """Return rows of which many share a place, a name or a code, and some have none."""
    rng = np.random.default_rng(seed)
    lon = 120 + rng.uniform(0, metres, count) / 96_000
    lat = 30 + rng.uniform(0, metres, count) / 111_000
    again = rng.integers(0, max(count, 1), count // 3)
    lon[: again.size], lat[: again.size] = lon[again], lat[again]
    points = np.asarray(shapely.points(lon, lat), dtype=object)
    points[rng.random(count) < 0.15] = None
    code = np.where(rng.random(count) < 0.3, rng.integers(0, 9, count).astype(str), "")
    return gpd.GeoDataFrame(
        {
            "facility_id": [f"{layer}:{row}" for row in range(count)],
            "layer": layer,
            "name": rng.choice(NAMES, count),
            "code": code,
            "declared_unit": rng.choice(["", "东镇"], count),
            "serves": rng.choice(["", "甲里"], count),
            "source_file": f"{layer}.csv",
            "source_sheet": "",
            "source_row": np.arange(2, count + 2),
        },
        geometry=gpd.GeoSeries(points, crs="EPSG:4326"),
    )


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 60),
    metres=st.sampled_from([30, 150, 800]),
)
def test_proposals_of_a_layer_are_those_of_the_rule_row_by_row(seed, count, metres):
    frame = drawn(seed, count, metres)
    rows, pairs = Rows(frame), propose_duplicates(frame)
    found = dict(zip(zip(pairs["at"], pairs["other"], strict=True), pairs["kind"], strict=True))
    assert found == rows.within()
    for at, other, distance, score in pairs.drop(columns="kind").itertuples(index=False):
        assert score == pytest.approx(rows.score(at, other), abs=6e-4)
        assert distance == pytest.approx(rows.metres(at, other), abs=0.06, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 30),
    metres=st.sampled_from([30, 150, 800]),
)
def test_proposals_across_layers_are_those_of_the_rule_row_by_row(seed, count, metres):
    frames = {name: drawn(seed + at, count, metres, name) for at, name in enumerate("abc")}
    whole = pd.concat(list(frames.values()), ignore_index=True)
    ids = whole["facility_id"]
    found = propose_shared_places(frames)
    assert set(zip(found["facility_id"], found["other_id"], strict=True)) == {
        (ids[at], ids[other]) for at, other in Rows(whole).across()
    }
    assert len(found) == len(found.drop_duplicates(["facility_id", "other_id"]))


# Ideographs, wide forms, brackets and marks of all kinds, composing marks, other scripts.
LETTERS = st.one_of(
    st.sampled_from(
        "甲乙院臺台一二（）()【】「」　 _-＿－·Ａａ１1Zzéß\u0301ﬃ㎡Ⅷ٣々〇\n\t\ufeff，。"
    ),
    st.characters(exclude_categories=["Cs"]),
    st.characters(min_codepoint=0x2E80, max_codepoint=0x9FFF),
    st.characters(min_codepoint=0xFF00, max_codepoint=0xFFEF),
)


@given(st.lists(st.text(LETTERS, max_size=8), max_size=8))
def test_keys_are_those_of_python_whatever_the_text(texts):
    by_hand = [key_by_hand(text) for text in texts]
    assert name_key(texts).tolist() == by_hand
    assert folded_names(pd.Series(texts, dtype="str")).to_pylist() == by_hand
    assert has_key(texts).tolist() == [key != "" for key in by_hand]


def test_each_single_character_has_pythons_key():
    # Alone and after a letter, where a mark could compose with it.
    characters = [chr(code) for code in range(0x11_0000) if not 0xD800 <= code < 0xE000]
    for before in ("", "院a"):
        texts = [before + character for character in characters]
        assert name_key(texts).tolist() == [key_by_hand(text) for text in texts]


@given(st.lists(st.sampled_from(NAMES), min_size=2, max_size=12))
def test_likeness_is_that_of_the_formula(names):
    alike = likeness_by_hand(names)
    one, other = np.divmod(np.arange(len(names) ** 2), len(names))
    found = name_likeness(names, one, other)
    by_hand = [alike(names[at], names[there]) for at, there in zip(one, other, strict=True)]
    assert found.tolist() == pytest.approx(by_hand)
