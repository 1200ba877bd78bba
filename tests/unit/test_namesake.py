"""Another `provider` in a program's folder."""

from pathlib import Path

import pytest

from provider.namesake import namesake

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("provider.py", "provider.py"),
        ("provider/__init__.py", "provider"),
        ("provider/data.txt", None),  # a folder that is no package: Python goes on looking
        ("providers.py", None),
        ("sub/provider.py", None),
    ],
)
def test_what_python_finds_first_is_told(tmp_path, file, named):
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.touch()
    told = namesake(tmp_path)
    if named is None:
        assert told is None
    else:
        assert told is not None
        assert told.startswith(f"{tmp_path / named} hides the package 'provider'")


def test_this_package_hides_nothing(tmp_path):
    assert namesake(ROOT) is None
    (tmp_path / "provider").symlink_to(ROOT / "provider")
    assert namesake(tmp_path) is None
