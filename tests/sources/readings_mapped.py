"""Mapped tables under the contract: a CSV file and rows that repeat a game for each book and time."""

from tests.sources.mapped_files import as_csv, other_row, reading_of, table_row

SNAPSHOTS = {
    "book_column": "Book",
    "recorded_at": {"column": "Seen", "format": "%Y-%m-%dT%H:%M:%SZ", "timezone": "UTC"},
    "markets": [{"market": "moneyline", "seen": "recorded", "prices": {"home": "ML H", "away": "ML V"}}],
}
SNAPSHOT_ROWS = [
    table_row(Book=book, Seen=f"2022-09-11T{hour}:30:00Z") for book in ("One", "Two") for hour in ("12", "16", "18")
]
READINGS = [
    reading_of(as_csv(table_row(), other_row())),
    reading_of(as_csv(*SNAPSHOT_ROWS), "snapshots.csv", **SNAPSHOTS),
]
