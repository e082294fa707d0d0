"""`aipro data map`: a proposal that its owner completes, and that then reads the table it was made for."""

import pytest
import yaml
from typer.testing import CliRunner

from aipro_ml.cli.app import app
from tests.sources.mapped_files import as_csv, as_xlsx, other_row, table_row

ROW = {"date": "2022-09-11", "home_team": "ATL", "away_team": "NO", "home_score": "26", "away_score": "27"}
ROW |= {"home_moneyline": "200", "away_moneyline": "-240", "total_line": "42.5"}


@pytest.fixture
def run():
    """Run `aipro data` with these words and return what it printed, or the error it ended with."""

    def invoke(*words):
        done = CliRunner().invoke(app, ["data", *map(str, words)])
        return done.exception if done.exception else done.stdout

    return invoke


def test_a_proposal_says_what_it_was_made_for_and_asks_for_what_only_the_owner_knows(run, tmp_path):
    place = tmp_path / "prices.csv"
    place.write_bytes(as_csv(ROW))
    shown = run("map", place)
    assert shown.startswith("# proposed for prices.csv: fill in each ?")
    told = yaml.safe_load(shown)
    assert (told["home"], told["away"], told["sport"]) == ("home_team", "away_team", "?")
    assert {market["book"] for market in told["markets"]} == {"?"}


def test_a_proposal_as_it_is_printed_is_refused_until_it_is_completed(run, tmp_path):
    table, mapping = tmp_path / "prices.csv", tmp_path / "prices.yaml"
    table.write_bytes(as_csv(ROW))
    mapping.write_text(run("map", table), encoding="utf-8")
    error = run("validate", "mapped", table, "--mapping", mapping)
    assert "still to be filled in" in str(error)
    told = yaml.safe_load(mapping.read_text(encoding="utf-8"))
    told |= {"sport": "NFL", "source": "mine", "timezone": "America/New_York"}
    told |= {"usual_time": "13:00", "season_starts_month": 7}
    for market in told["markets"]:
        market |= {"book": "b", "seen": "close"}
    mapping.write_text(yaml.safe_dump(told), encoding="utf-8")
    assert "games" in run("validate", "mapped", table, "--mapping", mapping)


def test_a_workbook_is_proposed_as_a_table_is(run, tmp_path):
    table, book = tmp_path / "t.csv", tmp_path / "t.xlsx"
    table.write_bytes(as_csv(table_row(), other_row()))
    book.write_bytes(as_xlsx(table_row(), other_row()))
    of_table, of_book = (yaml.safe_load(run("map", place)) for place in (table, book))
    assert of_table["home"] == of_book["home"] == "Home"
    assert of_table["markets"] == of_book["markets"]


def test_a_file_that_is_not_there_is_one_clear_error(run, tmp_path):
    error = run("map", tmp_path / "none.csv")
    assert "none.csv" in str(error)
