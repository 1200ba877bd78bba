"""What is written in a stack file, against what Pulumi made of it."""

import json

import pytest

from provider import spelling

KEY = "cloud-elements:instances"
DATE = "2024-01-31 00:00:00 +0000 UTC"
READINGS = [
    # what Pulumi 3.259.0 and 3.274.1 were seen to read, as they hand it over
    ("052812345678", "52812345678"),
    ("0123", "83"),
    ("007", "7"),
    ("00", "0"),
    ("08", "8"),
    ("-017", "-15"),
    ("0x1F", "31"),
    ("0X1f", "31"),
    ("0o17", "15"),
    ("0b11", "3"),
    ("0B1", "1"),
    ("1_000", "1000"),
    ("1__0", "10"),
    ("0_1", "1"),
    ("1_0.5", "10.5"),
    ("+4930123456", "4930123456"),
    ("3.10", "3.1"),
    ("1.0", "1"),
    ("1.", "1"),
    (".5", "0.5"),
    ("-0", "0"),
    ("-0.0", "0"),
    ("1e5", "100000"),
    ("1E5", "100000"),
    ("12.5e1", "125"),
    ("1e21", "1e+21"),
    ("1e-7", "1e-7"),
    ("18446744073709551615", "18446744073709552000"),
    ("9223372036854775808", "9223372036854776000"),
    ("True", "true"),
    ("TRUE", "true"),
    ("False", "false"),
    ("2024-01-31", f'"{DATE}"'),
    ("2024-1-31", f'"{DATE}"'),
    ("2024-01-31T10:00:00Z", '"2024-01-31 10:00:00 +0000 UTC"'),
    ("2001-12-14t21:59:43.10-05:00", '"2001-12-14 21:59:43.1 -0500 -0500"'),
]
KEPT = [
    *("30", "0", "-1", "1.5", "0.1", "123456789.125", "9007199254740993", "true", "false"),
    *('"yes"', '"off"', '"~"', '"1:20:30"', '"_1"', '"0o8"', '"1e400"', '"0123"', '"="', '""'),
    *(f'"{DATE}"', '"2024-01-31"', '"text"', '"two words"'),
]


def found(shown, got, field="configuration"):
    """Return what is wrong with a value `x` of an entry `a`; `got` is JSON."""
    text = json.dumps({"a": {field: {"x": "@"}}}).replace('"@"', got)
    return spelling.mistakes({KEY: text}, {KEY: {"a": {field: {"x": shown}}}})


@pytest.mark.parametrize(("shown", "got"), READINGS)
def test_a_value_that_pulumi_read_as_another_is_told_with_both_spellings(shown, got):
    ((path, what),) = found(shown, got).items()
    read = {"1e+21": "1000000000000000000000", "1e-7": "1e-07"}.get(got, got.strip('"'))
    assert path == f"{KEY}.a.configuration.x"
    assert what == f"written {shown}, read as {read}: put it in quotes"


@pytest.mark.parametrize("value", KEPT)
def test_a_value_that_keeps_its_spelling_passes(value):
    assert found(value.strip('"'), value) == {}


@pytest.mark.parametrize("got", ["84", '"another"', "true", "null", "{}", '["0123"]'])
def test_a_value_that_comes_from_elsewhere_passes(got):
    """`--config-file`, or an environment: what is written is not what was read."""
    assert found("0123", got) == {}


def test_keys_lists_and_maps_are_looked_into():
    shown = {"007": {"configuration": {"1.10": "x", "l": ["0123", {"k": "1.0"}], "True": "y"}}}
    got = {"7": {"configuration": {"1.1": "x", "l": [83, {"k": 1}], "true": "y"}}}
    places = [place for place, _, _ in spelling.misread(shown, got)]
    assert [spelling.path(place) for place in places] == [
        ".007",
        ".007.configuration.1.10",
        ".007.configuration.l[0]",
        ".007.configuration.l[1].k",
        ".007.configuration.True",
    ]


@pytest.mark.parametrize(
    ("shown", "read"), [("2024-01-31", DATE), ("~", "<nil>"), ("0o17", "15"), ("1.10", "1.1")]
)
def test_a_key_that_met_its_double_is_told(shown, read):
    """Of two keys that Pulumi reads as one, one is lost."""
    found = list(spelling.misread({shown: "x", read: "y"}, {read: "y"}))
    assert found == [((shown,), shown, read)]


def test_what_is_given_as_json_is_read_as_python_does():
    text = '{"a": {"configuration": {"x": 1.0, "y": 5, "z": "1.0", "f": true, "n": [1e5]}}}'
    assert spelling.mistakes({KEY: text}, {KEY: text}) == {
        f"{KEY}.a.configuration.x": "written 1.0, read as 1: put it in quotes",
        f"{KEY}.a.configuration.n[0]": "written 1e5, read as 100000: put it in quotes",
    }


@pytest.mark.parametrize("shown", [{"secure": "v1:aaa"}, None])
def test_json_that_the_file_does_not_show_in_clear_is_not_repeated(shown):
    text = '{"a": {"configuration": {"limit": 1234.50}}}'
    assert spelling.mistakes({KEY: text}, {KEY: shown}) == {
        f"{KEY}.a.configuration.limit": (
            "is read as a value other than the one that is written: put it in quotes"
        )
    }


@pytest.mark.parametrize(
    ("field", "key"), [("configuration", "api.token"), ("provider_data", "realmId")]
)
def test_what_may_be_a_secret_is_not_repeated(field, key):
    config = {KEY: json.dumps({"a": {field: {key: 342391}}})}
    ((path, what),) = spelling.mistakes(config, {KEY: {"a": {field: {key: "01234567"}}}}).items()
    assert path == f"{KEY}.a.{field}.{key}"
    assert what == "is read as a value other than the one that is written: put it in quotes"


def test_the_defaults_are_looked_at_as_well():
    key = "cloud-elements:defaults"
    got = {"hubspot": {"configuration": {"phone": 83, "on": True}, "protect": True}}
    shown = {"hubspot": {"configuration": {"phone": "0123", "on": "True"}, "protect": "True"}}
    path = f"{key}.hubspot.configuration"
    assert spelling.mistakes({key: json.dumps(got)}, {key: shown}) == {
        f"{path}.phone": "written 0123, read as 83: put it in quotes",
        f"{path}.on": "written True, read as true: put it in quotes",
    }
    [told] = spelling.remarks({key: {"hubspot": {"name": None}}}, {})
    assert told == f"{key}.hubspot.name: is null, so it counts as not given"


def test_the_settings_are_looked_at_as_well():
    written = {
        "cloud-elements:owner": "0123",
        "cloud-elements:timeout": "0200",
        "cloud-elements:userSecret": "01234567",
        "cloud-elements:journal": "True",
        "cloud-elements:baseUrl": "https://api.example",
        "other:key": "0123",
    }
    read = {"0123": "83", "0200": "128", "01234567": "342391", "True": "true"}
    config = {key: read.get(text, text) for key, text in written.items()}
    told = spelling.mistakes(config, written)
    assert list(told) == [f"cloud-elements:{name}" for name in ("owner", "timeout", "userSecret")]
    assert told["cloud-elements:owner"] == "written 0123, read as 83: put it in quotes"
    assert "342391" not in told["cloud-elements:userSecret"]


def test_a_setting_in_quotes_that_looks_like_a_number_passes():
    written = {"cloud-elements:userSecret": "1e5", "cloud-elements:owner": "007"}
    assert spelling.mistakes(written, written) == {}


@pytest.mark.parametrize("flag", ["True", "TRUE"])
def test_a_boolean_is_as_good_in_any_case_where_one_is_meant(flag):
    config = {KEY: json.dumps({"a": {"disabled": True, "protect": True}})}
    assert spelling.mistakes(config, {KEY: {"a": {"disabled": flag, "protect": flag}}}) == {}


# What can still be told when the file was rewritten


def test_null_dates_and_long_numbers_are_remarked_upon():
    entry = {
        "code": None,
        "tags": None,
        "adopt": 427001427001,
        "configuration": {
            "event.metadata": None,
            "list": ["a", None, {"deep": None}],
            "since": DATE,
            "phone": 4930123456,
            "minutes": 1440,
            "text": "4930123456",
            "flag": True,
        },
    }
    written = {KEY: {"a": {"configuration": {"phone": "4930123456", "minutes": "1440"}}}}
    remarks = spelling.remarks({KEY: {"a": entry}}, written)
    told = [one.removeprefix(f"{KEY}.a.") for one in remarks]
    null = "is null, so it counts as not given"
    assert told[:4] == [
        f"code: {null}",
        f"configuration.event.metadata: {null}",
        f"configuration.list[1]: {null}",
        f"configuration.list[2].deep: {null}",
    ]
    assert [one.partition(":")[0] for one in told[4:]] == [
        "configuration.since",
        "configuration.phone",
    ]
    assert not any("4930123456" in one or DATE in one for one in told)


@pytest.mark.parametrize("document", [None, {}, (), "text", {"a": None}, {"a": {"tags": None}}])
def test_there_is_nothing_to_remark(document):
    assert spelling.remarks({KEY: document}, {}) == []


@pytest.mark.parametrize("shown", [None, "", {"a": {}}, {"a": {"configuration": {"n": "9"}}}])
def test_a_number_from_elsewhere_is_remarked_upon(shown):
    entry = {"adopt": 427001, "configuration": {"n": 5, "t": "5", "f": True}}
    [told] = spelling.remarks({KEY: {"a": entry}}, {KEY: shown})
    assert told.startswith(f"{KEY}.a.configuration.n: is a number that the stack's own file does")
    shown = '{"a": {"configuration": {"n": 5}}}'
    for known in ({"a": {"configuration": {"n": "5"}}}, shown, {"secure": "v1:aaa"}):
        assert spelling.remarks({KEY: {"a": entry}}, {KEY: known}) == []
