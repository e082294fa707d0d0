"""A small invented table, its mapping, and the same table as a workbook."""

import csv
import io

from aipro_ml.sources import mapped
from aipro_ml.sources.mapping import mapping_of
from tests.sources.contract import Content, Reading

MAPPING = {
    "sport": "NFL", "source": "my archive", "timezone": "America/New_York",
    "date": {"column": "Day", "format": "%d/%m/%Y"}, "time": {"column": "Start", "format": "%I:%M %p"},
    "usual_time": "13:00", "season_starts_month": 7, "home": "Home", "away": "Visitor",
    "home_score": "HP", "away_score": "VP", "neutral_site": "Neutral", "odds": "american",
    "markets": [
        {"market": "moneyline", "book": "My Book", "seen": "close", "prices": {"home": "ML H", "away": "ML V"}},
        {"market": "moneyline", "book": "My Book", "seen": "open", "prices": {"home": "Open H", "away": "Open V"}},
        {"market": "spread", "book": "My Book", "line": "Line", "sign": "home_handicap",
         "prices": {"home": "Line H", "away": "Line V"}},
        {"market": "total", "book": "Other Book", "line": "Total"},
    ],
}  # fmt: skip


def table_row(**cells: str) -> dict[str, str]:
    """One good game; `cells` replace its cells."""
    row = {
        "Day": "11/09/2022", "Start": "1:00 PM", "Visitor": "New Orleans Saints", "Home": "atlanta falcons", "VP": "27",
        "HP": "26", "Neutral": "0", "ML V": "-240", "ML H": "200", "Open V": "-190", "Open H": "165", "Line": "5.5",
        "Line H": "-110", "Line V": "-110", "Total": "42.5", "Note": "extra",
    }  # fmt: skip
    return row | cells


def other_row(**cells: str) -> dict[str, str]:
    """A second good game, without a time and still to be played."""
    mine = {"Day": "12/09/2022", "Start": "", "Visitor": "DEN", "Home": "SEA", "HP": "", "VP": ""}
    return table_row(**(mine | cells))


def as_csv(*rows: dict[str, str]) -> bytes:
    """These rows as the bytes of a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_xlsx(*rows: dict[str, object]) -> bytes:
    """These rows as the bytes of a workbook."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append([None if cell == "" else cell for cell in row.values()])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def reading_of(content: Content, name: str = "table.csv", is_text: bool = True, **changes) -> Reading:
    """A reading of `content` under the mapping with `changes`."""
    mapping = mapping_of(MAPPING | changes, name="map.yaml")
    return Reading(
        f"mapped {name}", lambda data: mapped.read(data, name=name, mapping=mapping), content, is_text=is_text
    )
