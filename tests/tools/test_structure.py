"""The figures of the structure of `provider/`: what was reached is kept."""

import ast

import pytest

from tools import structure


@pytest.mark.parametrize("figure", structure.FIGURES, ids=lambda figure: figure.name)
def test_no_figure_grows_beyond_its_ceiling(figure):
    assert figure.measure() <= figure.ceiling


@pytest.mark.parametrize("figure", structure.FIGURES, ids=lambda figure: figure.name)
def test_no_figure_is_held_to_less_than_its_goal(figure):
    assert figure.ceiling >= figure.goal


def test_branches_are_counted_where_a_function_goes_one_way_or_another():
    source = """
def f(a, b):
    for x in a if b else []:
        if x and b or a:
            yield [y for y in x if y]
        elif x:
            def inner():
                return 1 if a else 2
    try:
        match a:
            case 1: pass
            case _: pass
    except ValueError:
        while b: pass
"""
    # for, its conditional; if, and, or; if of the comprehension; elif; two cases; except; while
    assert structure.branches(ast.parse(source).body[0]) == 11


def test_a_create_crosses_modules_and_leaves_the_environment_as_it_was(monkeypatch):
    monkeypatch.setenv("CLOUD_ELEMENTS_BASE_URL", "https://before.example")
    assert structure.crossings().total() > 0
    assert structure.os.environ["CLOUD_ELEMENTS_BASE_URL"] == "https://before.example"
