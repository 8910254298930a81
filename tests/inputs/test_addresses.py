"""Rows without coordinates placed by village, township, street or a geocoder."""

from __future__ import annotations

import json
import math
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.datums import wgs84_to_gcj02
from servicecircle.errors import InputError
from servicecircle.inputs.address_words import fold_address, word_book
from servicecircle.inputs.addresses import ROADSIDE_M, address_book, enclosing_circle, find_place
from servicecircle.inputs.facilities import read_facilities
from servicecircle.inputs.geocoding import Answer, geocoder
from servicecircle.inputs.osm import read_osm
from servicecircle.project import FacilitySettings, GeocodeSettings

# A degree of the equator on the ellipsoid of WGS84.
METRES_A_DEGREE = 111_319.49


def units():
    """Return a county at the equator: two townships of 0.1°, villages of 0.02° in them."""
    rows = [
        ("county:1", "1", "甲县", "county", "", shapely.box(0, 0, 0.2, 0.1)),
        ("township:11", "11", "东镇", "township", "county:1", shapely.box(0.1, 0, 0.2, 0.1)),
        ("township:12", "12", "西镇", "township", "county:1", shapely.box(0, 0, 0.1, 0.1)),
        ("v:111", "111", "大桥村", "village_level", "township:11", shapely.box(0.1, 0, 0.12, 0.02)),
        ("v:112", "112", "小桥村", "village_level", "township:11", shapely.box(0.14, 0, 0.16, .02)),
        ("v:121", "121", "大桥村", "village_level", "township:12", shapely.box(0, 0, 0.02, 0.02)),
        ("v:122", "122", "桥村", "village_level", "township:12", shapely.box(0.04, 0, 0.06, 0.02)),
    ]  # fmt: skip
    columns = ["unit_id", "code", "name", "level", "parent_id", "geometry"]
    return gpd.GeoDataFrame(dict(zip(columns, zip(*rows, strict=True), strict=True)), crs=4326)


STREETS = """<osm version="0.6">
<node id="1" lon="0.11" lat="0.05"/><node id="2" lon="0.13" lat="0.05"/>
<node id="3" lon="0.01" lat="0.05"/><node id="4" lon="0.03" lat="0.05"/>
<node id="5" lon="0.11" lat="0.06"/><node id="6" lon="0.112" lat="0.06"/>
<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="path"/><tag k="name" v="人民路"/></way>
<way id="2"><nd ref="3"/><nd ref="4"/><tag k="highway" v="path"/><tag k="name" v="人民路"/></way>
<way id="3"><nd ref="5"/><nd ref="6"/><tag k="highway" v="path"/><tag k="name" v="Mill Road"/></way>
</osm>"""


def roads(tmp_path):
    (tmp_path / "town.osm").write_text(STREETS, encoding="utf-8")
    return read_osm(tmp_path / "town.osm", name="town.osm").roads


def place(address, *ways, book=None, **said):
    return find_place(book or address_book(units()), address=address, ways=ways, **said)


def test_the_error_of_a_village_holds_all_of_it():
    found = place("甲县东镇大桥村12号", "village")
    assert (found.way, found.name) == ("village", "大桥村")
    assert (found.lon, found.lat) == pytest.approx((0.11, 0.01))
    # From the middle of a square of 0.02° to its corners.
    assert found.error_m == pytest.approx(math.hypot(0.01, 0.01) * METRES_A_DEGREE, rel=0.01)


def test_the_one_with_the_smallest_error_is_taken():
    assert place("东镇大桥村", "township", "village").way == "village"
    assert place("东镇大桥村", "township").way == "township"
    assert place("东镇幸福小区", "township", "village").way == "township"


def test_a_name_inside_a_longer_one_does_not_count():
    # 小桥村 holds 桥村, which is a village as well.
    found = place("小桥村3组", "village")
    assert (found.name, found.lon) == ("小桥村", pytest.approx(0.15))


def test_of_two_of_a_name_the_township_decides_else_neither():
    assert place("大桥村", "village").doubt == ("大桥村 (东镇)", "大桥村 (西镇)")
    assert place("大桥村", "village").way == ""
    assert place("西镇大桥村", "village").lon == pytest.approx(0.01)
    assert place("大桥村", "village", parent="西镇").lon == pytest.approx(0.01)
    assert place("大桥村1号", "village", unit="东镇").lon == pytest.approx(0.11)
    assert place("", "village", unit="大桥村", parent="东镇").lon == pytest.approx(0.11)


def test_a_township_that_the_address_contradicts_is_no_place():
    # There is no 小桥村 in 西镇.
    assert place("西镇小桥村", "village").way == ""
    assert place("西镇小桥村", "village", "township").name == "西镇"


def test_a_street_named_after_a_village_is_no_village():
    assert place("东镇大桥村路9号", "village").way == ""
    assert place("东镇路9号", "township").way == ""


def test_the_own_name_counts_where_the_address_says_nothing():
    found = place("", "township", name="西镇老年食堂")
    assert (found.way, found.name) == ("township", "西镇")
    found = place("东镇1号", "township", name="西镇老年食堂")
    assert found.name == "东镇"


def test_nothing_matches():
    found = place("某某市无名路1号", "village", "township", "street")
    assert (found.way, found.doubt) == ("", ())
    assert math.isnan(found.lon)
    assert place("", "village").way == ""


def test_a_street_inside_the_stated_unit(tmp_path):
    book = address_book(units(), roads=roads(tmp_path))
    found = place("甲县东镇人民路25号", "street", "township", book=book)
    assert (found.way, found.name) == ("street", "人民路")
    assert (found.lon, found.lat) == pytest.approx((0.12, 0.05))
    assert found.error_m == pytest.approx(0.01 * METRES_A_DEGREE + ROADSIDE_M, rel=1e-3)
    # The other half of the name lies in the other township.
    assert place("西镇人民路25号", "street", book=book).lon == pytest.approx(0.02)
    # In the county alone both are meant: the error holds both, and the township is finer.
    both = place("甲县人民路25号", "street", book=book)
    assert both.error_m > 0.05 * METRES_A_DEGREE


def test_a_latin_street_is_found_by_whole_words(tmp_path):
    book = address_book(units(), roads=roads(tmp_path))
    assert place("12 Mill  Road, 东镇", "street", book=book).name == "Mill Road"
    assert place("12 Windmill Road", "street", book=book).way == ""
    assert place("12 Mill Roadside", "street", book=book).way == ""


def test_two_streets_decide_nothing_unless_one_has_the_number(tmp_path):
    book = address_book(units(), roads=roads(tmp_path))
    assert place("人民路与Mill Road交叉口", "street", book=book).doubt == ("Mill Road", "人民路")
    assert place("Mill Road旁人民路7号", "street", unit="东镇", book=book).name == "人民路"


def test_lines_of_a_name_too_far_apart_are_several_streets(tmp_path):
    text = STREETS.replace('lon="0.01"', 'lon="-0.4"')
    (tmp_path / "far.osm").write_text(text, encoding="utf-8")
    book = address_book(units(), roads=read_osm(tmp_path / "far.osm", name="far.osm").roads)
    found = place("人民路1号", "street", book=book)
    assert (found.way, found.doubt) == ("", ("人民路",))
    assert place("东镇人民路1号", "street", book=book).way == "street"


@given(st.lists(st.tuples(st.integers(-99, 99), st.integers(-99, 99)), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_every_corner_of_a_shape_is_within_its_circle(corners):
    """Shapes with gaps and inlets, whose centroid may lie outside of them."""
    west, south = np.array(corners).T / 1000.0
    shape = shapely.union_all(shapely.box(west, south, west + 0.005, south + 0.003))
    lon, lat, metres = enclosing_circle(shape)
    away = [math.hypot(x - lon, y - lat) for x, y in shapely.get_coordinates(shape)]
    # At the equator a degree of latitude is shorter than one of longitude by 0.7 %.
    assert max(away) * METRES_A_DEGREE * 0.99 <= metres <= max(away) * METRES_A_DEGREE * 1.01
    assert shapely.distance(shape, shapely.Point(lon, lat)) < 1e-9


@pytest.mark.parametrize("text", ["臺北市南京東路5段2號", "台北市南京東路五段２號"])
def test_forms_of_one_address(text):
    assert fold_address(text) == "台北市南京東路五段2號"


@given(st.text(max_size=40), st.lists(st.text(min_size=1, max_size=6), max_size=6))
@settings(max_examples=100, deadline=None)
def test_every_name_found_stands_in_the_text(text, names):
    folded = fold_address(text)
    for hit in word_book((name, name) for name in names).find(folded, units=False):
        assert folded[hit.begin : hit.end] == hit.name


# Through the list of a layer.

LIST = "名称,地址,乡镇,经度,纬度\n"


def read(tmp_path, rows, *, book=None, **options):
    (tmp_path / "list.csv").write_text(LIST + rows, encoding="utf-8")
    data = read_facilities(
        FacilitySettings(path=Path("list.csv"), datum="wgs84", **options),
        layer="canteen",
        base=tmp_path,
        addresses=book or address_book(units()),
    )
    assert data.rows_in == len(data.frame) + data.rows_set_aside
    return data


def test_only_on_request(tmp_path):
    data = read(tmp_path, "甲,东镇大桥村,东镇,,\n乙,东镇,,0.11,0.01\n")
    assert data.frame.geometry.isna().tolist() == [True, False]
    assert data.frame["placed_by"].tolist() == ["", "coordinates"]
    assert np.isnan(data.frame["position_error_m"][0])


def test_every_row_placed_is_one_record_and_ids_stay(tmp_path):
    rows = "甲,东镇大桥村,东镇,,\n乙,x,东镇,0.11,0.01\n丙,无名,,,\n丁,无名,,0,0\n戊,大桥村,,,\n"
    plain = read(tmp_path, rows)
    data = read(tmp_path, rows, place_by=["village", "township"])
    assert data.frame["name"].tolist() == ["甲", "乙"]
    assert data.frame["facility_id"].tolist() == plain.frame["facility_id"].tolist()
    assert data.frame["placed_by"].tolist() == ["village", "coordinates"]
    assert data.frame["datum"].tolist() == ["", "wgs84"]
    assert data.frame["position_error_m"][0] == pytest.approx(1569, abs=1)
    told = [(problem.code, problem.row, problem.action) for problem in data.problems]
    assert told == [
        ("address.placed_unit", 2, "mended"),
        ("address.not_found", 4, "set_aside"),
        ("address.not_found", 5, "set_aside"),
        ("address.ambiguous", 6, "set_aside"),
    ]
    assert data.problems[0].column == "地址"
    assert "1569" in data.problems[0].text("zh")


def test_a_row_that_cannot_be_placed_stays_for_presence(tmp_path):
    data = read(tmp_path, "甲,无名路,东镇,,\n", place_by=["village"])
    assert len(data.frame) == 1
    assert data.frame.geometry.isna().all()
    assert [(one.code, one.action) for one in data.problems] == [("address.not_found", "flagged")]


def test_an_address_alone_is_enough(tmp_path):
    (tmp_path / "bare.csv").write_text("名称,地址\n甲,东镇大桥村\n", encoding="utf-8")
    options = {"layer": "canteen", "base": tmp_path, "addresses": address_book(units())}
    with pytest.raises(InputError, match="neither columns of coordinates"):
        read_facilities(FacilitySettings(path=Path("bare.csv")), **options)
    chosen = FacilitySettings(path=Path("bare.csv"), place_by=["village"])
    assert read_facilities(chosen, **options).frame["placed_by"].tolist() == ["village"]


def test_facilities_in_the_middle_of_one_unit_are_no_duplicates(tmp_path):
    data = read(tmp_path, "甲,东镇1号,东镇,,\n乙,东镇2号,东镇,,\n", place_by=["township"])
    assert data.frame.geometry[0].equals(data.frame.geometry[1])
    assert {problem.code for problem in data.problems} == {"address.placed_unit"}
    assert data.proposals.empty


def test_a_known_error_of_the_coordinates(tmp_path):
    rows = "甲,,东镇,0.11,0.01\n乙,,东镇,,\n"
    data = read(tmp_path, rows, position_error_m=80.0, place_by=["township"])
    assert data.frame["position_error_m"].tolist() == [80.0, pytest.approx(7847, abs=5)]


# The geocoder.


class Place:
    def __init__(self, lon, lat, box=None):
        self.longitude, self.latitude, self.address = lon, lat, "the answer"
        self.raw = {} if box is None else {"boundingbox": [str(one) for one in box]}


class Service:
    """Stands in for geopy's geocoder and counts the questions."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def geocode(self, query):
        self.asked.append(query)
        answer = self.answers.get(query)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("SERVICECIRCLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def asking(service, **given):
    base = {"geocoder": "fake", "datum": "wgs84", "error_m": 300.0}
    return geocoder(GeocodeSettings(**(base | given)), service=service)


def test_an_answer_with_and_without_its_extent(cache):
    service = Service({"a": Place(0.15, 0.01), "b": Place(0.15, 0.01, (0.0, 0.02, 0.14, 0.16))})
    ask = asking(service)
    assert ask("a") == Answer(lon=0.15, lat=0.01, error_m=300.0, found="the answer")
    assert ask("b").error_m == pytest.approx(1569, abs=1)
    assert ask("nowhere") is None
    assert ask("  ") is None


def test_answers_are_kept_on_disk_and_secrets_are_not(cache):
    service = Service({"a": Place(0.15, 0.01)})
    options = {"api_key": "very-secret"}
    first = [asking(service, options=options)(query) for query in ("a", "none", "a")]
    again = [asking(service, options=options)(query) for query in ("a", "none", "a")]
    assert first == again
    assert service.asked == ["a", "none"]
    kept = [path.read_text(encoding="utf-8") for path in cache.rglob("*.json")]
    assert len(kept) == 2
    assert not any("very-secret" in text for text in kept)
    # Another service is asked anew.
    asking(service, geocoder="other")("a")
    assert service.asked == ["a", "none", "a"]


def test_a_kept_answer_that_was_cut_short_is_asked_again(cache):
    service = Service({"a": Place(0.15, 0.01)})
    asking(service)("a")
    for path in cache.rglob("*.json"):
        path.write_text('{"query": "a", "ans', encoding="utf-8")
    assert asking(service)("a").lon == 0.15
    assert service.asked == ["a", "a"]


def test_the_area_is_put_in_front_and_the_datum_converted(cache):
    lon, lat = (float(one[0]) for one in wgs84_to_gcj02(np.array([120.75]), np.array([30.75])))
    service = Service({"嘉兴市纺工路59号": Place(lon, lat)})
    ask = asking(service, area="嘉兴市", datum="gcj02")
    found = ask("纺工路59号")
    assert ask("嘉兴市纺工路59号") == found
    assert (found.lon, found.lat) == pytest.approx((120.75, 30.75), abs=1e-8)
    assert abs(lon - 120.75) > 0.001


def test_a_service_that_fails_stops_the_run(cache):
    with pytest.raises(InputError) as caught:
        asking(Service({"a": OSError("no connection")}))("a")
    assert caught.value.problems[0].code == "geocode.failed"
    assert "no connection" in caught.value.text("en")


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("nominatin", {"user_agent": "x"}, "geocode.unknown"),
        ("nominatim", {}, "geocode.options"),
        ("nominatim", {"user_agent": "x", "nonsense": 1}, "geocode.options"),
    ],
)
def test_a_wrong_service_is_told(cache, name, options, code):
    pytest.importorskip("geopy")
    with pytest.raises(InputError) as caught:
        geocoder(GeocodeSettings(geocoder=name, datum="wgs84", error_m=1.0, options=options))("a")
    assert caught.value.problems[0].code == code


def test_an_answer_outside_of_the_stated_unit_is_not_used(tmp_path, cache):
    service = Service({"人民路1号": Place(0.15, 0.01)})
    book = address_book(units(), geocode=asking(service))
    found = place("人民路1号", "geocoder", unit="西镇", book=book)
    assert (found.way, found.elsewhere) == ("", "the answer")
    # 5 km away, it may be right if its error is as large.
    wide = address_book(units(), geocode=asking(service, error_m=6000.0))
    assert place("人民路1号", "geocoder", unit="西镇", book=wide).way == "geocoder"
    assert place("人民路1号", "geocoder", unit="东镇", book=book).error_m == 300.0
    data = read(tmp_path, "甲,人民路1号,西镇,,\n", place_by=["geocoder"], book=book)
    assert [one.code for one in data.problems] == ["address.elsewhere"]
    data = read(tmp_path, "甲,人民路1号,东镇,,\n", place_by=["geocoder"], book=book)
    assert [one.code for one in data.problems] == ["address.placed_geocoder"]
    assert data.frame["placed_by"].tolist() == ["geocoder"]


class Nominatim(BaseHTTPRequestHandler):
    """Answers /search as Nominatim does."""

    asked: list[str] = []  # noqa: RUF012 - one list for all requests of a server

    def do_GET(self):
        query = parse_qs(urlparse(self.path).query)["q"][0]
        type(self).asked.append(query)
        found = {
            "lat": "0.01",
            "lon": "0.15",
            "display_name": "小桥村, 东镇",
            "boundingbox": ["0.0", "0.02", "0.14", "0.16"],
        }
        body = json.dumps([found] if "小桥村" in query else []).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_service_that_speaks_nominatim(tmp_path, cache, monkeypatch):
    pytest.importorskip("geopy")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Nominatim.asked = []
    server = HTTPServer(("127.0.0.1", 0), Nominatim)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        chosen = GeocodeSettings(
            geocoder="nominatim",
            datum="wgs84",
            error_m=500.0,
            delay_s=0.0,
            options={
                "user_agent": "servicecircle-test",
                "domain": f"127.0.0.1:{server.server_port}",
                "scheme": "http",
            },
        )
        book = address_book(units(), geocode=geocoder(chosen))
        rows = "甲,小桥村1号,东镇,,\n乙,乌有乡9号,东镇,,\n"
        data = read(tmp_path, rows, place_by=["geocoder", "township"], book=book)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert Nominatim.asked == ["小桥村1号", "乌有乡9号"]
    assert data.frame["placed_by"].tolist() == ["geocoder", "township"]
    assert data.frame["position_error_m"][0] == pytest.approx(1569, abs=1)
    assert "小桥村, 东镇" in data.problems[0].text("en")


@pytest.mark.parametrize("address", ["新大桥村3组", "甲县老桥村", "东镇新桥村1号"])
def test_a_name_inside_a_word_is_none(address):
    assert place(address, "village").way == ""


def test_a_village_opposite_another_one_is_in_doubt():
    assert place("东镇大桥村对面小桥村", "village").doubt == ("大桥村 (东镇)", "小桥村 (东镇)")


def test_a_street_of_another_unit_or_inside_a_word_is_none(tmp_path):
    book = address_book(units(), roads=roads(tmp_path))
    assert place("人民路5号", "street", book=book, unit="东镇").lon == pytest.approx(0.12)
    assert place("新人民路5号", "street", book=book, unit="东镇").way == ""
    # The street runs through the township, not through the village that the row states.
    assert place("人民路5号", "street", book=book, unit="小桥村").way == ""


def test_what_told_the_unit_and_what_contradicts_it():
    assert place("东镇1号", "township", unit="西镇").against == "东镇"
    assert place("东镇1号", "township", unit="东镇").against == ""
    assert place("小桥村1号", "township", unit="西镇").against == "小桥村"
    assert place("东镇桥村1号", "township").against == "桥村"
    by = [place("东镇", "township").by, place("x", "township", name="东镇食堂").by]
    assert [*by, place("", "township", unit="东镇").by] == ["address", "name", "declared_unit"]


def test_the_records_say_what_was_read(tmp_path):
    rows = "甲食堂,东镇1号,西镇,,\n东镇食堂,某路1号,,,\n乙食堂,,,,\n丙食堂,,西镇,,\n"
    data = read(tmp_path, rows, place_by=["township"])
    assert [
        (problem.code, problem.row) for problem in data.problems if "address" in problem.code
    ] == [
        ("address.placed_declared", 2),
        ("address.contradicts", 2),
        ("address.placed_by_name", 3),
        ("address.name_not_found", 4),
        ("address.placed_declared", 5),
    ]
