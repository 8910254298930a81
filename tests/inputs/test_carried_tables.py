"""Tables of figures by unit carried with bad cells, doubled rows and columns of words."""

from __future__ import annotations

import datetime as dt

import pytest

from servicecircle.inputs.carried_tables import carry_table


@pytest.fixture
def carried(tmp_path):
    changes = tmp_path / "changes.csv"
    changes.write_text(
        "level,old_code,new_code,new_name,date\ntownship,339901102,339901101,a,2021-01-01\n",
        encoding="utf-8",
    )

    def carry(text, **given):
        path = tmp_path / "people.csv"
        path.write_text(text, encoding="utf-8")
        return carry_table(
            path, [changes], level="township", since=dt.date(2020, 1, 1),
            as_of=dt.date(2025, 1, 1), **given,
        )  # fmt: skip

    return carry


TABLE = (
    "code,name,pop,pop60,note\n339901101,a,10,5,x\n339901102,b,约50,6,y\n339901103,c,100,7,3\n"
    "339901103,c,100,7,3\n"
)


@pytest.mark.parametrize("given", [{}, {"columns": ["pop", "pop60"]}])
def test_a_bad_cell_is_a_record_and_its_unit_stays_empty(carried, given):
    found = carried(TABLE, **given)
    table = found.table.set_index("name")
    assert table["pop"].isna().to_dict() == {"a": True, "c": False}
    assert table["pop60"].to_dict() == {"a": 11.0, "c": 7.0}
    assert table.at["c", "pop"] == 100.0
    (bad,) = [one for one in found.problems if one.code == "change.bad_figure"]
    assert (bad.file, bad.row, bad.column, bad.value) == ("people.csv", 3, "pop", "约50")
    (twice,) = [one for one in found.problems if one.code == "change.row_twice"]
    assert (twice.row, twice.value) == (5, "c")


def test_a_column_of_words_is_named(carried):
    words = TABLE.replace("c,100,7,3", "c,100,7,z")
    left = [one for one in carried(words).problems if one.code == "change.column_not_carried"]
    assert [one.value for one in left] == ["note"]
    given = carried(words, columns=["pop"])
    assert "change.column_not_carried" not in {one.code for one in given.problems}
