"""Real changes: Hangzhou's districts of 2021, Jiangshan's villages against the codes of 2023."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from servicecircle.cli import main
from servicecircle.inputs.boundaries import link_parents, read_boundaries
from servicecircle.inputs.carried_tables import carry_table
from servicecircle.inputs.code_lists import check_codes, read_codes
from servicecircle.project import BoundarySettings, CodeSettings

ROOT = Path(__file__).resolve().parents[2]
CHANGES = ROOT / "docs" / "hangzhou-2021.csv"
CENSUS = "census/census2020_county_cn_key.csv"
# Residents of 2020 by the districts of 2021, as the city published them.
PUBLISHED = {
    "上城区": 1_323_467, "拱墅区": 1_120_985, "萧山区": 2_011_699, "余杭区": 1_226_673,
    "临平区": 1_175_841, "钱塘区": 769_150,
}  # fmt: skip
WHOLE_CITY = 11_936_010


def carry(shared: Path, changes: Path):
    return carry_table(
        shared / CENSUS, [changes], level="county", since=dt.date(2020, 11, 1),
        as_of=dt.date(2025, 12, 31), columns=["人口数_合计", "pop_60p"], within="3301",
    )  # fmt: skip


def test_hangzhou_after_2021(shared):
    carried = carry(shared, CHANGES)
    people = carried.table.set_index("name")["人口数_合计"]
    assert len(people) == 13
    for name, count in PUBLISHED.items():
        assert people[name] == pytest.approx(count, abs=1e-3), name
    assert people.sum() == pytest.approx(WHOLE_CITY)
    assert carried.table["pop_60p"].sum() == pytest.approx(2_013_297)
    assert (carried.table["missing"] == "").all()
    # The city's own total row is no county.
    assert [(p.code, p.value) for p in carried.problems] == [("change.not_carried", "1")]


def test_hangzhou_without_shares_says_what_is_exact(shared, tmp_path):
    table = pd.read_csv(CHANGES, dtype=str).drop(columns="people")
    table.to_csv(tmp_path / "changes.csv", index=False)
    carried = carry(shared, tmp_path / "changes.csv")
    people = carried.table.set_index("name")["人口数_合计"]
    unknown = {"上城区", "钱塘区", "萧山区", "余杭区", "临平区"}
    assert set(people.index[people.isna()]) == unknown
    assert people["拱墅区"] == PUBLISHED["拱墅区"]
    split = [
        problem.value for problem in carried.problems if problem.code == "change.share_unknown"
    ]
    assert split == ["江干区", "萧山区", "余杭区"]
    groups = carried.groups.set_index("units_after")["人口数_合计"]
    assert groups["余杭区; 临平区"] == PUBLISHED["余杭区"] + PUBLISHED["临平区"]
    assert groups["上城区; 钱塘区; 萧山区"] == sum(
        PUBLISHED[n] for n in ("上城区", "钱塘区", "萧山区")
    )
    assert carried.groups["人口数_合计"].sum() == WHOLE_CITY


def test_the_guide_shows_what_the_command_prints(shared):
    page = (ROOT / "docs" / "changes.md").read_text(encoding="utf-8")
    command = re.search(r"^servicecircle (carry .+)$", page, flags=re.M)
    words = command[1].replace("census.csv", str(shared / CENSUS)).split()
    words = [str(CHANGES) if word == "docs/hangzhou-2021.csv" else word for word in words]
    done = CliRunner().invoke(main, words, env={"LANG": "en"})
    assert done.exit_code == 0, done.output
    printed = [line for line in done.output.splitlines() if line.startswith("3301")]
    told = re.findall(r"^\| (\d{6}) \| (\w+) \| ([\d,]+) \| ([\d,]+) \|", page, flags=re.M)
    found = [line.split(",") for line in printed]
    assert [(code, name) for code, name, *_ in told] == [(row[0], row[1]) for row in found]
    for (_, _, *figures), row in zip(told, found, strict=True):
        assert [int(figure.replace(",", "")) for figure in figures] == [
            round(float(cell)) for cell in row[2:4]
        ]


@pytest.fixture(scope="module")
def villages(shared):
    towns, _ = read_boundaries(
        BoundarySettings(path=Path("jiangshan/townships.geojson")), level="township", base=shared
    )
    units, _ = read_boundaries(
        BoundarySettings(
            path=Path("jiangshan/villages.geojson"), should_have_not={"kind": ["farm_or_other"]}
        ),
        level="village_level",
        base=shared,
    )
    return link_parents(pd.concat([towns, units], ignore_index=True))[0]


def test_jiangshan_villages_against_the_codes_of_2023(shared, villages):
    settings = CodeSettings(path=Path("codes/village_codes_2023.csv"), date=dt.date(2023, 12, 31))
    listed, problems = read_codes(settings, level="village_level", base=shared)
    assert (len(listed), problems) == (3_597, [])
    matches, counts, problems = check_codes(villages, listed, settings, level="village_level")
    assert counts == {
        "units": 326, "listed": 271, "proposed": 18, "unresolved": 37, "entries": 323,
        "entries_with_unit": 271, "entries_without_unit": 52,
    }  # fmt: skip
    best = matches[matches["rank"] <= 1].set_index("old_name")
    assert len(best) == 55
    # Moved to another township with the boundaries of 2023, their names kept.
    moved = ["大夫第村", "迎宾村", "协里村", "双龙村", "桑淤村"]
    assert best.loc[moved, "kind"].tolist() == ["move"] * 5
    assert best.loc[[f"长台{n}村" for n in "一二三四五六七"], "new_name"].unique().tolist() == [
        "长台村民委员会"
    ]
    assert best.at["先峰村", "new_name"] == "先锋村委会"
    assert best.at["新塘边村", "score"] == best.at["淤头村", "score"] == 1.0
    # A village of the name in another township that has its code is another village.
    assert best.at["白沙村", "score"] < settings.score
    found = pd.Series([problem.code for problem in problems]).value_counts()
    assert found["change.code_unlisted"] == 18
    assert found["change.unresolved"] == 37


def test_jiangshan_points_of_2016_are_evidence_by_place(shared, villages):
    settings = CodeSettings(
        path=Path("codes/town_village_points_2016.csv"), datum="wgs84",
        columns={"lon": "lng_wgs84", "lat": "lat_wgs84"},
    )  # fmt: skip
    listed, _ = read_codes(settings, level="village_level", base=shared)
    _, counts, _ = check_codes(villages, listed, settings, level="village_level")
    assert (counts["units"], counts["listed"]) == (326, 246)
    assert counts["proposed"] + counts["unresolved"] == 80


def test_accepted_proposals_are_a_change_table(shared, villages, tmp_path):
    settings = CodeSettings(path=Path("codes/village_codes_2023.csv"))
    listed, _ = read_codes(settings, level="village_level", base=shared)
    matches, _, _ = check_codes(villages, listed, settings, level="village_level")
    accepted = (matches["rank"] == 1) & (matches["score"].astype(float) >= settings.score - 1e-9)
    matches.assign(decision=accepted.map({True: "yes", False: ""})).to_csv(
        tmp_path / "matches.csv", index=False
    )
    from servicecircle.inputs.change_rows import read_changes
    from servicecircle.project import ChangeSettings

    changes, rows, _ = read_changes(ChangeSettings(path=[Path("matches.csv")]), base=tmp_path)
    assert rows["rows_used"] == 18
    units, _ = read_boundaries(
        BoundarySettings(
            path=Path("jiangshan/villages.geojson"), should_have_not={"kind": ["farm_or_other"]}
        ),
        level="village_level", base=shared, changes=changes, as_of=dt.date(2025, 12, 31),
    )  # fmt: skip
    # Seven villages of Changtai became one.
    assert int(units["should_have"].sum()) == 326 - 6
    towns = villages[villages["level"] == "township"]
    linked, _ = link_parents(pd.concat([towns, units], ignore_index=True))
    _, counts, _ = check_codes(linked, listed, settings, level="village_level")
    assert counts["listed"] == 271 + 12
    assert (counts["proposed"], counts["unresolved"]) == (0, 37)
