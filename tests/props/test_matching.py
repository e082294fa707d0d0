"""Whose box scores a priced player's are, by what was known before the game."""

import pandas as pd
import pytest

from aipro_ml.props.matching import match_players, short_name, squads, unmatched, whole_name

NOW = pd.Timestamp("2022-10-09 17:00", tz="UTC").as_unit("us")
PLAYERS = pd.DataFrame(
    [
        ("box:1", "Josh Allen", "QB"), ("box:2", "Josh Allen", "LB"), ("box:3", "Gabe Davis", "WR"),
        ("box:4", "Davante Adams", "WR"), ("box:5", "Michael Pittman", "WR"), ("box:6", "Amari Cooper", "WR"),
        ("a", "Josh Allen", "QB"), ("b", "Gabriel Davis", "WR"), ("c", "Davante Adams", "WR"),
        ("d", "Michael Pittman Jr.", "WR"), ("e", "a.cooper", ""), ("f", "Nobody Here", "WR"),
    ],
    columns=["player_id", "name", "position"],
).set_index("player_id")  # fmt: skip


def boxes(*rows):
    told = [(player, team, NOW - pd.Timedelta(days=days)) for player, team, days in rows]
    frame = pd.DataFrame(told, columns=["player_id", "team_id", "known_at"])
    return frame.sort_values("known_at", kind="stable", ignore_index=True)


def asked(*players, home="BUF", away="LV"):
    rows = [("g", player, home, away, NOW) for player in players]
    return pd.DataFrame(rows, columns=["game_id", "player_id", "home_team_id", "away_team_id", "as_of"])


BOXES = boxes(
    ("box:1", "BUF", 7), ("box:2", "JAX", 7), ("box:3", "BUF", 7), ("box:4", "GB", 200), ("box:5", "IND", 7),
    ("box:6", "DAL", 300), ("box:6", "CLE", 7),
)  # fmt: skip


def pairs(matched):
    return {row.player_id: (row.box_id, row.rule) for row in matched.itertuples()}


def test_names_lose_their_suffix_and_keep_their_initial():
    assert whole_name("Michael Pittman Jr.") == whole_name("michael pittman") == "michaelpittman"
    assert whole_name("Odell Beckham, Jr.") == "odellbeckham"
    assert (whole_name("j.allen"), short_name("j.allen"), short_name("Josh Allen")) == ("", "jallen", "jallen")
    assert short_name("a.st. brown") == short_name("Amon St. Brown")


def test_of_two_of_one_name_the_one_in_a_team_of_the_game_is_meant():
    assert pairs(match_players(asked("a"), PLAYERS, BOXES)) == {"a": ("box:1", "name")}


def test_two_of_one_name_in_the_game_are_nobody():
    both = asked("a", home="BUF", away="JAX")
    matched = match_players(both, PLAYERS.assign(position=""), BOXES)
    assert pairs(matched) == {}
    assert unmatched(both, matched, PLAYERS).to_dict("records") == [
        {"player_id": "a", "games": 1, "name": "Josh Allen"}
    ]


def test_a_nickname_is_found_by_initial_family_name_and_team():
    assert pairs(match_players(asked("b"), PLAYERS, BOXES)) == {"b": ("box:3", "short_name")}
    assert pairs(match_players(asked("e", home="CLE"), PLAYERS, BOXES)) == {"e": ("box:6", "short_name")}


def test_who_changed_teams_is_found_where_nobody_else_bears_the_name():
    matched = match_players(asked("c"), PLAYERS, BOXES)
    assert pairs(matched) == {"c": ("box:4", "only_bearer")}
    assert matched["team_id"].isna().all()


def test_a_box_that_is_not_known_yet_matches_nobody():
    later = boxes(("box:1", "BUF", -1))
    assert match_players(asked("a"), PLAYERS, later).empty


def test_the_same_number_needs_no_name():
    matched = match_players(asked("box:1", "f"), PLAYERS, BOXES)
    assert pairs(matched) == {"box:1": ("box:1", "number")}


def test_one_box_is_nobody_where_two_priced_players_claim_it():
    players = pd.concat([PLAYERS, pd.DataFrame({"name": ["Josh Allen"], "position": ["QB"]}, index=["z"])])
    assert match_players(asked("a", "z"), players.rename_axis("player_id"), BOXES).empty


@pytest.mark.parametrize(("days", "count"), [(10, 1), (5, 0)])
def test_a_squad_is_who_played_for_the_team_of_late(days, count):
    games = pd.DataFrame({"home_team_id": ["BUF"], "away_team_id": ["LV"]}, index=pd.Index(["g"], name="game_id"))
    found = squads(pd.Series([NOW], index=games.index), games, BOXES.loc[BOXES["player_id"] != "box:3"], days)
    assert len(found) == count
