"""CSV that Excel opens, and that runs nothing there."""

from __future__ import annotations

import csv
import datetime as dt
import io

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.outputs.escape import clean_text
from servicecircle.outputs.tables import write_csv, write_tables
from servicecircle.problems import Problem
from servicecircle.results import Results


def written(frame, tmp_path):
    path = tmp_path / "table.csv"
    write_csv(frame, path)
    return path.read_bytes()


def one_cell(value, tmp_path, dtype=None):
    text = written(pd.DataFrame({"x": pd.Series([value], dtype=dtype)}), tmp_path)
    return text.decode("utf-8-sig").removeprefix("x\n").removesuffix("\n")


def test_starts_with_a_byte_order_mark_and_keeps_chinese(tmp_path):
    frame = pd.DataFrame({"名称": ["衢州市", "碶甽澥𠮷"]})
    assert written(frame, tmp_path) == b"\xef\xbb\xbf" + "名称\n衢州市\n碶甽澥𠮷\n".encode()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_formula_in_text_is_neutralised_in_cells_and_headers(tmp_path, start):
    attack = f"{start}HYPERLINK(1)"
    frame = pd.DataFrame({attack: [attack]})
    text = written(frame, tmp_path).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows == [[f"'{attack}"], [f"'{attack}"]]


def test_formula_behind_a_control_character_stays_behind_it(tmp_path):
    assert one_cell("\x00=1+1", tmp_path) == "\ufffd=1+1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-5.0, "-5"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.3333333333"),
        (120.123456789, "120.1234568"),
        (123456789012.0, "123456789012"),
        (1.5e-7, "1.5e-07"),
        (np.inf, "inf"),
        (-np.inf, "-inf"),
        (np.nan, ""),
        (True, "true"),
        (7, "7"),
        (None, ""),
        ("", ""),
        ("000123", "000123"),
        (dt.date(2025, 12, 31), "2025-12-31"),
    ],
)
def test_cells(tmp_path, value, text):
    assert one_cell(value, tmp_path) == text


@pytest.mark.parametrize(
    ("values", "dtype", "texts"),
    [
        ([1, None], "Int64", ["1", ""]),
        ([True, None], "boolean", ["true", ""]),
        (["2025-12-31", None], "datetime64[ns]", ["2025-12-31", ""]),
        (["2025-12-31T08:30"], "datetime64[ns]", ["2025-12-31T08:30:00"]),
        (["a", None], "category", ["a", ""]),
        (["a", None], "str", ["a", ""]),
        ([1.5, None, "=x", True], "object", ["1.5", "", "'=x", "true"]),
        ([9007199254740993], "int64", ["9007199254740993"]),
    ],
)
def test_columns_of_each_type(tmp_path, values, dtype, texts):
    frame = pd.DataFrame({"a": pd.Series(values, dtype=dtype), "b": "."})
    lines = written(frame, tmp_path).decode("utf-8-sig").splitlines()
    assert lines == ["a,b", *(f"{text},." for text in texts)]


def test_columns_of_the_same_name_and_any_index(tmp_path):
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"], index=[7])
    assert written(frame, tmp_path) == b"\xef\xbb\xbfa,a\n1,2\n"


def test_table_without_rows_or_columns(tmp_path):
    assert written(pd.DataFrame(columns=["a", "b"]), tmp_path) == b"\xef\xbb\xbfa,b\n"
    assert written(pd.DataFrame(), tmp_path) == b"\xef\xbb\xbf\n"


@given(st.lists(st.lists(st.text(st.characters()), min_size=2, max_size=2), max_size=5))
def test_any_text_comes_back_as_it_was_but_for_what_is_unsafe(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("any") / "a.csv"
    write_csv(pd.DataFrame(rows, columns=["a", "b"], dtype=object), path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        back = list(csv.reader(file))[1:]
    assert len(back) == len(rows)
    for was, now in zip(rows, back, strict=True):
        for text, cell in zip(was, now, strict=True):
            assert cell.removeprefix("'") == clean_text(text).removeprefix("'")
            assert cell == "" or cell[0] not in "=+-@\t\r\n＝＋－＠"


@given(st.floats(min_value=-1e300, max_value=1e300))
def test_any_number_comes_back_to_ten_digits(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("any") / "a.csv"
    write_csv(pd.DataFrame({"a": [value]}), path)
    back = float(path.read_text(encoding="utf-8-sig").split()[1])
    assert back == pytest.approx(value, rel=6e-10, abs=0)


_REPEATED = {
    "object": st.sampled_from([1, 1.0, True, "1", "", None, np.nan, -0.0, 0, False, "=1", pd.NaT]),
    "float": st.sampled_from([1.0, -0.0, 0.0, np.nan, np.inf, 0.1, 0.1 + 1e-17, 0.30000000000004]),
    "Int64": st.sampled_from([1, 0, -1, None]),
    "boolean": st.sampled_from([True, False, None]),
    "str": st.sampled_from(["1", "", "a,b", "=1", None]),
    "category": st.sampled_from(["b", "a", "", None]),
    "datetime64[s]": st.sampled_from([None, "2025-12-31", "2025-12-31T08:30:00"]),
}


@pytest.mark.parametrize("dtype", _REPEATED)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_what_stands_in_many_rows_is_written_as_it_is_alone(tmp_path_factory, dtype, data):
    values = data.draw(st.lists(_REPEATED[dtype], max_size=8))
    folder = tmp_path_factory.mktemp("csv")
    column = pd.Series(values, dtype=dtype)
    lines = written(pd.DataFrame({"x": column}), folder).decode("utf-8-sig").split("\n")[1:-1]
    alone = [
        written(pd.DataFrame({"x": column.iloc[[row]]}), folder).decode("utf-8-sig").split("\n")[1]
        for row in range(len(column))
    ]
    assert lines == alone


def test_tables_of_a_run(tmp_path):
    facilities = gpd.GeoDataFrame(
        {"facility_id": ["care_home:1", "care_home:2"], "name": ["=cmd()", "没有位置"]},
        geometry=[shapely.Point(120.5, 30.25), None],
        crs="EPSG:4326",
    )
    nothing = gpd.GeoDataFrame({"a": []}, geometry=[], crs="EPSG:4326")
    results = Results(
        name="小",
        language="zh",
        as_of=dt.date(2025, 12, 31),
        invented=True,
        layers=(),
        minutes=(15.0,),
        metres=(1000.0,),
        units=nothing,
        scopes=nothing,
        facilities=facilities,
        demand=nothing,
        access=pd.DataFrame(),
        unit_coverage=pd.DataFrame({"unit_id": ["township:1"], "p90_minutes": [np.inf]}),
        scorecard=pd.DataFrame({"plan": ["quzhou"], "verdict": ["met"]}),
        unit_results=pd.DataFrame({"plan": ["quzhou"], "value": [0.5]}),
        circles=nothing,
        overlaps=nothing,
        roads=nothing,
        problems=(
            Problem(code="input.missing_file", severity="fatal", file="a", row=3, value="=x"),
        ),
        record={},
    )
    write_tables(results, tmp_path)
    text = {path.name: path.read_text(encoding="utf-8-sig") for path in tmp_path.iterdir()}
    assert text["facilities.csv"] == (
        "facility_id,name,lon,lat\ncare_home:1,'=cmd(),120.5,30.25\ncare_home:2,没有位置,,\n"
    )
    assert text["units.csv"] == "unit_id,p90_minutes\ntownship:1,inf\n"
    assert text["scorecard.csv"] == "plan,verdict\nquzhou,met\n"
    assert text["unit_results.csv"] == "plan,value\nquzhou,0.5\n"
    problem = next(csv.DictReader(io.StringIO(text["problems.csv"])))
    assert (problem["severity"], problem["row"], problem["value"]) == ("fatal", "3", "'=x")
    assert problem["rule"].startswith("找不到文件：=x")
    assert len(text) == 5
