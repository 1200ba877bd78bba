"""SQLite storage of what is only a document with a number: formulas, events, sessions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

TABLES = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, parent INTEGER NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS records_by_kind ON records (kind, parent);
"""
Document = dict[str, Any]


class Records:
    """Documents by kind and number, each of a parent; a document holds its own `id`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, kind: str, document: Document, *, parent: int = 0) -> Document:
        """Store a new document and return it with the id it got; ids are never used twice."""
        sql = "INSERT INTO records (kind, parent, document) VALUES (?, ?, '')"
        number = self._db.execute(sql, (kind, parent)).lastrowid
        made = {"id": number} | document
        self.save(made)
        return made

    def save(self, document: Document) -> None:
        """Write a document's present state."""
        values = (json.dumps(document), document["id"])
        self._db.execute("UPDATE records SET document=? WHERE id=?", values)

    def get(self, kind: str, number: int, *, parent: int | None = None) -> Document | None:
        """Return one document of this kind, and of this parent if one is given."""
        sql = "SELECT document FROM records WHERE kind=? AND id=? AND parent=COALESCE(?, parent)"
        row = self._db.execute(sql, (kind, number, parent)).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, kind: str, *, parent: int | None = None) -> list[Document]:
        """Return the documents of a kind in order of creation, all or those of one parent."""
        sql = "SELECT document FROM records WHERE kind=? AND parent=COALESCE(?, parent) ORDER BY id"
        return [json.loads(row[0]) for row in self._db.execute(sql, (kind, parent))]

    def delete(self, document: Document) -> None:
        """Delete a document."""
        self._db.execute("DELETE FROM records WHERE id=?", (document["id"],))

    def clear(self) -> None:
        """Forget every document; numbers start again."""
        self._db.execute("DELETE FROM records")
        self._db.execute("DELETE FROM sqlite_sequence WHERE name='records'")
