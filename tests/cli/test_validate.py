"""`aipro data sources` and `aipro data validate`, which store nothing."""

import json

import pytest

from aipro_ml.errors import DataFileError, UsageError
from aipro_ml.jobs.importing import Request
from aipro_ml.jobs.validating import list_sources, validate
from aipro_ml.sources.box_registry import BOX_SOURCES
from aipro_ml.sources.player_props import PROP_SOURCES
from aipro_ml.sources.registry import SOURCES
from tests.jobs.nflverse_file import as_csv, season_rows


@pytest.fixture
def games_file(tmp_path):
    place = tmp_path / "games.csv"
    place.write_bytes(as_csv(season_rows()))
    return place


def test_every_source_says_what_it_reads():
    rows = list_sources()
    stored = [*BOX_SOURCES, *PROP_SOURCES]
    assert [row["source"] for row in rows] == [*SOURCES, *stored]
    assert all(row["reads"] for row in rows)
    assert {row["source"]: row["needs"] for row in rows if row["needs"] != "-"} == {
        **dict.fromkeys(stored, "stored games"),
        "odds-api": "--sport",
        "odds-api-folder": "--sport",
        "odds-api-changes": "--sport",
        "odds-api-days": "--sport",
        "odds-api-scores": "--sport",
        "action-network": "stored games",
        "mapped": "--mapping",
    }


def test_a_good_file_is_counted_and_has_no_findings(games_file):
    (counts,), findings = validate(Request("nflverse", (str(games_file),)))
    assert counts["games"] == len(season_rows())
    assert (counts["findings"], findings) == ("none", ())
    json.dumps(counts)


def test_a_bad_cell_is_a_finding_with_its_rule(tmp_path):
    place = tmp_path / "games.csv"
    rows = season_rows()
    rows[0] = rows[0] | {"home_moneyline": "50"}
    place.write_bytes(as_csv(rows))
    (counts,), findings = validate(Request("nflverse", (str(place),)))
    assert [finding.column for finding in findings] == ["home_moneyline"]
    assert findings[0].rule in counts["findings"]


def test_an_unknown_source_names_the_known_ones():
    with pytest.raises(UsageError, match=r"football-data.*nfl-team-weeks"):
        validate(Request("nosuch", ("x.csv",)))


def test_an_unknown_sport_is_refused_before_the_file_is_read():
    with pytest.raises(UsageError, match=r"unknown sport 'FOO'; known: .*NHL"):
        validate(Request("odds-api", ("missing.json",), "FOO"))


def test_a_feed_that_does_not_say_its_sport_asks_for_it():
    with pytest.raises(UsageError, match="--sport"):
        validate(Request("odds-api", ("x.json",)))


def test_several_files_are_read_one_by_one(games_file):
    other = games_file.with_name("other.csv")
    other.write_bytes(games_file.read_bytes())
    counts, _ = validate(Request("nflverse", (str(games_file), str(other))))
    assert [row["file"] for row in counts] == ["games.csv", "other.csv"]
    with pytest.raises(DataFileError, match="2 files"):
        SOURCES["nflverse"].read({"a.csv": b"", "b.csv": b""})
