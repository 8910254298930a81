"""Tables for a terminal line up, whatever the names are."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from servicecircle.outputs.terminal import figure, one_line, text_table

cells = st.text(st.sampled_from("甲乙ab 1\n\t，é"), max_size=12)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
def test_the_second_column_begins_at_one_place(rows):
    lines = text_table(["名称", "x"], [(one, f"|{other}") for one, other in rows])
    assert len(lines) == len(rows) + 1
    starts = {cell_len(line[: line.index("|")]) for line in lines[1:]}
    assert len(starts) == 1


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=5))
def test_numbers_end_at_one_place(numbers):
    lines = text_table(["n"], [[figure(float(one))] for one in numbers], right=[0])
    assert len({cell_len(line) for line in lines}) == 1


@given(cells, st.integers(2, 20))
def test_a_long_name_is_cut_to_its_width(text, longest):
    assert cell_len(one_line(text, longest=longest)) <= longest
    assert "\n" not in one_line(text)


@given(st.floats(-1e12, 1e12))
def test_a_figure_reads_back_to_four_digits(value):
    back = float(figure(value).replace(",", ""))
    assert math.isclose(back, value, rel_tol=1e-3, abs_tol=1e-300)
