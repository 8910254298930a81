"""Age groups: as offices title them, summed once, and never a guess."""

from __future__ import annotations

import pytest

from servicecircle.errors import InputError
from servicecircle.inputs.age_groups import age_columns


def test_men_and_women_beside_their_sum_count_once():
    columns = ["A0A59_CNT", "A0A59_M_CNT", "A0A59_F_CNT", "A60UP_5_CNT", "A60UP_M", "A60UP_F"]
    chosen = age_columns(columns, age_from=60, name="a")
    assert (chosen.population, chosen.elderly) == (("A0A59_CNT", "A60UP_5_CNT"), ("A60UP_5_CNT",))


@pytest.mark.parametrize(
    "titles",
    [
        ("0—59岁", "60~64", "65岁及以上"),
        ("０－５９岁", "６０－６４岁", "６５岁以上"),
        ("人口数_0到59岁", "人口数_60到64岁", "人口数_65岁以上"),
        ("age_0_59", "age_60_64", "age_65+"),
    ],
)
def test_titles_of_groups(titles):
    chosen = age_columns(["名称", *titles, "备注"], age_from=60, name="a")
    assert chosen.population == titles
    assert chosen.elderly == titles[1:]
    assert age_columns(titles, age_from=65, name="a").elderly == titles[2:]


def test_groups_from_the_elderly_on_are_not_all_people():
    chosen = age_columns(["60-79岁", "80岁以上"], age_from=60, name="a")
    assert chosen.population == ()
    assert chosen.elderly == ("60-79岁", "80岁以上")


@pytest.mark.parametrize(
    ("columns", "age", "code"),
    [
        (["人口", "2020年", "经度"], 60, "no_age_groups"),
        (["0-59岁", "60-69岁", "65岁以上"], 60, "age_groups"),
        (["0-59岁", "65岁以上"], 65, "age_groups"),
        (["男_0-59岁", "女_0-59岁", "男_60岁以上"], 60, "age_groups"),
        (["0-59岁", "60-69岁", "70岁以上"], 65, "age_from_groups"),
    ],
)
def test_what_does_not_add_up_is_refused(columns, age, code):
    with pytest.raises(InputError) as caught:
        age_columns(columns, age_from=age, name="a")
    assert caught.value.problems[0].code == f"population.{code}"
    assert caught.value.text("zh")
