"""SQLite storage of instances and one-time authorization codes, in memory or in a file.

Knows nothing of HTTP, elements or switches. Its caller holds the tenant's lock; every call is one
short statement or a few.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from . import records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TABLES = """
CREATE TABLE IF NOT EXISTS instances (
    id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT, element_key TEXT, name TEXT, tag_set TEXT,
    hidden_lists INTEGER NOT NULL, visible_at REAL NOT NULL,
    double INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, document TEXT
);
CREATE INDEX IF NOT EXISTS instances_by_token ON instances (token);
CREATE INDEX IF NOT EXISTS instances_by_name ON instances (name, tag_set);
CREATE TABLE IF NOT EXISTS tags (instance_id INTEGER, tag TEXT COLLATE BINARY);
CREATE INDEX IF NOT EXISTS tags_by_instance ON tags (instance_id);
CREATE INDEX IF NOT EXISTS tags_by_tag ON tags (tag);
CREATE TABLE IF NOT EXISTS codes (
    code TEXT PRIMARY KEY, element_key TEXT, api_key TEXT, callback_url TEXT, oauth_token TEXT,
    secret TEXT, extras TEXT, expires_at REAL, spent INTEGER NOT NULL, replays INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS request_tokens (
    token TEXT PRIMARY KEY, secret TEXT, element_key TEXT, api_key TEXT, callback_url TEXT
);
CREATE TABLE IF NOT EXISTS runs (run INTEGER PRIMARY KEY AUTOINCREMENT);
"""


@dataclass(slots=True)
class Instance:
    """An element instance as it is stored: nothing masked, nothing left out."""

    element_key: str
    name: str
    tags: list[str]
    configuration: dict[str, str | None]
    created: str
    id: int = 0
    token: str = ""
    valid: bool = True
    disabled: bool = False
    in_use: bool = False
    external_authentication: str = "none"
    authentications: int = 1
    """How often it was authenticated; part of what its tokens are derived from."""
    refused: bool = False
    """The vendor does not accept its credentials, so that calls to the vendor fail."""
    failed_refreshes: int = 0
    provider_data: dict[str, Any] = field(default_factory=dict)
    definitions: dict[str, Any] = field(default_factory=dict)
    """Definitions of objects, by the object's name."""
    transformations: dict[str, Any] = field(default_factory=dict)
    """Transformations, by the object's name."""


@dataclass(frozen=True, slots=True)
class Code:
    """A one-time code; None stands for something it is not bound to."""

    code: str
    element_key: str
    api_key: str | None
    callback_url: str | None
    oauth_token: str | None
    secret: str | None
    extras: dict[str, str]
    expires_at: float
    spent: bool
    replays: int


@dataclass(frozen=True, slots=True)
class RequestToken:
    """The first half of OAuth 1: a request token and its secret."""

    token: str
    secret: str
    element_key: str
    api_key: str | None
    callback_url: str | None


@dataclass(frozen=True, slots=True)
class Search:
    """What a list of instances asks for."""

    tags: Sequence[str] = ()
    any_tag: bool = False
    ignore_case: bool = False
    text: str = ""
    element_key: str | None = None
    order: str = "created"


class Store:
    """The database of one sandbox."""

    def __init__(self, path: str | None, first_id: int) -> None:
        self._first_id = first_id
        try:
            self._db = sqlite3.connect(path or ":memory:", check_same_thread=False)
            self._db.isolation_level = None
            # A killed process loses nothing with this; only a crash of the machine could.
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.executescript(_TABLES + records.TABLES)
        except sqlite3.Error as problem:
            msg = f"cannot use {path} as a database: {problem}"
            raise ValueError(msg) from None
        self._start_ids()
        self.records = records.Records(self._db)
        """What is only a document: formulas, events, sessions."""
        self.run = self._insert("INSERT INTO runs DEFAULT VALUES")
        """How often this database was opened; keeps derived ids apart between runs."""

    def _start_ids(self) -> None:
        if not self._db.execute("SELECT 1 FROM sqlite_sequence WHERE name='instances'").fetchone():
            sql = "INSERT INTO sqlite_sequence (name, seq) VALUES ('instances', ?)"
            self._db.execute(sql, (self._first_id - 1,))

    def _insert(self, sql: str, values: Sequence[object] = ()) -> int:
        row = self._db.execute(sql, values).lastrowid
        assert row is not None
        return row

    def _number(self, sql: str, values: Sequence[object] = ()) -> int:
        return int(self._db.execute(sql, values).fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all changes of the block, or none when it raises."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def clear(self) -> None:
        """Forget all instances, codes and counts; ids start again."""
        for table in ("instances", "tags", "codes", "request_tokens"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above
        self._db.execute("DELETE FROM sqlite_sequence WHERE name='instances'")
        self._start_ids()
        self.records.clear()

    # Instances

    def next_instance_id(self) -> int:
        """Return the id the next instance gets; ids are never used twice."""
        return self._number("SELECT seq FROM sqlite_sequence WHERE name='instances'") + 1

    def add_instance(self, instance: Instance, *, hidden_lists: int, visible_at: float) -> None:
        """Store a new instance and note whether it doubles a living one."""
        double = self._has_equal(instance)
        instance.id = self._insert(
            "INSERT INTO instances (hidden_lists, visible_at, double) VALUES (?, ?, ?)",
            (hidden_lists, visible_at, double),
        )
        self.save_instance(instance)

    def _has_equal(self, new: Instance) -> bool:
        sql = (
            "SELECT 1 FROM instances "
            "WHERE name = ? AND tag_set = ? AND element_key = ? AND NOT deleted LIMIT 1"
        )
        values = (new.name, _tag_set(new), new.element_key)
        return self._db.execute(sql, values).fetchone() is not None

    def save_instance(self, instance: Instance) -> None:
        """Write an instance's present state."""
        self._db.execute(
            "UPDATE instances SET token=?, element_key=?, name=?, tag_set=?, document=? WHERE id=?",
            (
                instance.token,
                instance.element_key,
                instance.name,
                _tag_set(instance),
                json.dumps({name: getattr(instance, name) for name in _INSTANCE_FIELDS}),
                instance.id,
            ),
        )
        self._db.execute("DELETE FROM tags WHERE instance_id=?", (instance.id,))
        self._db.executemany(
            "INSERT INTO tags VALUES (?, ?)", [(instance.id, tag) for tag in instance.tags]
        )

    def instance(self, instance_id: int, *, deleted: bool = False) -> Instance | None:
        """Return a living instance; with `deleted` also what is left of a deleted one."""
        sql = "SELECT document FROM instances WHERE id=? AND document NOT NULL AND deleted <= ?"
        row = self._db.execute(sql, (instance_id, deleted)).fetchone()
        return Instance(**json.loads(row[0])) if row else None

    def instance_by_token(self, token: str) -> Instance | None:
        """Return the living instance that has this token."""
        sql = "SELECT document FROM instances WHERE token=? AND NOT deleted"
        row = self._db.execute(sql, (token,)).fetchone()
        return Instance(**json.loads(row[0])) if row else None

    def was_deleted(self, instance_id: int) -> bool:
        """Return whether an instance with this id existed and is gone."""
        return bool(
            self._number("SELECT COUNT(*) FROM instances WHERE id=? AND deleted", (instance_id,))
        )

    def delete_instance(self, instance: Instance) -> None:
        """Delete an instance; its row stays, its token, configuration and tags' index do not."""
        instance.token, instance.configuration, instance.provider_data = "", {}, {}
        self.save_instance(instance)
        self._db.execute("UPDATE instances SET deleted=1, token=NULL WHERE id=?", (instance.id,))
        self._db.execute("DELETE FROM tags WHERE instance_id=?", (instance.id,))

    def instances_by_element(self) -> dict[str, int]:
        """Return how many living instances each element key has."""
        sql = (
            "SELECT element_key, COUNT(*) FROM instances "
            "WHERE NOT deleted GROUP BY element_key ORDER BY element_key"
        )
        return dict(self._db.execute(sql).fetchall())

    def all_instances(self) -> list[Instance]:
        """Return every living instance in order of creation."""
        rows = self._db.execute("SELECT document FROM instances WHERE NOT deleted ORDER BY id")
        return [Instance(**json.loads(row[0])) for row in rows]

    def hide(self, instance_id: int, lists: int) -> None:
        """Keep an instance out of the next lists."""
        self._db.execute("UPDATE instances SET hidden_lists=? WHERE id=?", (lists, instance_id))

    def search(
        self, search: Search, *, now: float, limit: int, offset: int
    ) -> tuple[list[Instance], int]:
        """Return one page of visible instances and how many there are in all pages.

        Counts as one list request for instances that still hide.
        """
        where, values = _conditions(search)
        where += " AND hidden_lists = 0 AND visible_at <= ?"
        values.append(now)
        order = {"created": "id", "newest": "id DESC", "name": "name, id"}[search.order]
        # Only constants of this module are put into the text; values are bound.
        total = self._number(f"SELECT COUNT(*) FROM instances WHERE {where}", values)  # noqa: S608
        sql = f"SELECT document FROM instances WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
        rows = self._db.execute(sql, [*values, limit, offset]).fetchall()
        self._db.execute("UPDATE instances SET hidden_lists=hidden_lists-1 WHERE hidden_lists>0")
        return [Instance(**json.loads(row[0])) for row in rows], total

    # One-time codes

    def add_code(self, code: Code) -> None:
        """Store a code."""
        self._db.execute(
            "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                code.code,
                code.element_key,
                code.api_key,
                code.callback_url,
                code.oauth_token,
                code.secret,
                json.dumps(code.extras),
                code.expires_at,
                code.spent,
                code.replays,
            ),
        )

    def code(self, code: str) -> Code | None:
        """Return a code, spent or not."""
        row = self._db.execute("SELECT * FROM codes WHERE code=?", (code,)).fetchone()
        if row is None:
            return None
        names = [f.name for f in fields(Code)]
        return Code(**dict(zip(names, row, strict=True)) | {"extras": json.loads(row[6])})

    def spend_code(self, code: str) -> None:
        """Mark a code as spent."""
        self._db.execute("UPDATE codes SET spent=1 WHERE code=?", (code,))

    def count_replay(self, code: str) -> None:
        """Note that a spent code was received again."""
        self._db.execute("UPDATE codes SET replays=replays+1 WHERE code=?", (code,))

    def code_count(self) -> int:
        """Return how many codes were stored so far."""
        return self._number("SELECT COUNT(*) FROM codes")

    def add_request_token(self, token: RequestToken) -> None:
        """Store an OAuth 1 request token."""
        self._db.execute(
            "INSERT INTO request_tokens VALUES (?, ?, ?, ?, ?)",
            (token.token, token.secret, token.element_key, token.api_key, token.callback_url),
        )

    def request_token(self, token: str) -> RequestToken | None:
        """Return an OAuth 1 request token."""
        row = self._db.execute("SELECT * FROM request_tokens WHERE token=?", (token,)).fetchone()
        return RequestToken(*row) if row else None

    def request_token_count(self) -> int:
        """Return how many request tokens were stored so far."""
        return self._number("SELECT COUNT(*) FROM request_tokens")

    def counters(self) -> dict[str, int]:
        """Return what happened since the database was made or cleared."""
        return {
            "creates": self._number("SELECT COUNT(*) FROM instances"),
            "doubles": self._number("SELECT COUNT(*) FROM instances WHERE double"),
            "deletes": self._number("SELECT COUNT(*) FROM instances WHERE deleted"),
            "instances": self._number("SELECT COUNT(*) FROM instances WHERE NOT deleted"),
            "codes_minted": self.code_count(),
            "codes_spent": self._number("SELECT COUNT(*) FROM codes WHERE spent"),
            "codes_replayed": self._number("SELECT COALESCE(SUM(replays), 0) FROM codes"),
        }


_INSTANCE_FIELDS = tuple(f.name for f in fields(Instance))


def _tag_set(instance: Instance) -> str:
    return json.dumps(sorted(instance.tags))


def _conditions(search: Search) -> tuple[str, list[Any]]:
    conditions, values = ["NOT deleted"], list[Any]()
    if search.element_key is not None:
        conditions.append("element_key = ?")
        values.append(search.element_key)
    if search.text:
        conditions.append("(instr(lower(name), lower(?)) OR instr(lower(element_key), lower(?)))")
        values += [search.text, search.text]
    if search.tags:
        compare = "tag = ? COLLATE NOCASE" if search.ignore_case else "tag = ?"
        one = f"id IN (SELECT instance_id FROM tags WHERE {compare})"  # noqa: S608
        conditions.append(
            "(" + (" OR " if search.any_tag else " AND ").join([one] * len(search.tags)) + ")"
        )
        values += search.tags
    return " AND ".join(conditions), values
