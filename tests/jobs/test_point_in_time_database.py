"""What was known then, in PostgreSQL: a database cut at as_of and one full of the future give the same features."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from aipro_ml.features.build import MatrixRequest, decided_entities
from aipro_ml.features.history import History
from aipro_ml.features.records import Records
from aipro_ml.features.rows import feature_rows
from aipro_ml.features.sport import sport
from aipro_ml.features.sports import sports
from aipro_ml.jobs import facts
from aipro_ml.jobs.facts import load_records
from tests.features.random_league import SHAPES, Shape, random_league
from tests.fixtures_database import Server
from tests.fixtures_platform import Platform
from tests.jobs.stored_league import Planter, cut_database, dated_facts, store_league
from tests.soak import size

MOMENTS = (pd.Timestamp("2003-09-21 18:30", tz="UTC"), pd.Timestamp("2002-09-17 12:00", tz="UTC"))
"""Between the kick-offs of a day in the third season, and a morning in the second; the later one first."""

REAL = tuple(code for code in sports() if not code.startswith("SIM-"))
OWN_VIEWS = tuple({sport(code).views: code for code in reversed(REAL)}.values())
CODES = size(OWN_VIEWS, REAL)
"""One sport of each list of views; in a soak those of the same views too (NCAAB, WNBA, …), at the first moment only."""

PLANTED_TABLES = {
    "game_revisions", "odds", "closing_lines", "consensus_lines", "odds_movements", "fact_odds", "team_stats",
    "players", "player_stats", "fact_team_games", "fact_player_games", "fact_player_props", "team_ratings",
    "fact_team_games corrected", "fact_player_games corrected",
}  # fmt: skip


@dataclass(frozen=True)
class Databases:
    """The same leagues twice: `full`, and `cut`, from which the future can be taken away."""

    full: Platform
    cut: Platform
    leagues: dict[str, Records]


def shape_of(code: str) -> Shape:
    """The shape of the sport, or of the one whose views it shares."""
    views = {view.name for view in sport(code).views}
    return SHAPES.get(code) or next(
        shape for other, shape in SHAPES.items() if {view.name for view in sport(other).views} == views
    )


@pytest.fixture(scope="module")
def databases(server: Server, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    home = tmp_path_factory.mktemp("point-in-time")
    leagues = {code: random_league(seed, shape_of(code)) for seed, code in enumerate(CODES, start=40)}
    with server.database(template) as name, pytest.MonkeyPatch.context() as patch:
        # the reviewed files know real teams; these leagues bring their own dates
        patch.setattr(facts, "dated_facts", lambda code: dated_facts(code, leagues[code]))
        full = Platform(server.settings(home, name))
        with full.engine.begin() as connection:
            for code, records in leagues.items():
                store_league(connection, code, records)
        full.close()
        with server.database(name) as copy:
            cut = Platform(server.settings(home, copy))
            full = Platform(server.settings(home, name))
            yield Databases(full, cut, leagues)
            cut.close()
        full.close()


def asked_at(history: History, code: str, moment: pd.Timestamp) -> pd.DataFrame:
    """Every game of the 40 days before `moment` at its own time, and those of the next nine days at `moment`."""
    decided = decided_entities(history, sport(code), MatrixRequest())
    past = decided.loc[decided["as_of"].between(moment - pd.Timedelta(days=40), moment), ["as_of"]].reset_index()
    schedule = history.latest_schedule()
    soon = schedule["kickoff"].between(moment, moment + pd.Timedelta(days=9), inclusive="right")
    known = history.first_known().reindex(schedule.index) <= moment
    now = pd.DataFrame({"game_id": schedule.index[(soon & known).to_numpy()]}).assign(as_of=moment.as_unit("us"))
    return pd.concat([past, now], ignore_index=True)


def read_boxes(code: str) -> dict[str, bool]:
    """Which boxes the sport's views read."""
    views = sport(code).views
    return {
        "team_boxes": any(view.team_figures for view in views),
        "player_boxes": any(view.player_figures for view in views),
    }


def rows_of(platform: Platform, code: str, asked: pd.DataFrame) -> pd.DataFrame:
    with platform.engine.connect() as connection:
        records = load_records(connection, code)
    return feature_rows(asked, History(records), sport(code))


def differing(a: pd.DataFrame, b: pd.DataFrame) -> set[str]:
    left, right = a.to_numpy("float64"), b.to_numpy("float64")
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    return {name for name, equal in zip(a.columns, same.all(axis=0), strict=True) if not equal}


@pytest.fixture(scope="module")
def honest(databases: Databases) -> dict[tuple[str, pd.Timestamp], tuple[pd.DataFrame, pd.DataFrame]]:
    """What was asked and computed from the full database, before anything is cut or planted."""
    with databases.full.engine.connect() as connection:
        histories = {code: History(load_records(connection, code)) for code in CODES}
    found = {}
    for moment in MOMENTS:
        for code in CODES if moment == MOMENTS[0] else OWN_VIEWS:
            asked = asked_at(histories[code], code, moment)
            found[code, moment] = asked, feature_rows(asked, histories[code], sport(code))
    return found


def test_what_is_stored_is_what_the_frames_hold(databases: Databases) -> None:
    for code, records in databases.leagues.items():
        with databases.full.engine.connect() as connection:
            loaded = load_records(connection, code)
        assert len(loaded.games) == len(records.games)
        assert len(loaded.odds) == len(records.odds)
        boxes = [name for name in ("team_boxes", "player_boxes") if read_boxes(code)[name]]
        assert all(len(getattr(loaded, name)) == len(getattr(records, name)) > 0 for name in boxes)
        read = replace(loaded, **{name: getattr(records, name) for name in boxes})
        assert History(loaded).correction_times() == History(read).correction_times()


def test_features_of_every_sport_equal_bit_for_bit_those_of_a_database_cut_at_as_of(
    databases: Databases, honest: dict
) -> None:
    owner = databases.cut.owner()
    for moment in MOMENTS:
        cut_database(owner, moment)
        assert databases.cut.one("SELECT max(known_at) FROM game_revisions") <= moment.to_pydatetime().replace(
            tzinfo=None
        )
        for code in (code for code, asked_at_ in honest if asked_at_ == moment):
            asked, full = honest[code, moment]
            assert (asked["as_of"] == moment).sum() > 3
            assert full.notna().any().mean() > 0.9
            assert differing(full, rows_of(databases.cut, code, asked)) == set(), (code, moment)
    owner.dispose()


def test_a_thousand_future_rows_a_table_and_what_is_stored_for_readers_change_no_feature(
    databases: Databases, honest: dict
) -> None:
    moment = MOMENTS[0]
    owner = databases.full.owner()
    for code in CODES:
        with owner.begin() as connection:
            planted = Planter(connection, code, databases.leagues[code], moment).plant(1000)
        assert set(planted) == PLANTED_TABLES
        assert {count for name, count in planted.items() if not name.endswith(" corrected")} == {1000}
        assert min(planted.values()) > 150
        asked, before = honest[code, moment]
        stored = "SELECT min(t.elo_rating), min(s.feature_count) FROM sports s JOIN teams t ON t.sport_id = s.id"
        assert set(databases.full.rows(f"{stored} WHERE s.code = :code", code=code)[0].values()) == {9999}
        assert differing(before, rows_of(databases.full, code, asked)) == set(), code
    owner.dispose()


@pytest.mark.parametrize("code", OWN_VIEWS)
def test_the_planted_rows_are_seen_once_their_time_has_come(code: str, databases: Databases, honest: dict) -> None:
    asked, before = honest[code, MOMENTS[0]]
    later = asked.assign(as_of=asked["as_of"].mask(asked["as_of"] == MOMENTS[0], MOMENTS[0] + pd.Timedelta(hours=3)))
    assert len(differing(before, rows_of(databases.full, code, later))) > 10
