"""Keys of a stack's configuration that nobody reads."""

import shlex

import pytest

from provider import stack_keys

KEY = "cloud-elements:instances"
DEFAULTS = "cloud-elements:defaults"


@pytest.mark.parametrize(
    ("key", "command"),
    [
        ("instances.a.protect", f"{KEY}.a.protect VALUE"),
        ("instances.a", f"{KEY}.a VALUE"),
        ("instances[0]", f'{KEY}["0"] VALUE'),
        ("instances[0].element", f'{KEY}["0"].element VALUE'),
        ('instances["a b"].tags[0]', f'{KEY}["a b"].tags[0] VALUE'),
        ("instances['a'].protect", f"{KEY}.a.protect VALUE"),
        ("instances.a.configuration.oauth.scope", f'{KEY}.a.configuration["oauth.scope"] VALUE'),
        ('instances.a.configuration["oauth.scope"]', f'{KEY}.a.configuration["oauth.scope"] VALUE'),
        ("instances.a.code", f"{KEY}.a.code"),
        ("instances.a.provider_data.realmId", f"{KEY}.a.provider_data.realmId"),
        ("instances.a.configuration.api.token", f'{KEY}.a.configuration["api.token"]'),
        ("Instances.a.protect", f"{KEY}.a.protect VALUE"),
        ("instance.a.protect", f"{KEY}.a.protect VALUE"),
        ("mine.protect", f"{KEY}.mine.protect VALUE"),
        ("defaults.hubspot.protect", f"{DEFAULTS}.hubspot.protect VALUE"),
        ("default.hubspot.tags[0]", f"{DEFAULTS}.hubspot.tags[0] VALUE"),
        (
            "defaults.hubspot.configuration.oauth.api.secret",
            f'{DEFAULTS}.hubspot.configuration["oauth.api.secret"]',
        ),
    ],
)
def test_a_path_that_became_a_key_is_refused_with_the_command_that_was_meant(key, command):
    key = f"cloud-elements:{key}"
    (told,) = stack_keys.mistakes([key, KEY], ["mine"])
    assert told.startswith(f"{key}: is a key of its own, which nobody reads")
    secret = [] if command.endswith("VALUE") else ["--secret"]
    path = command.removesuffix(" VALUE")
    remove = shlex.join(["pulumi", "config", "rm", key])
    anew = shlex.join(
        ["pulumi", "config", "set", *secret, "--path", path, *([] if secret else ["VALUE"])]
    )
    assert told.endswith(f"run {remove}, then {anew}")


@pytest.mark.parametrize(
    "key",
    [
        "cloud-elements:theirs.protect",
        "cloud-elements:mine",
        "cloud-elements:oneDrive.code",
        "cloud-elements:[0]",
        "other:instances.a.protect",
        KEY,
        DEFAULTS,
    ],
)
def test_a_key_of_the_programs_own_is_left_alone(key):
    assert stack_keys.mistakes([key], ["mine"]) == []


def test_what_only_the_native_provider_takes_is_no_mistake():
    assert stack_keys.mistakes(["cloud-elements:organization", "cloud-elements:owner"]) == []
