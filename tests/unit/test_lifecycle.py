"""What the lifecycle decides by itself; its whole life is tested in tests/host."""

import pytest
from pulumi.dynamic import Config, ConfigureRequest

from provider.config import Settings
from provider.doors.dynamic import Door
from provider.lifecycle import ElementInstanceProvider

CALL = "POST /instances"


def test_without_settings_check_says_so_and_still_judges_the_inputs():
    failures = ElementInstanceProvider().check({}, {"name": "desk"}).failures
    assert [failure.reason for failure in failures] == [
        "element_key: is required",
        "the provider is not configured",
    ]
    assert {failure.property for failure in failures} == {""}


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "SSL_CERT_FILE"])
def test_an_environment_that_does_not_work_is_one_line_of_check(monkeypatch, tmp_path, variable):
    monkeypatch.setenv("CLOUD_ELEMENTS_BASE_URL", "https://platform.example/elements/api-v2")
    monkeypatch.setenv("CLOUD_ELEMENTS_USER_SECRET", "user")
    monkeypatch.setenv("CLOUD_ELEMENTS_ORGANIZATION_SECRET", "organization")
    (tmp_path / "broken.pem").write_text("no certificate", encoding="utf-8")
    unusable = {"HTTPS_PROXY": "socks5://h:1", "SSL_CERT_FILE": str(tmp_path / "broken.pem")}
    monkeypatch.setenv(variable, unusable[variable])
    provider = ElementInstanceProvider()
    provider.configure(ConfigureRequest(Config({}, "cloud-elements")))
    (failure,) = provider.check({}, {"element_key": "x", "name": "desk"}).failures
    assert variable in failure.reason


def test_without_settings_nothing_else_works():
    for call in (
        lambda: ElementInstanceProvider().create({"element_key": "x", "name": "n"}),
        lambda: ElementInstanceProvider().read("7", {}),
        lambda: ElementInstanceProvider().update("7", {}, {"element_key": "x", "name": "n"}),
        lambda: ElementInstanceProvider().delete("7", {}),
    ):
        with pytest.raises(Exception, match="the provider is not configured"):
            call()


def test_every_method_is_handed_on(monkeypatch):
    """The class in the state only names what does the work."""
    provider = ElementInstanceProvider()
    seen = []
    for name in ("configure", "check", "diff", "create", "read", "update", "delete"):
        monkeypatch.setattr(
            Door, name, lambda _, *given, name=name: seen.append((name, given)) or name
        )
    assert provider.check({"a": 1}, {"b": 2}) == "check"
    assert provider.diff("7", {}, {}) == "diff"
    assert provider.create({}) == "create"
    assert provider.read("7", {}) == "read"
    assert provider.update("7", {}, {}) == "update"
    provider.delete("7", {})
    provider.configure(None)
    assert [name for name, _ in seen] == [
        "check",
        "diff",
        "create",
        "read",
        "update",
        "delete",
        "configure",
    ]
    assert seen[0][1] == ({"a": 1}, {"b": 2})


def test_settings_and_clients_are_never_pickled():
    import pickle  # noqa: PLC0415

    settings = Settings(base_url="https://x", user_secret="u", organization_secret="o")
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(settings)
