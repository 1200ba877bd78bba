"""State in a file outlives the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    Make = Callable[..., dict[str, Any]]


def test_instances_and_spent_codes_are_kept(
    tmp_path: Path, connect: Callable[..., httpx.Client], body: Make
) -> None:
    """The next sandbox on the file knows them, goes on with the ids, and repeats no secret."""
    file = tmp_path / "state.db"
    with Sandbox(db=file) as first:
        whole = body("hubspot", providerData={"code": first.new_code("hubspot")})
        unspent = first.new_code("hubspot")
        made = connect(first).post("/instances", json=whole).json()
        request_id = first.journal()[0]["request_id"]
    with Sandbox(db=str(file)) as second:
        assert second.journal() == []
        api = connect(second)
        assert api.get(f"/instances/{made['id']}").json() == made
        assert second.journal()[0]["request_id"] != request_id
        again = api.post("/instances", json=whole)
        assert again.json()["providerMessage"] == "invalid_grant: the code was used before"
        other = api.post("/instances", json=whole | {"providerData": {"code": unspent}}).json()
        assert other["id"] == made["id"] + 1
        assert other["token"] != made["token"]
        assert second.new_code("hubspot") not in (unspent, whole["providerData"]["code"])
        counters = second.counters()
        assert (counters["creates"], counters["doubles"], counters["codes_replayed"]) == (2, 1, 1)


def test_ids_are_never_used_twice(
    tmp_path: Path, connect: Callable[..., httpx.Client], body: Make
) -> None:
    """Not even when the newest instance was deleted before the restart."""
    with Sandbox(db=tmp_path / "state.db") as first:
        number = connect(first).post("/instances", json=body()).json()["id"]
        first.delete_instance(number)
    with Sandbox(db=tmp_path / "state.db") as second:
        assert connect(second).post("/instances", json=body()).json()["id"] == number + 1
        second.reset()
        assert connect(second).post("/instances", json=body()).json()["id"] == number


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """In one sentence; a folder that is not there as well."""
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to be looked at as one" * 10)
    for path in (file, tmp_path / "missing" / "state.db"):
        with pytest.raises(ValueError, match=r"cannot use .* as a database"):
            Sandbox(db=path)
    assert file.read_text().startswith("not a database")
