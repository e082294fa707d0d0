"""Games of one pair near each other, in a real database: doubleheaders out of order, and home-and-home in a week."""

import itertools
import json
from datetime import UTC, datetime

import pytest

from aipro_ml.jobs.importing import Request, import_source
from aipro_ml.jobs.ingest import ImportOptions
from tests.fixtures_platform import Platform
from tests.sources import odds_api_files as files

NOW = datetime(2019, 6, 3, 12, tzinfo=UTC)
ONE, TWO = ("1" * 32, "2019-06-01T17:05:00Z"), ("2" * 32, "2019-06-01T23:05:00Z")
SIDES = {"home": "Boston Red Sox", "away": "Cleveland Indians"}
GAMES = (
    "SELECT to_char(g.game_date, 'DD HH24:MI') AS begins, g.status, g.home_score, h.abbreviation AS home, "
    "(SELECT count(*) FROM odds o WHERE o.game_id = g.id) AS quotes "
    "FROM games g JOIN teams h ON h.id = g.home_team_id ORDER BY g.game_date, g.id"
)


@pytest.fixture
def platform(database_settings):
    opened = Platform(database_settings)
    yield opened
    opened.close()


@pytest.fixture
def bring(platform, tmp_path):
    def run(source, content, name, now=NOW, sport="MLB"):
        place = tmp_path / source / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        (report,) = import_source(platform.settings, Request(source, (str(place),), sport), ImportOptions(now))
        return report

    return run


def offered(*games):
    """One snapshot of the feed, with these games of the doubleheader."""
    lines = {"spread": -1.5, "total": 8.5, "ml_home": -150, "ml_away": 130}
    return files.answer(
        *(
            files.event(
                id=event, sport_key="baseball_mlb", commence_time=begins, home_team=SIDES["home"],
                away_team=SIDES["away"], bookmakers=[files.book(**SIDES, **lines, updated="2019-06-01T12:00:00Z")],
            )
            for event, begins in games
        )
    )  # fmt: skip


def scored(game, home, away):
    """The feed's result of one game, home and away None while it is not over."""
    event, begins = game
    told = [{"name": SIDES["home"], "score": str(home)}, {"name": SIDES["away"], "score": str(away)}]
    row = {
        "id": event, "sport_key": "baseball_mlb", "commence_time": begins, "completed": home is not None,
        "home_team": SIDES["home"], "away_team": SIDES["away"], "scores": told if home is not None else None,
        "last_update": "2019-06-02T03:00:00Z",
    }  # fmt: skip
    return json.dumps([row]).encode()


STEPS = {
    "offer 1": lambda bring: bring("odds-api", offered(ONE), "odds_20190601T120000Z.json"),
    "offer 2": lambda bring: bring("odds-api", offered(TWO), "odds_20190601T120500Z.json"),
    "result 1": lambda bring: bring("odds-api-scores", scored(ONE, 5, 3), "one.json"),
    "result 2": lambda bring: bring("odds-api-scores", scored(TWO, 1, 0), "two.json"),
}


@pytest.mark.parametrize("order", list(itertools.permutations(STEPS))[::6], ids=" ".join)
def test_a_doubleheader_is_two_games_whichever_of_them_is_told_or_over_first(platform, bring, order):
    for step in order:
        STEPS[step](bring)
    rows = [tuple(row.values()) for row in platform.rows(GAMES)]
    assert rows == [("01 17:05", "final", 5, "BOS", 6), ("01 23:05", "final", 1, "BOS", 6)]
    before = platform.snapshot()
    assert [STEPS[step](bring).rows_written for step in order] == [0] * 4
    assert platform.snapshot() == before
