"""Errors become the one sentence that the user reads."""

import traceback

import pytest

from provider.api.errors import APIError, CloudElementsError, RefusedError
from provider.instance.host import HalfMadeError
from provider.instance.operations import one_sentence


def line(error, **options):
    """Return what a user reads of an exception."""
    with (
        pytest.raises(CloudElementsError) as told,
        one_sentence("create", "desk", **options),
    ):
        raise error
    text = str(told.value)
    assert "\n" not in text
    shown = "".join(traceback.format_exception(told.value))
    assert "During handling" not in shown
    assert "direct cause" not in shown
    return text


def test_our_own_errors_are_told_in_full_with_what_to_do():
    error = APIError("POST /instances", 400, "Bad Request.", request_id="5b")
    assert line(error, advise=lambda _: "correct the inputs") == (
        "could not create element instance 'desk': Bad Request (POST /instances → 400, request 5b)"
        ": correct the inputs"
    )
    assert (
        line(RefusedError("two of them")) == "could not create element instance 'desk': two of them"
    )


def test_of_any_other_error_only_kind_and_place_are_told():
    text = line(ValueError("hidden-value"))
    assert text.startswith(
        "could not create element instance 'desk': unexpected ValueError in test_operations.py:"
    )
    assert text.endswith("this is a defect of the provider; please report it with this line")
    assert "hidden-value" not in text


def test_no_exception_before_it_is_dragged_along():
    def fails():
        try:
            {}["hidden-value"]
        except KeyError as error:
            int("hidden-value" if error else "")

    with pytest.raises(CloudElementsError) as told, one_sentence("read", "desk"):
        fails()
    assert "hidden-value" not in "".join(traceback.format_exception(told.value))


def test_half_made_keeps_id_and_outputs():
    half = HalfMadeError("7", {"name": "desk"}, "disabling failed: run pulumi up again")
    with pytest.raises(HalfMadeError) as told, one_sentence("create", "desk"):
        raise half
    assert told.value.instance_id == "7"
    assert told.value.outputs == {"name": "desk"}
    assert str(told.value) == (
        "could not create element instance 'desk': disabling failed: run pulumi up again"
    )


def test_success_passes_through():
    with one_sentence("create", "desk"):
        pass
