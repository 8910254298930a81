"""Cell values against values worked out by hand."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.inputs.text_columns import plain_numbers
from servicecircle.inputs.values import (
    clean_codes,
    clean_names,
    coordinates,
    dates,
    empty_cells,
    is_empty,
    numbers,
    pairs,
    split_list,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("42", 42.0),
        ("-3", -3.0),
        ("−3", -3.0),
        ("1,200", 1200.0),
        ("1，200", 1200.0),
        ("12,345,678.5", 12345678.5),
        ("１２３", 123.0),
        ("153床", 153.0),
        ("153 张", 153.0),
        ("120张床位", 120.0),
        ("35人", 35.0),
        ("1200.5㎡", 1200.5),
        ("1200m²", 1200.0),
        ("800平方米", 800.0),
        ("1.2万", 12000.0),
        ("1.2万平方米", 12000.0),
        ("3.0", 3.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("20 beds", 20.0),
        ("共153床", 153.0),
        ("153（张）", 153.0),
        ("１５３　床", 153.0),
        ("153床位数", 153.0),
        ("120个座位", 120.0),
        ("35位老人", 35.0),
        ("3千", 3000.0),
    ],
)
def test_a_number_is_read(text, value):
    values, ok = numbers([text])
    assert ok[0]
    assert values[0] == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "约50",
        "10-20",
        "inf",
        "-Infinity",
        "1e999",
        "1_000",
        "12,34",
        "1 200",
        "120 300",
        "0x1F",
        "养护床:46床(含隔离室1床)",
        "三十",
        "5;6",
        "TRUE",
    ],
)
def test_what_is_not_one_number_is_not_read(text):
    values, ok = numbers([text])
    assert not ok[0]
    assert math.isnan(values[0])


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "　",
        "—",
        "－",
        "-",
        "--",
        "/",
        "／",
        "无",
        "NaN",
        "#N/A",
        "None",
        "…",
        "？",
        "没有",
    ],
)
def test_an_empty_cell_is_missing_and_not_wrong(text):
    assert is_empty(text)
    for read in (numbers, coordinates):
        values, ok = read([text])
        assert ok[0]
        assert math.isnan(values[0])
    found = dates([text])
    assert found.ok[0]
    assert np.isnat(found.values[0])


def test_repeated_cells_keep_their_places():
    values, ok = numbers(["7", "x", "7", "", "8"])
    assert ok.tolist() == [True, False, True, True, True]
    assert values[[0, 2, 4]].tolist() == [7.0, 7.0, 8.0]


@pytest.mark.parametrize(
    ("text", "day", "partial"),
    [
        ("2021-03-05", "2021-03-05", False),
        ("2021/3/5", "2021-03-05", False),
        ("2021.3.5", "2021-03-05", False),
        ("20210305", "2021-03-05", False),
        ("2021-03-05 14:30:00", "2021-03-05", False),
        ("2021-03-05T00:00:00", "2021-03-05", False),
        ("2021年3月5日", "2021-03-05", False),
        ("2021 年 3 月 5 日", "2021-03-05", False),
        ("２０２１年３月５日", "2021-03-05", False),
        ("2021年3月", "2021-03-01", True),
        ("2021-03", "2021-03-01", True),
        ("202103", "2021-03-01", True),
        ("2021年", "2021-01-01", True),
        ("2021", "2021-01-01", True),
        # Excel: 1900-01-01 is day 1, and 1900 counts as a leap year.
        ("44260", "2021-03-05", False),
        ("44260.75", "2021-03-05", False),
        ("36526", "2000-01-01", False),
        # 民國 1 is 1912.
        ("109.5.29", "2020-05-29", False),
        ("107/11/12", "2018-11-12", False),
        ("民國110年1月15日", "2021-01-15", False),
        ("民國110年", "2021-01-01", True),
        ("1090529", "2020-05-29", False),
        ("094/10/18", "2005-10-18", False),
        ("109年5月29日", "2020-05-29", False),
        ("中華民國109年5月29日", "2020-05-29", False),
        ("民國98.5.1", "2009-05-01", False),
        ("民国98年5月1日", "2009-05-01", False),
        ("二〇二一年三月", "2021-03-01", True),
        ("二○二一年十二月二十五日", "2021-12-25", False),
        ("二零二一年", "2021-01-01", True),
    ],
)
def test_a_date_is_read(text, day, partial):
    found = dates([text])
    assert found.ok[0]
    assert str(found.values.astype("datetime64[D]")[0]) == day
    assert found.partial[0] == partial


@pytest.mark.parametrize(
    "text", ["3/5/2021", "2021-02-30", "2021-13-01", "昨天", "2021-03-05至2022", "99999", "12"]
)
def test_what_is_no_date_is_not_read(text):
    found = dates([text])
    assert not found.ok[0]
    assert np.isnat(found.values[0])


@pytest.mark.parametrize("text", ["21/3/5", "98.5.1", "26/6/30", "99-12-31", "98年5月1日"])
def test_a_year_of_two_digits_has_two_meanings(text):
    for column in ([text], [text, "2021-03-05"], [text, "109.5.29", "2021-03-05"]):
        found = dates(column)
        assert not found.ok[0]
        assert np.isnat(found.values[0])
        assert not found.short_years.any()


def test_years_of_three_digits_beside_it_say_what_a_year_of_two_digits_is():
    found = dates(["98.5.1", "109.5.29", "", "昨天"])
    assert found.values.astype("datetime64[D]").astype(str).tolist()[:2] == [
        "2009-05-01",
        "2020-05-29",
    ]
    assert found.ok.tolist() == [True, True, True, False]
    assert found.short_years.tolist() == [True, False, False, False]


@given(st.dates(min_value=dt.date(1900, 1, 1), max_value=dt.date(2199, 12, 31)))
def test_every_iso_date_comes_back(day):
    found = dates([day.isoformat(), f"{day.year}年{day.month}月{day.day}日"])
    assert [str(item) for item in found.values.astype("datetime64[D]")] == [day.isoformat()] * 2


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("120.5", 120.5),
        (" 120.5 ", 120.5),
        ("１２０.５", 120.5),
        ("120.5°", 120.5),
        ("120°30′", 120.5),
        ("120°30'0\"", 120.5),
        ("120°30′36″", 120.51),
        ("120度30分36秒", 120.51),
        ("120º30'36''", 120.51),
        ("E120°30′36″", 120.51),
        ("120°30′36″E", 120.51),
        ("东经120°30′36″", 120.51),
        ("W4.5", -4.5),
        ("4°30′W", -4.5),
        ("南纬 33°30′", -33.5),
        ("-4.5", -4.5),
        ("−4.5", -4.5),
        ("+120.5", 120.5),
        ("120.5度", 120.5),
        ("经度120.5", 120.5),
        ("东经：120.5", 120.5),
        ("lng: 120.5", 120.5),
        ("120°30.6′", 120.51),
        ("120˚30′36″", 120.51),
        ("120º30ʹ36ʺ", 120.51),
        ("120°30`36``", 120.51),
        ("120°30’36”", 120.51),
        ("１２０°３０′３６″", 120.51),
        ("120 30 36", 120.51),
        ("120:30:36", 120.51),
        ("120：30：36", 120.51),
        ("120-30-36", 120.51),
        ("120d30m36s", 120.51),
        ("120d30'36\"", 120.51),
        ("120deg30min36sec", 120.51),
        ("120°30'36\"東", 120.51),
        ("E 120 30 36", 120.51),
        ("N30 15.6", 30.26),
        ("33°30'S", -33.5),
        ("1.205E+02", 120.5),
        ("40,512,345.6", 40512345.6),
        ("40512345.678", 40512345.678),
    ],
)
def test_a_coordinate_is_read(text, degrees):
    values, ok = coordinates([text])
    assert ok[0]
    assert values[0] == pytest.approx(degrees, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "inf",
        "120,5",
        "120°75′",
        "N E 3",
        "abc",
        "120.5.6",
        "1°2'61\"",
        "120.5°30'",
        "120°30.5'20\"",
        "120 30",
        "120.30.15",
        "S-33.5",
        "N30E",
        "1e999",
        "9" * 100_000,
        "°" * 100_000,
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_coordinate_is_not_read(text):
    values, ok = coordinates([text])
    assert not ok[0]
    assert math.isnan(values[0])


@pytest.mark.parametrize(
    "text",
    [
        "120.5,30.25",
        "120.5，30.25",
        "120.5 30.25",
        "(120.5, 30.25)",
        "120.5;30.25",
        "POINT (120.5 30.25)",
        "N30.25 E120.5",
        "E120°30′ N30°15′",
        "N30°15′0″E120°30′0″",
        "120.5E 30.25N",
        "30.25N,120.5E",
        "120°30′0″ 30°15′0″",
        "120 30 0, 30 15 0",
        "东经120.5北纬30.25",
        "北纬30°15′，东经120°30′",
        "经度120.5，纬度30.25",
        "纬度:30.25 经度:120.5",
        "lat=30.25;lng=120.5",
        '{"lng":120.5,"lat":30.25}',
        "[120.5,30.25]",
        "120.5/30.25",
        "120.5\n30.25",
        "SRID=4326;POINT(120.5 30.25)",
        "１２０．５，３０．２５",
    ],
)
def test_two_coordinates_in_one_cell(text):
    for latitude_first in {False, not text[0].isdigit() and "N" in text.upper() and "E" in text}:
        first, second, ok = pairs([text, "x"], latitude_first=latitude_first)
        assert ok.tolist() == [True, False]
        assert (first[0], second[0]) == pytest.approx((120.5, 30.25), abs=1e-12)


def test_a_column_may_hold_the_latitude_first_but_sides_and_words_decide():
    texts = ["30.25,120.5", "30°15′ 120°30′", "E120.5 N30.25", "经度120.5，纬度30.25", "—"]
    lon, lat, ok = pairs(texts, latitude_first=True)
    assert ok.all()
    assert lon[:4].tolist() == [120.5] * 4
    assert lat[:4].tolist() == [30.25] * 4


@given(
    st.floats(-180, 180),
    st.sampled_from(
        ["{d}°{m}′{s}″", "{d}度{m}分{s}秒", "{d} {m} {s}", "{d}:{m}:{s}", "{d}d{m}m{s}s"]
    ),
)
def test_degrees_minutes_and_seconds_come_back(value, shape):
    thousandths = round(abs(value) * 3_600_000)
    seconds, milli = divmod(thousandths, 1000)
    text = shape.format(d=seconds // 3600, m=seconds // 60 % 60, s=f"{seconds % 60}.{milli:03d}")
    values, ok = coordinates([text, f"-{text}"])
    assert ok.all()
    assert values.tolist() == pytest.approx([thousandths / 3.6e6, -thousandths / 3.6e6], abs=1e-9)


@pytest.mark.parametrize(
    "text",
    ["120.5", "120.5,", "1,2,3", "a,b", "120.5,inf", "N30 N31", "经度1，经度2", ",," * 50_000],
    ids=lambda text: text[:12],
)
def test_what_is_no_pair_is_not_read(text):
    first, second, ok = pairs([text])
    assert not ok[0]
    assert math.isnan(first[0])
    assert math.isnan(second[0])


def test_names_keep_their_characters_and_codes_their_zeros():
    assert clean_names(["（甲）㎡中心　"]).tolist() == ["（甲）㎡中心"]
    assert clean_codes(["０００１", "000000000001", "12.0", "'0012"]).tolist() == [
        "0001",
        "000000000001",
        "12",
        "0012",
    ]


def test_lists_in_one_cell():
    assert split_list("中央里;") == ["中央里"]
    assert split_list("甲村、乙村；丙村\n丁村") == ["甲村", "乙村", "丙村", "丁村"]
    assert split_list("—") == []


@given(st.lists(st.text(max_size=8)))
def test_a_column_tells_empty_cells_as_single_cells_do(texts):
    assert empty_cells(texts).tolist() == [is_empty(text) for text in texts]


@given(st.lists(st.one_of(st.floats(allow_nan=False, allow_infinity=False).map(repr), st.text())))
def test_plain_numbers_are_read_as_python_reads_them(texts):
    values, plain = plain_numbers(texts)
    for text, value, taken in zip(texts, values, plain, strict=True):
        assert value == float(text) if taken else math.isnan(value)
