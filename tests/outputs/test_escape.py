"""Escaped text is what it was when a page shows it, and never anything more."""

from __future__ import annotations

import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.outputs.escape import escape_html, escape_json

PRINTABLE = st.text(st.characters(blacklist_categories=("Cs", "Cc")))


@given(PRINTABLE)
def test_html_reads_back_as_the_same_text(text: str) -> None:
    assert html.unescape(escape_html(text)) == text


@given(st.text())
def test_html_holds_nothing_that_markup_templates_or_literals_react_to(text: str) -> None:
    escaped = escape_html(text)
    assert not set("<>\"'`$\\{}") & set(escaped)
    # Every ampersand left starts one of our own entities.
    assert escaped.count("&") == sum(text.count(char) for char in "&<>\"'`$\\{}")
    escaped.encode("utf-8")


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_is_empty_text(value: object) -> None:
    assert escape_html(value) == ""


def test_control_characters_and_lone_surrogates_become_visible() -> None:
    assert escape_html("a\x00b\ud800") == "a\ufffdb\ufffd"
    assert escape_html("一\n二\t三") == "一\n二\t三"


@given(st.dictionaries(PRINTABLE, st.lists(st.one_of(PRINTABLE, st.integers(), st.none()))))
def test_json_reads_back_and_never_ends_its_script(value: dict[str, list[object]]) -> None:
    text = escape_json(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)


def test_json_refuses_what_is_not_a_number() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        escape_json([float("nan")])
