"""Errors become one line, and outside of a server nothing of it is needed."""

import traceback

import pytest

from provider.api.errors import APIError, Call, CloudElementsError, RefusedError
from provider.doors import dynamic as host
from provider.instance.host import HalfMadeError


def line(error, **options):
    """Return what a user reads of an exception."""
    with (
        pytest.raises(CloudElementsError) as told,
        host.one_line_errors("create", "desk", **options),
    ):
        raise error
    text = str(told.value)
    assert "\n" not in text
    shown = "".join(traceback.format_exception(told.value))
    assert "During handling" not in shown
    assert "direct cause" not in shown
    return text


def test_our_own_errors_are_told_in_full_with_what_to_do():
    error = APIError(Call("POST", "/instances"), 400, "Bad Request.", request_id="5b")
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
        "could not create element instance 'desk': unexpected ValueError in test_host.py:"
    )
    assert text.endswith("this is a defect of the provider; please report it with this line")
    assert "hidden-value" not in text


def test_no_exception_before_it_is_dragged_along():
    def fails():
        try:
            {}["hidden-value"]
        except KeyError as error:
            int("hidden-value" if error else "")

    with pytest.raises(CloudElementsError) as told, host.one_line_errors("read", "desk"):
        fails()
    assert "hidden-value" not in "".join(traceback.format_exception(told.value))


def test_half_made_keeps_id_and_outputs():
    half = HalfMadeError("7", {"name": "desk"}, "disabling failed: run pulumi up again")
    with pytest.raises(HalfMadeError) as told, host.one_line_errors("create", "desk"):
        raise half
    assert told.value.instance_id == "7"
    assert told.value.outputs == {"name": "desk"}
    assert str(told.value) == (
        "could not create element instance 'desk': disabling failed: run pulumi up again"
    )


def test_success_passes_through():
    with host.one_line_errors("create", "desk"):
        pass


def test_outside_of_a_server_there_is_no_call():
    assert host.current_call() is None
    assert host.urn() == ""
    assert host.whole({"a": 1}, "news") == {"a": 1}
    assert host.widen(64) is False
    host.warn("nobody listens")
    with host.waiting("creating"):
        pass


def test_a_function_of_the_same_name_is_not_taken_for_the_servers():
    def Create(request, context):  # noqa: N802 - the server's name
        return host.current_call()

    assert Create("request", "no gRPC context") is None
