"""The words in which lists state whether a facility is open."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from servicecircle.inputs.facility_cells import Cells, status_column

CLOSED = (
    "已停业（2022年） 停业（装修） 注销（2021） 闲置 空置 休业 "
    "已迁址 已撤并 已取缔 吊销 停业(2023年起)"
)
PLANNED = "暂未运营 未营业 待运营 在建(2025年完工) 筹建（预计2026年）"
OPEN = "运营中（2020年起） 正常(公办民营)"
UNKNOWN = "正常（已停业） 在建（停业） 试一试（2020）"


@pytest.mark.parametrize(
    ("texts", "status"), [(CLOSED, "closed"), (PLANNED, "planned"), (OPEN, "open"), (UNKNOWN, "")]
)
def test_status_words_with_and_without_remarks(texts, status):
    cells = Cells.of(pd.DataFrame({"运营状态": texts.split()}))
    found, problems = status_column(cells, np.full(len(texts.split()), True))
    assert set(found) == {status}
    assert len(problems) == (0 if status else len(texts.split()))
