"""The report, read back by python-docx and an HTML parser and held against the tables."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import struct
import zipfile
import zlib
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import docx
import numpy as np
import pandas as pd
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml.ns import qn
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.inputs.report import ReportParts
from servicecircle.messages import LANGUAGES, label, label_keys
from servicecircle.outputs import siting_said
from servicecircle.outputs.figures import Chart
from servicecircle.outputs.opening import first_measure
from servicecircle.outputs.palettes import VERDICT_FILLS
from servicecircle.outputs.report import report_content, write_report
from servicecircle.outputs.report.blocks import Bullets, Heading, Table
from servicecircle.outputs.report.opening import summary_blocks
from servicecircle.outputs.report.proposed import proposed_blocks
from servicecircle.outputs.report.served import area_rates, rule_of
from servicecircle.outputs.report.words import Words, figure, plain, rate
from servicecircle.outputs.shading import shade_of
from servicecircle.outputs.tables import write_tables
from servicecircle.problems import Problem

PLAN = '[plan]\nid = "quzhou"\nname_zh = "衢州规划"\nname_en = "Quzhou plan"\n'.encode()
RECORD = {
    "crs": "EPSG:4549",
    "plans": [{"id": "quzhou", "file": "plan_1.toml", "source": "quzhou.toml", "sha256": "a" * 64}],
    "inputs": {"facilities/养老机构.xlsx": "b" * 64},
    "population": {
        "people_in_source": 9000.0,
        "people_in_units": 8900.0,
        "people_outside_units": 100.0,
        "elderly_in_units": 1700.0,
        "basis": "resident",
        "age_from": 60,
        "date": "2020-11-01",
    },
    "environment": {"servicecircle": "0.1.0", "packages": {"numpy": "2.4"}},
}
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</p><script>alert(2)</script>",
    "`${alert(3)}` {0} {name} {{report}} %s",
    "nul\x00 bell\x07 escape\x1b not\ufffe\uffff end",
    "\u202etxt.exe\u2066",
    '" onload="x" \'&amp;<w:p/>]]>',
    "a\tb\r\nc\u2028d",
)


def png(wide: int = 40, high: int = 30) -> bytes:
    """Return a white picture, made by hand."""
    rows = (b"\x00" + b"\xff\xff\xff" * wide) * high

    def chunk(name: bytes, data: bytes) -> bytes:
        tail = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + tail

    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    packed = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + packed


def chart(name="map_care_home", *, kind="map", layer="care_home", picture=None, **words):
    texts = {"title": "养老机构服务圈", "caption": "15 分钟内可达", "alt": "覆盖 42 %"} | words
    return Chart(
        name=name,
        kind=kind,
        layer=layer,
        png=picture or png(),
        svg=b"<svg xmlns='http://www.w3.org/2000/svg'/>" + b" " * 5000,
        width_cm=16.5,
        **texts,
    )


class Page(HTMLParser):
    """Collects what a page shows, its elements and their attributes."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.words = [], [], []
        self.cells, self.titles, self._open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")
        if tag in ("h2", "h3"):
            self.titles.append("")

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if "style" not in self._open:
            self.words.append(data)
        if {"td", "th"} & set(self._open):
            self.cells[-1] += data
        if {"h2", "h3"} & set(self._open):
            self.titles[-1] += data


@pytest.fixture
def write(make_results, tmp_path):
    """Return a function that writes the report of results and reads both files back."""

    def written(charts=(), **changes):
        given = {"record": RECORD, "plan_files": {"plan_1.toml": PLAN}} | changes
        results = make_results(**given)
        write_report(results, charts, tmp_path)
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        return results, docx.Document(str(tmp_path / "report.docx")), page

    return written


def grids(document):
    """Return the cells of every table, and the caption above each."""
    found = []
    for table in document.tables:
        caption = "".join(text.text or "" for text in table._tbl.getprevious().iter(qn("w:t")))
        found.append((caption, [[cell.text for cell in row.cells] for row in table.rows]))
    return found


def grid(document, words):
    (found,) = [cells for caption, cells in grids(document) if words in caption]
    return found


def number(text):
    return float(text.replace(",", "").rstrip("%")) if text not in ("–", "") else np.nan


def texts(document):
    return [paragraph.text for paragraph in document.paragraphs]


# --- numbers


def test_results_are_those_of_the_scorecard(write, tmp_path):
    results, document, page = write()
    write_tables(results, tmp_path)
    card = pd.read_csv(tmp_path / "scorecard.csv").set_index("name_zh")
    head, *rows = grid(document, "衢州规划")
    assert head[:4] == ["指标", "单位", "目标（年）", "现状值"]
    assert sorted(row[0] for row in rows) == sorted(card.index)
    for name, _, target, value, bounds, verdict, _ in rows:
        told = card.loc[name]
        assert number(value) == pytest.approx(told["value"], abs=0.05, nan_ok=True)
        goal, _, year = target.partition(" ")
        assert number(goal) == told["target"]
        assert year == f"({told['target_year']:.0f})"
        if told[["low", "high"]].notna().all():
            low, _, high = bounds.partition("–")
            assert [number(low), number(high)] == pytest.approx(
                [told["low"], told["high"]], abs=0.05
            )
        words = {"met": "达标", "not_met": "未达标", "undecided": "未定", "no_data": "无数据"}
        assert verdict.split()[-1] == words[told["verdict"]]
    # What is not met first, and the same cells on the page.
    assert rows[0][0] == "衢州15分钟圈"
    cells = Page(page).cells
    at = cells.index("衢州15分钟圈")
    assert cells[at : at + 7] == rows[0]
    assert any("无数据的指标缺少：nursing_beds" in text for text in texts(document))


def test_the_summary_counts_what_the_scorecard_holds(write):
    results, document, _ = write()
    counts = Counter(results.scorecard["verdict"])
    (line,) = [text for text in texts(document) if text.startswith("衢州规划：当前目标")]
    assert f"当前目标 {len(results.scorecard)} 项" in line
    for name, word in {"met": "达标", "not_met": "未达标", "undecided": "未定"}.items():
        assert re.search(rf"(?<!未){word} {counts[name]}(?!\d)", line), word
    (who,) = [text for text in texts(document) if text.startswith("按 2025-12-31")]
    assert "8,900 人，其中老年人 1,700 人" in who


def test_only_headline_targets_are_shown_and_a_most_is_marked(write, make_results):
    card = make_results().scorecard.assign(
        headline=[True, False, True, True], indicator_id=["a", "b", "c", "d"]
    )
    progress = pd.DataFrame(
        {"plan": "quzhou", "indicator_id": ["a", "c"], "operator": ["at_most", "at_least"]}
    )
    _, document, _ = write(scorecard=card, tables={"progress": progress})
    rows = grid(document, "衢州规划")[1:]
    assert {row[0] for row in rows} == {"衢州15分钟圈", "乡镇社工站覆盖率", "护理型床位占比"}
    goals = {row[0]: row[2] for row in rows}
    assert goals["衢州15分钟圈"] == "≤ 100% (2025)"
    assert goals["乡镇社工站覆盖率"] == "100% (2022)"


def test_a_long_plan_is_cut_where_least_asks_for_action(write, make_results):
    one = make_results().scorecard
    card = pd.concat([one] * 30, ignore_index=True)
    card["name_zh"] = [f"指标{number}" for number in range(len(card))]
    _, document, _ = write(scorecard=card)
    rows = grid(document, "衢州规划")[1:]
    assert len(rows) == 40
    assert Counter(row[5].split()[-1] for row in rows) == {"未达标": 30, "未定": 10}
    assert any("另有 80 项未列（未定 20、达标 30、无数据 30）" in text for text in texts(document))


def test_lists_that_are_missing_are_named_in_words(write, make_results):
    card = make_results().scorecard.assign(
        verdict="no_data",
        missing_inputs="[facilities.care_home] nursing_beds; [facilities.canteen]; [staff] x",
    )
    _, document, page = write(scorecard=card)
    said = "无数据的指标缺少：养老机构 · 护理型床位、老年食堂（助餐点）、[staff] x。"
    assert said in texts(document)
    assert said in page


def test_rates_of_the_area_are_sums_over_its_units(write):
    results, document, _ = write()
    rows = grid(document, "全区覆盖率")
    titles = rows[0]
    levels = dict(zip(results.units["unit_id"], results.units["level"], strict=True))
    table = results.unit_coverage
    for layer, row in zip(results.layers, rows[1:], strict=True):
        assert row[0] == layer.zh
        for minutes in results.minutes:
            total = covered = 0.0
            for one in table.itertuples():
                mine = (one.layer, one.rule) == (layer.name, f"{minutes:g} min")
                if mine and levels[one.unit_id] == "township":
                    total += one.elderly
                    covered += one.covered_elderly
            shown = row[titles.index(f"{minutes:g} 分钟")]
            assert -1e-6 < 100 * covered / total - number(shown) < 0.1  # cut


def test_the_league_has_the_best_and_the_worst_units(write):
    results, document, _ = write(side=5)
    names = dict(zip(results.units["unit_id"], results.units["name"], strict=True))
    levels = dict(zip(results.units["unit_id"], results.units["level"], strict=True))
    rates = {}
    for one in results.unit_coverage.itertuples():
        if (one.layer, one.rule) == ("care_home", "15 min") and levels[one.unit_id] == "township":
            rates[names[one.unit_id]] = one.covered_elderly / one.elderly
    rows = grid(document, "乡级单元排名：养老机构")
    assert rows[0][1] == "靠前的单元"
    assert len(rows) == 11
    order = sorted(rates.values(), reverse=True)
    for place, (rank, name, value, last, other, lowest) in enumerate(rows[1:]):
        for shown, rate_of_it in ((value, rates[name]), (lowest, rates[other])):
            assert -1e-6 < 100 * rate_of_it - number(shown) < 0.1  # cut
        assert rates[name] == pytest.approx(order[place])
        assert rates[other] == pytest.approx(order[-1 - place])
        assert int(rank) == 1 + sum(rate > rates[name] + 1e-9 for rate in order)
        assert int(last) == 1 + sum(rate > rates[other] + 1e-9 for rate in order)
    assert any("另有 5 行，见 units.csv" in text for text in texts(document))


def spread(results, layer, rule, whole, share):
    """Return the coverage with this share of the people of each unit under a layer's rule."""
    table = results.unit_coverage.copy()
    mine = (table["layer"] == layer) & (table["rule"] == rule)
    for who in ("population", "elderly"):
        table.loc[mine, who] = whole
        table.loc[mine, f"covered_{who}"] = whole * share
    return table


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.7996, "79.9%"),
        (0.9997, "99.9%"),
        (0.0003, "<0.1%"),
        (0.29, "29%"),
        (0.0, "0%"),
        (1.0, "100%"),
    ],
)
def test_rates_are_cut_as_on_the_page(make_results, share, shown):
    one = make_results(scorecard=make_results().scorecard.iloc[:0])
    given = replace(one, unit_coverage=spread(one, "care_home", "15 min", 10_000.0, share))
    blocks = report_content(given, []).blocks
    tables = [block for block in blocks if isinstance(block, Table)]
    (area,) = [block for block in tables if "全区覆盖率" in block.caption]
    titles = [column.title for column in area.columns]
    assert area.rows[0][titles.index("15 分钟")] == shown
    (league,) = [block for block in tables if "乡级单元排名：养老机构" in block.caption]
    assert {row[2] for row in league.rows} == {shown}
    (line,) = [
        item
        for block in blocks
        if isinstance(block, Bullets)
        for item in block.items
        if item.startswith("15 分钟内老年人覆盖率")
    ]
    assert f"养老机构（{shown}）" in line


def test_the_report_speaks_of_the_rule_that_page_and_figures_shade_by(make_results):
    one = make_results()
    rows = one.unit_coverage
    # 20, 30 and 45 minutes are measured as well, and everybody is reached within them.
    longer = [
        rows[rows["rule"] == "15 min"].assign(
            rule=f"{limit} min",
            covered_elderly=lambda table: table["elderly"],
            covered_population=lambda table: table["population"],
        )
        for limit in (20, 30, 45)
    ]
    given = replace(
        one,
        minutes=(5.0, 10.0, 15.0, 20.0, 30.0, 45.0),
        unit_coverage=pd.concat([rows, *longer], ignore_index=True),
    )
    for layer in given.layers:
        assert rule_of(layer, given) == shade_of(given, layer).rule == "15 min"
    blocks = report_content(given, []).blocks
    tables = [block for block in blocks if isinstance(block, Table)]
    assert [block.caption for block in tables if "单元排名：" in block.caption] == [
        f"乡级单元排名：{layer.zh}，15 分钟，老年人" for layer in given.layers
    ]
    (area,) = [block for block in tables if "全区覆盖率" in block.caption]
    assert [column.title for column in area.columns][3:] == [
        "15 分钟",
        "30 分钟",
        "45 分钟",
        "直线 1000 米",
    ]
    said = [item for block in blocks if isinstance(block, Bullets) for item in block.items]
    assert any(item.startswith("15 分钟内老年人覆盖率") for item in said)
    # The limits tell of the people of this rule too.
    lost = given.unit_coverage.assign(unsnapped=0.0, unreachable=0.0)
    at = (lost["rule"] == "15 min") & (lost["layer"] == "care_home")
    lost.loc[at & lost["unit_id"].str.startswith("township"), "unreachable"] = 2.0
    blocks = report_content(replace(given, unit_coverage=lost), []).blocks
    said = [item for block in blocks if isinstance(block, Bullets) for item in block.items]
    assert any("18 人没有通路" in item for item in said)


def test_rates_are_of_the_people_that_the_page_opens_with(make_results, make_layer):
    layers = (make_layer("school", "学校", "schools"), make_layer("care_home", "养老", "care"))
    one = make_results(layers=layers)

    def told(**columns):
        given = replace(one, unit_coverage=one.unit_coverage.assign(**columns))
        rates = area_rates(given).set_index("layer")
        assert [first_measure(layer) for layer in layers] == ["people", "elderly"]
        blocks = report_content(given, []).blocks
        tables = [block for block in blocks if isinstance(block, Table)]
        found = {
            row[0]: block.caption
            for block in tables
            if "全区覆盖率" in block.caption
            for row in block.rows
        }
        leagues = [block.caption for block in tables if "单元排名：" in block.caption]
        said = [item for block in blocks if isinstance(block, Bullets) for item in block.items]
        lines = [item for item in said if item.startswith("15 分钟内")]
        return dict(rates["people"]), found, leagues, lines

    people, found, leagues, lines = told()
    assert people == {"school": "population", "care_home": "elderly"}
    assert found == {"学校": "全区覆盖率（居民）", "养老": "全区覆盖率（老年人）"}
    assert leagues == [
        "乡级单元排名：学校，15 分钟，居民",
        "乡级单元排名：养老，15 分钟，老年人",
    ]
    # Two groups are not held together: a sentence each.
    assert [line.partition("覆盖率")[0] for line in lines] == ["15 分钟内居民", "15 分钟内老年人"]
    # Where those people are unknown, it is the others.
    people, *_ = told(elderly=np.nan, covered_elderly=np.nan)
    assert people == {"school": "population", "care_home": "population"}
    people, *_ = told(population=0.0, covered_population=0.0)
    assert people == {"school": "elderly", "care_home": "elderly"}


def test_a_target_missed_by_little_is_not_shown_as_reached(make_results, monkeypatch):
    monkeypatch.setattr(siting_said, "siting_lines", lambda *_, **__: [])
    one = make_results()
    card = one.scorecard.iloc[:1].assign(value=94.97, target=95.0, indicator_id="a")
    turned = pd.DataFrame(
        {
            "plan": ["quzhou"],
            "indicator_id": ["a"],
            "name_zh": ["指标甲"],
            "name_en": ["A"],
            "target_year": [2025.0],
            "target": [95.0],
            "value_before": [94.97],
            "value_after": [95.02],
            "verdict_before": ["not_met"],
            "verdict_after": ["met"],
        }
    )
    record = RECORD | {"siting": {"layers": ["care_home"]}}
    sites = pd.DataFrame(
        columns=["number", "action", "phase", "year", "name", "people_added", "share_covered"]
    )
    results = make_results(scorecard=card, record=record)
    say = Words("zh", {})
    (bullets,) = summary_blocks(results, say)
    (line,) = [item for item in bullets.items if "衢州15分钟圈" in item]
    assert "94.97%" in line
    assert "95%" in line
    given = replace(results, tables={"sites": sites, "site_verdicts": turned})
    (table,) = [block for block in proposed_blocks(given, [], say) if isinstance(block, Table)]
    assert table.rows == (("指标甲", "2025", "✘ 未达标 (94.97%)", "✔ 达标 (95.02%)"),)


def test_rules_met_rank_the_units(write, make_results):
    townships = [f"township:{code}" for code in ("33080000", "33080001", "33080002")]
    league = pd.DataFrame(
        {
            "level": "township",
            "unit_id": townships,
            "name": ["镇0", "镇1", "镇2"],
            "rank": pd.array([1, 2, None], "Int64"),
            "share_met": [0.75, 0.5, np.nan],
        }
    )
    _, document, _ = write(tables={"league_units": league})
    rows = grid(document, "按达标比例排名（2 个）")
    assert rows[1:] == [["1", "镇0", "75%"], ["2", "镇1", "50%"]]


def test_problems_are_counted_by_kind_the_worst_first(write):
    problems = (
        *(
            Problem(code="facility.no_place", severity="warning", file="a/养老.csv", row=row)
            for row in (3, 5, 8)
        ),
        Problem(code="input.missing_file", severity="error", value="b.csv", file="b.csv"),
    )
    _, document, _ = write(problems=problems)
    rows = grid(document, "问题按种类汇总")
    assert [row[:2] for row in rows[1:]] == [["错误", "1"], ["警告", "3"]]
    assert rows[2][3] == "养老.csv"
    assert any("共 4 条记录：错误 1、警告 3" in text for text in texts(document))


def test_sites_of_a_study_stand_in_their_order(write, make_results, monkeypatch):
    sites = pd.DataFrame(
        {
            "number": [1, 2, 3],
            "action": ["open", "open", "close"],
            "phase": [1, 2, 2],
            "year": [2026, 2027, 2027],
            "name": ["甲地", "乙地", "旧院"],
            "unit": ["镇0", None, "镇2"],
            "people_added": [1234.4, 56.0, np.nan],
            "share_covered": [0.5, 0.75, 0.7],
        }
    )
    # What is said of the answer is tested where it is written; here it only has to be shown.
    monkeypatch.setattr(siting_said, "siting_lines", lambda *_, **__: ["两处新点即可。"])
    record = RECORD | {"siting": {"layers": ["care_home"]}}
    turned = pd.DataFrame(
        {
            "plan": "quzhou",
            "indicator_id": ["a", "b"],
            "name_zh": ["指标甲", "指标乙"],
            "name_en": ["A", "B"],
            "target_year": [2025.0, np.nan],
            "value_before": [60.0, 1.0],
            "value_after": [100.0, 2.0],
            "verdict_before": ["not_met", "met"],
            "verdict_after": ["met", "met"],
        }
    )
    tables = {"sites": sites, "site_verdicts": turned}
    card = make_results().scorecard.assign(indicator_id=["a", "b", "c", "d"])
    drawn = [chart("site_gains", kind="gains", title="边际收益"), chart()]
    _, document, _ = write(drawn, record=record, tables=tables, scorecard=card)
    rows = grid(document, "建议的设施点")[1:]
    assert rows == [
        ["1", "2026", "甲地", "镇0", "1,234", "50%"],
        ["2", "2027", "乙地", "–", "56", "75%"],
        ["3", "2027", "关闭：旧院", "镇2", "–", "70%"],
    ]
    assert grid(document, "结论改变")[1:] == [["指标甲", "2025", "✘ 未达标 (60%)", "✔ 达标 (100%)"]]
    order = [
        paragraph.text[-4:]
        for paragraph in document.paragraphs
        if paragraph.style.name in ("Heading 1", "Caption")
    ]
    assert texts(document).count("两处新点即可。") == 2
    at = order.index("选址建议")
    assert order[at + 2 : at + 3] == ["边际收益"]
    assert order[at + 4].endswith("局限")


# --- figures


@pytest.mark.parametrize("language", ["zh", "en"])
def test_figures_have_captions_and_words_for_those_who_do_not_see(write, language):
    tall = chart("lorenz", kind="lorenz", title="洛伦茨", picture=png(100, 400), alt='<"x">')
    _, document, page = write([chart(), tall], language=language)
    section = document.sections[0]
    room = section.page_width - section.left_margin - section.right_margin
    assert len(document.inline_shapes) == 2
    for shape, drawn in zip(document.inline_shapes, (chart(), tall), strict=True):
        assert shape._inline.docPr.get("descr") == drawn.alt
        assert 0 < shape.width <= room
        assert shape.height <= section.page_height / 2
        wide, high = struct.unpack(">II", drawn.png[16:24])
        assert shape.height / shape.width == pytest.approx(high / wide, rel=0.01)
    captions = [text for text in texts(document) if "养老机构服务圈" in text]
    assert captions == [f"{'图' if language == 'zh' else 'Figure'} 1  养老机构服务圈"]
    seen = Page(page)
    assert [v for tag, name, v in seen.attributes if (tag, name) == ("img", "alt")] == [
        drawn.alt for drawn in (chart(), tall)
    ]
    for tag, name, value in seen.attributes:
        if name == "src":
            assert (tag, value[:22]) == ("img", "data:image/png;base64,")
            assert base64.b64decode(value[22:]) in (chart().png, tall.png)


def test_too_many_figures_are_left_to_their_folder(write):
    _, document, page = write([chart(f"map_{number}") for number in range(20)])
    assert len(document.inline_shapes) == page.count("<img ") == 14
    assert any("另有 6 幅图" in text for text in texts(document))


# --- the document


def test_titles_of_tables_come_again_and_rows_stay_whole(write):
    _, document, _ = write([chart()])
    section = document.sections[0]
    room = section.page_width - section.left_margin - section.right_margin
    assert len(document.tables) > 5
    for table in document.tables:
        rows = table._tbl.tr_lst
        assert [bool(row.xpath("./w:trPr/w:tblHeader")) for row in rows] == [
            True,
            *[False] * (len(rows) - 1),
        ]
        assert all(row.xpath("./w:trPr/w:cantSplit") for row in rows)
        widths = [int(one.get(qn("w:w"))) for one in table._tbl.tblGrid.gridCol_lst]
        assert sum(widths) * 635 <= room * 1.01
        # A table is never the last thing of a cell or page: Word wants a paragraph after it.
        assert table._tbl.getnext().tag == qn("w:p")


def test_tables_and_figures_count_up(write):
    _, document, page = write([chart(), chart("b")])
    for word in ("表", "图"):
        found = [re.match(rf"{word} (\d+)  ", text) for text in texts(document)]
        numbers = [int(one[1]) for one in found if one]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= 2
        assert [int(n) for n in re.findall(rf">{word} (\d+)&ensp;", page)] == numbers


def test_chinese_letters_have_a_chinese_font(write):
    for language in ("zh", "en"):
        _, document, _ = write(language=language)
        normal = document.styles["Normal"].element.rPr.rFonts
        assert normal.get(qn("w:eastAsia")) == "宋体"
        assert document.styles["Heading 1"].element.rPr.rFonts.get(qn("w:eastAsia")) == "黑体"
        for style in document.styles:
            fonts = style.element.find(f"./{qn('w:rPr')}/{qn('w:rFonts')}")
            if style.name in ("Normal", "Title", "Heading 1", "Heading 2", "Caption"):
                assert fonts.get(qn("w:eastAsiaTheme")) is None
            if style.name.startswith(("Report", "toc")):
                assert style.base_style.name == "Normal"


def test_contents_lead_to_every_heading(write):
    _, document, page = write()
    marks = {
        mark.get(qn("w:name")): "".join(t.text for t in mark.getparent().iter(qn("w:t")))
        for mark in document.element.iter(qn("w:bookmarkStart"))
    }
    links = {
        link.get(qn("w:anchor")): "".join(t.text for t in link.iter(qn("w:t")))
        for link in document.element.iter(qn("w:hyperlink"))
    }
    assert links == marks
    heads = [p.text for p in document.paragraphs if p.style.name.startswith("Heading")]
    assert list(links.values()) == heads
    ids = {value for _, name, value in Page(page).attributes if name == "id"}
    targets = {value for _, name, value in Page(page).attributes if name == "href"}
    assert targets == {f"#{one}" for one in ids}
    assert len(ids) == len(heads)


def test_what_is_invented_is_said_on_the_title_page(write, make_layer, make_results):
    _, document, page = write(invented=True)
    words = "示意数据：部分或全部内容为虚构，不可用于决策"
    assert words in texts(document)[:6]
    assert words in page
    layers = (make_layer("care_home", "养老机构", "care homes"),)
    _, document, page = write(layers=layers)
    assert not any("示意数据" in text for text in texts(document))
    _, document, _ = write(record=invented_of("care_home"), language="en")
    assert "layers are stand-ins: care homes." in texts(document)[2]


def invented_of(names):
    """Return a record with the notice of a run whose layers of these names are invented."""
    said = (label("invented_layers", language).format(layers=names) for language in LANGUAGES)
    return RECORD | {"notice": " / ".join(said)}


def test_layers_in_the_notice_are_spelled_once_and_its_own_words_stay(make_results, make_layer):
    names = {"care": "care home", "home": "house", "data": "figures", "sites": "a \\1 b"}
    layers = tuple(make_layer(name, title, title) for name, title in names.items())
    record = invented_of("care, home, data, sites, care_x, roads")
    results = make_results(layers=layers, record=record, language="en")
    head, tail = label("invented_layers", "en").split("{layers}")
    warning = report_content(results, []).warning
    assert warning == f"{head}care home, house, figures, a \\1 b, care_x, roads{tail}"
    # Where all is invented no layer is listed, though a word may be the name of one.
    banner = " / ".join(label("invented_banner", language) for language in LANGUAGES)
    results = replace(results, record=RECORD | {"notice": banner})
    assert report_content(results, []).warning == label("invented_banner", "en")


def test_same_results_same_bytes(make_results, tmp_path):
    results = make_results(record=RECORD, plan_files={"plan_1.toml": PLAN})
    contents = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        write_report(results, [chart()], folder)
        contents.append([(folder / name).read_bytes() for name in ("report.docx", "report.html")])
    assert contents[0] == contents[1]
    with zipfile.ZipFile(io.BytesIO(contents[0][0])) as archive:
        assert {one.date_time[:3] for one in archive.infolist()} == {(2025, 12, 31)}
        assert archive.testzip() is None
    about = docx.Document(io.BytesIO(contents[0][0])).core_properties
    for day in (about.created, about.modified):
        assert day.date() == results.as_of
    assert about.title.startswith("示例市 2025")


# --- hostile and empty


def hostile_results(make_results, text, **changes):
    plain_one = make_results()
    card = plain_one.scorecard.assign(
        name_zh=text, name_en=text, unit=text, missing_inputs=text, shortfall=3.0, shortfall_of=text
    )
    problem = Problem(
        code="input.missing_file", severity="error", value=text, file=text, sheet=text, column=text
    )
    layers = tuple(replace(layer, zh=text, en=text) for layer in plain_one.layers)
    given = {
        "name": text,
        "layers": layers,
        "scorecard": card,
        "problems": (problem,),
        "units": plain_one.units.assign(name=text),
        "record": RECORD | {"notice": text, "credits": [text], "inputs": {text: text}},
    }
    return make_results(**(given | changes))


@pytest.mark.parametrize("text", [*HOSTILE, "长" * 10_000, "{name}" * 50, "\u0627\u0644" * 9])
def test_hostile_names_are_text(make_results, tmp_path, text):
    results = hostile_results(make_results, text)
    write_report(results, [chart(title=text, caption=text, alt=text)], tmp_path)
    document = docx.Document(str(tmp_path / "report.docx"))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    shown = plain(text, 120)
    assert document.paragraphs[0].text == shown
    assert shown in page.words
    assert not {"script", "svg", "iframe", "object", "w:p"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert page.tags.count("img") == 1
    assert any(plain(text, 40) in row for _, rows in grids(document) for row in rows)
    forbidden = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
    assert [word for word in (*texts(document), *page.words) if forbidden.search(word)] == []
    assert max(len(cell) for _, rows in grids(document) for row in rows for cell in row) < 500


def without_facilities(results, **changes):
    """Return results of empty lists: every layer is there, and nobody reaches any of it."""
    return replace(
        results,
        facilities=results.facilities.iloc[:0],
        access=results.access.iloc[:0],
        circles=results.circles.iloc[:0],
        overlaps=results.overlaps.iloc[:0],
        unit_coverage=results.unit_coverage.assign(
            facilities=0, covered_population=0.0, covered_elderly=0.0
        ),
        **changes,
    )


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("case", ["bare", "no facilities", "one unit", "no layers", "no people"])
def test_little_makes_a_short_report_without_empty_boxes(make_results, tmp_path, case, language):
    one = make_results()
    few = one.units.iloc[:1]
    results = {
        "bare": lambda: without_facilities(
            one, scorecard=one.scorecard.iloc[:0], record={}, language=language
        ),
        "no facilities": lambda: without_facilities(one, language=language),
        "one unit": lambda: make_results(
            units=few,
            unit_coverage=one.unit_coverage[one.unit_coverage["unit_id"].isin(few["unit_id"])],
            language=language,
        ),
        "no layers": lambda: make_results(layers=(), language=language),
        "no people": lambda: make_results(
            unit_coverage=one.unit_coverage.assign(
                population=0.0, elderly=0.0, covered_population=0.0, covered_elderly=0.0
            ),
            language=language,
        ),
    }[case]()
    write_report(results, [], tmp_path)
    document = docx.Document(str(tmp_path / "report.docx"))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    for caption, rows in grids(document):
        assert len(rows) > 1, caption
        assert all(cell.strip() for row in rows for cell in row), caption
    assert all(cell.strip() for cell in page.cells)
    # No section without anything in it.
    blocks = report_content(results, []).blocks
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if isinstance(block, Heading) and block.level == 1:
            assert following is not None
            assert not (isinstance(following, Heading) and following.level == 1)
    everything = " ".join([*texts(document), *page.words])
    assert "nan" not in everything.lower().split()
    assert "None" not in everything


def test_zero_of_zero_is_not_a_rate(make_results):
    one = make_results()
    coverage = one.unit_coverage.assign(
        population=0.0, elderly=0.0, covered_population=0.0, covered_elderly=0.0
    )
    # Without a scorecard the only rates are those of services.
    given = make_results(unit_coverage=coverage, scorecard=one.scorecard.iloc[:0])
    report = report_content(given, [])
    cells = {
        cell
        for block in report.blocks
        if isinstance(block, Table)
        for row in block.rows
        for cell in row
    }
    assert not [cell for cell in cells if "%" in cell]
    # The same run with people has rates, in the same cells.
    peopled = report_content(replace(given, unit_coverage=one.unit_coverage), [])
    assert [
        cell
        for block in peopled.blocks
        if isinstance(block, Table)
        for row in block.rows
        for cell in row
        if "%" in cell
    ]
    assert any("没有覆盖率" in block.caption for block in report.blocks if isinstance(block, Table))


def test_a_service_without_people_has_dashes_beside_one_with_rates(make_results):
    one = make_results()
    nobody = spread(one, "care_home", "15 min", 0.0, 0.0)
    blocks = report_content(replace(one, unit_coverage=nobody), []).blocks
    (area,) = [b for b in blocks if isinstance(b, Table) and "全区覆盖率" in b.caption]
    at = [column.title for column in area.columns].index("15 分钟")
    rates = {row[0]: row[at] for row in area.rows}
    assert rates["养老机构"] == "–"
    assert rates["日间照料中心"].endswith("%")
    assert not [b for b in blocks if isinstance(b, Table) and "排名：养老机构" in b.caption]


# --- page


def test_the_page_may_ask_for_nothing(write):
    _, _, page = write([chart()])
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    style = re.search(r"<style>(.*?)</style>", page, flags=re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    seen = Page(page)
    assert not [value for _, name, value in seen.attributes if name == "style"]
    links = [value for _, name, value in seen.attributes if name in ("href", "src")]
    assert all(value.startswith(("#", "data:image/")) for value in links)
    assert set(VERDICT_FILLS) == set(re.findall(r"\.t-(\w+)\{", style))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_both_files_say_the_same(write, language):
    _, document, page = write([chart()], language=language)
    shown = Page(page)
    cells = [cell for _, rows in grids(document) for row in rows for cell in row]
    assert Counter(shown.cells) == Counter(cells)
    (spoken,) = [v for tag, name, v in shown.attributes if (tag, name) == ("html", "lang")]
    assert spoken == {"zh": "zh-CN", "en": "en"}[language]
    headings = [p.text for p in document.paragraphs if p.style.name.startswith("Heading")]
    # On the page once in the contents, then over their sections.
    assert shown.titles[-len(headings) :] == headings


# --- own words, own template


def test_words_of_the_project_take_the_place_of_ours(write):
    wording = {
        "title": "年度评估",
        "summary": "一句话",
        "organisation": "{name}民政局",
        "preface": "第一段。\n\n第二段（{date}）。",
        "closing": "完。",
        "table": "附表",
    }
    _, document, page = write(report=ReportParts(wording=wording))
    words = texts(document)
    assert words[:3] == ["示例市 2025", "年度评估", "示例市 2025民政局"]
    assert "一、一句话" in words
    assert words.index("第一段。") + 1 == words.index("第二段（2025-12-31）。")
    assert words[-1] == "完。"
    assert any(text.startswith("附表 1") for text in words)
    assert "公共服务设施覆盖" not in page
    assert document.core_properties.author == "示例市 2025民政局"


def template(*paragraphs, styles=None):
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    document.sections[0].header.paragraphs[0].text = "{organisation} · {date}"
    if styles:
        styles(document)
    packed = io.BytesIO()
    document.save(packed)
    return packed.getvalue()


def test_a_template_keeps_its_body_around_the_report(write):
    split = template("封面 {name}", "{report}", "附：签字页")
    _, document, _ = write(report=ReportParts(template=split))
    words = texts(document)
    assert words[0] == "封面 示例市 2025"
    assert words[1] == "目录"  # its own title page takes the place of ours
    assert words[-1] == "附：签字页"
    assert "{report}" not in words
    assert document.sections[0].header.paragraphs[0].text == " · 2025-12-31"
    assert document.styles["Normal"].element.rPr is None


def test_placeholders_that_word_has_split_into_runs_are_filled(write):
    def in_runs(document):
        line = document.add_paragraph()
        for part in ("致：{na", "me}（", "{date}）"):
            line.add_run(part)
        cell = document.add_table(1, 1).cell(0, 0)
        cell.text = "{title}"

    given = template(styles=in_runs)
    _, document, _ = write(report=ReportParts(template=given))
    assert "致：示例市 2025（2025-12-31）" in texts(document)
    assert document.tables[0].cell(0, 0).text == "公共服务设施覆盖与规划目标评价报告"


def test_a_template_without_our_styles_and_place_gets_the_report_at_its_end(write):
    def bare(document):
        keep = {"Normal", "Header", "Footer", "Default Paragraph Font", "Normal Table", "No List"}
        for style in list(document.styles):
            if style.name not in keep:
                style.delete()

    given = template("前言", styles=bare)
    _, document, _ = write([chart()], report=ReportParts(template=given))
    words = texts(document)
    assert words[:2] == ["前言", "示例市 2025"]
    names = {style.name for style in document.styles}
    assert {"Heading 1", "Caption", "Report Table", "List Bullet"} <= names
    items = [p for p in document.paragraphs if p.style.name == "List Bullet"]
    assert items
    for item in items:
        assert item.text.startswith("•\t")
        assert "•" not in item.text[1:]
    shape = items[0].style.paragraph_format
    assert shape.left_indent == -shape.first_line_indent > 0
    heads = [p for p in document.paragraphs if p.style.name == "Heading 1"]
    assert heads[0].text == "一、摘要"
    assert heads[0].style.element.xpath("./w:pPr/w:outlineLvl")


def test_lists_that_the_style_numbers_get_no_second_mark(write):
    def based(document):
        # Its numbering comes from the style that it is based on.
        style = document.styles["List Bullet"]
        style.base_style = document.styles["List Number"]
        style.element.pPr.remove(style.element.pPr.numPr)

    for parts in ({}, {"template": template()}, {"template": template(styles=based)}):
        _, document, _ = write(report=ReportParts(**parts))
        items = [p for p in document.paragraphs if p.style.name == "List Bullet"]
        assert items
        assert not [item for item in items if "•" in item.text]


def test_a_style_of_another_type_may_have_the_name_of_one_of_ours(write):
    def clash(document):
        for name in ("Caption", "List Bullet"):
            document.styles[name].delete()
        document.styles.add_style("Report Table", WD_STYLE_TYPE.TABLE)
        document.styles.add_style("ReportNote", WD_STYLE_TYPE.CHARACTER)  # the id of Report Note
        document.styles.add_style("Caption", WD_STYLE_TYPE.CHARACTER)

    _, document, _ = write([chart()], report=ReportParts(template=template(styles=clash)))
    ids = [style.style_id for style in document.styles]
    assert len(ids) == len(set(ids))
    kinds = {style.name: style.type for style in document.styles}
    assert kinds["Report Table"] == WD_STYLE_TYPE.TABLE
    assert kinds["Report Table 2"] == WD_STYLE_TYPE.PARAGRAPH
    used = {one.get(qn("w:val")) for one in document.element.iter(qn("w:pStyle"))}
    types = {style.style_id: style.type for style in document.styles}
    assert {types[one] for one in used} == {WD_STYLE_TYPE.PARAGRAPH}
    captions = [p for p in document.paragraphs if p.text.startswith("图 1")]
    assert [p.style.name for p in captions] == ["Report Caption"]


def test_headings_that_the_template_numbers_are_not_numbered_twice(write):
    def numbered(document):
        properties = document.styles["Heading 1"].element.get_or_add_pPr()
        properties.get_or_add_numPr().get_or_add_numId().val = 1

    given = template(styles=numbered)
    _, document, _ = write(report=ReportParts(template=given))
    heads = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    assert heads[0] == "摘要"


def test_a_report_in_a_template_is_the_same_twice(make_results, tmp_path):
    results = make_results(report=ReportParts(template=template("{name}", "{report}")))
    found = set()
    for _ in range(2):
        write_report(results, [chart()], tmp_path)
        found.add((tmp_path / "report.docx").read_bytes())
    assert len(found) == 1


def test_every_text_can_be_replaced_by_one_without_placeholders(make_results):
    results = make_results(side=2)
    keys = [key.removeprefix("report_") for key in label_keys("report_")]
    wording = dict.fromkeys(keys, "改")
    report = report_content(replace(results, report=ReportParts(wording=wording)), [chart()])
    heads = {block.text for block in report.blocks if isinstance(block, Heading)}
    assert heads == {"改", "quzhou"}
    assert report.table_word == "改 {number}"


# --- numbers as people read them


@given(
    st.floats(-1e7, 1e7),
    st.floats(-1e7, 1e7),
    st.booleans(),
)
def test_a_value_is_never_shown_as_the_target_it_misses(value, target, percent):
    if abs(value - target) < 2e-6:
        return
    one = figure(value, percent=percent, apart_from=target)
    other = figure(target, percent=percent, apart_from=value)
    assert one != other


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_number_is_shown_to_half_of_its_last_digit(value):
    text = figure(value)
    # Three digits after the point at least tell of numbers below one.
    assert number(text) == pytest.approx(value, rel=5.1e-3, abs=5.1e-4)


@given(st.floats(0.0, 1.0), st.integers(1, 10**7))
def test_a_rate_is_never_shown_higher_than_it_is(part, whole):
    text = rate(part * whole, whole)
    if text == "<0.1%":
        assert 0.0 < part < 0.001
    else:
        assert -1e-6 < 100.0 * part - number(text) < 0.1
        assert (text == "0%") == (part * whole == 0.0)
