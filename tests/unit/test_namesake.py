"""Another `pulumi_cloud_elements` in a program's folder."""

from pathlib import Path

import pytest

from provider.namesake import namesake

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("pulumi_cloud_elements.py", "pulumi_cloud_elements.py"),
        ("pulumi_cloud_elements/__init__.py", "pulumi_cloud_elements"),
        # A folder that is no package: Python goes on looking.
        ("pulumi_cloud_elements/data.txt", None),
        ("sub/pulumi_cloud_elements.py", None),
        ("provider.py", None),
        ("provider/__init__.py", None),
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
        assert told.startswith(f"{tmp_path / named} hides the package 'pulumi_cloud_elements'")


@pytest.mark.parametrize("linked", [("provider", "pulumi_cloud_elements.py"), ("provider",)])
def test_this_package_hides_nothing(tmp_path, linked):
    assert namesake(ROOT) is None
    for name in linked:
        (tmp_path / name).symlink_to(ROOT / name)
    assert namesake(tmp_path) is None


def test_the_installed_package_hides_nothing(tmp_path):
    (tmp_path / "pulumi_cloud_elements").symlink_to(ROOT / "provider")
    assert namesake(tmp_path) is None
