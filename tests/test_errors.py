"""The tree of errors: what each is, what it carries, what it says."""

from __future__ import annotations

import pytest

from servicecircle import errors
from servicecircle.errors import (
    CrsError,
    InputError,
    OutputError,
    ProjectError,
    ServiceCircleError,
    UnknownNameError,
)
from servicecircle.problems import Problem

MISSING = Problem(code="input.missing_file", severity="fatal", file="a.csv", value="a.csv")
EMPTY = Problem(code="input.empty_layer", severity="fatal", file="b.csv")


@pytest.mark.parametrize("kind", [InputError, ProjectError, CrsError, OutputError])
def test_wrong_inputs_are_value_errors_of_ours(kind):
    with pytest.raises(ValueError, match="file not found: a") as caught:
        raise kind(MISSING)
    assert isinstance(caught.value, ServiceCircleError)
    assert isinstance(caught.value, InputError)
    assert caught.value.problems == (MISSING,)


def test_every_fault_is_carried_and_told_in_order():
    error = InputError(problem for problem in (MISSING, EMPTY))
    assert error.problems == (MISSING, EMPTY)
    english, chinese = error.text("en"), error.text("zh")
    assert english == f"{MISSING.text('en')}\n{EMPTY.text('en')}" == str(error)
    assert chinese.index("a.csv：找不到文件") < chinese.index("b.csv：图层为空")


def test_the_language_of_a_project_file_wins():
    error = ProjectError([MISSING], language="zh")
    assert error.text("en") == error.text("zh") == MISSING.text("zh")
    assert str(error) == MISSING.text("en")
    assert ProjectError([MISSING]).text("en") == MISSING.text("en")


def test_an_unknown_name_is_a_lookup_error_that_names_the_nearest():
    error = UnknownNameError("plan", "quzho", ["jiaxing", "quzhou"])
    assert isinstance(error, LookupError)
    assert isinstance(error, ServiceCircleError)
    assert not isinstance(error, ValueError)
    assert error.known == ("jiaxing", "quzhou")
    said = 'no plan "quzho"; did you mean "quzhou"? Known: jiaxing, quzhou'
    assert str(error) == error.text("en") == said
    assert str(UnknownNameError("plan", "x", [])) == 'no plan "x" Known: '


def test_the_docstring_shows_the_whole_tree():
    shown = errors.__doc__
    kinds = [
        item
        for item in vars(errors).values()
        if isinstance(item, type) and issubclass(item, ServiceCircleError)
    ]
    assert len(kinds) == len(errors.__all__)
    for kind in kinds:
        assert kind.__name__ in shown
        assert kind is ServiceCircleError or issubclass(kind, ValueError | LookupError)
