"""Whose box scores are those of a player with a price: sources number players differently, and nobody is merged.

A pair holds for one game, by what was known before it. In order: the same number; the whole name, in a team of the
game; the initial and the family name, in a team of the game; the whole name, where no other player of either source
bears it (who changed teams). Each counts only where it names one player. What matches nobody is listed, never guessed.
"""

import re
from collections.abc import Iterable

import pandas as pd

from aipro_ml.features.asof import asof_join
from aipro_ml.sources.franchises import folded

PAIR = ["game_id", "player_id"]
MATCH_COLUMNS = ("game_id", "player_id", "box_id", "team_id", "rule")
RULES = ("number", "name", "short_name", "only_bearer")
_SUFFIX = re.compile(r"(?:,?\s+(?:jr|sr|ii|iii|iv|v)\.?)+$", re.IGNORECASE)
_SHORT = re.compile(r"^(\w)\.\s*(.+)$")


def whole_name(name: str) -> str:
    """Return a name without suffix, letter case, accents and punctuation; "" for one given in short."""
    plain = _SUFFIX.sub("", name.strip())
    return "" if _SHORT.match(plain) and len(plain.split()) == 1 else folded(plain)


def short_name(name: str) -> str:
    """Return the initial and the family name, folded: of `Josh Allen` and of `j.allen` it is `jallen`."""
    plain = _SUFFIX.sub("", name.strip())
    short = _SHORT.match(plain)
    if short is not None:
        return folded(short[1] + short[2])
    first, _, last = plain.partition(" ")
    return folded(first[:1] + last) if last else ""


def match_players(asked: pd.DataFrame, players: pd.DataFrame, boxes: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each pair of `asked` that has box scores (MATCH_COLUMNS).

    `asked`: game_id, player_id, home_team_id, away_team_id, as_of, unique in PAIR. `players`: index player_id; name,
    position. `boxes`: player_id, team_id, known_at, in the order they became known. `team_id` is his last known team
    where it is one of the game's, else missing.
    """
    candidates = _candidates(asked, players, boxes)
    found: list[pd.DataFrame] = []
    open_pairs = pd.MultiIndex.from_frame(asked[PAIR])
    for rule in RULES:
        one = _alone(candidates.loc[candidates[rule]])
        one = one.loc[pd.MultiIndex.from_frame(one[PAIR]).isin(open_pairs)]
        found.append(one.assign(rule=rule))
        open_pairs = open_pairs.difference(pd.MultiIndex.from_frame(one[PAIR]), sort=False)
    matched = pd.concat(found, ignore_index=True)
    return matched[list(MATCH_COLUMNS)]


def _candidates(asked: pd.DataFrame, players: pd.DataFrame, boxes: pd.DataFrame) -> pd.DataFrame:
    """Return every pair beside every player with boxes known by then who might be he, and which rules say so."""
    names = _named(players)
    bearers = names.loc[names.index.isin(boxes["player_id"].unique())].rename_axis("box_id").reset_index()
    mine = asked.join(names, on="player_id")
    by_number = mine.merge(bearers, left_on="player_id", right_on="box_id", suffixes=("", "_box"))
    by_name = mine.loc[mine["short"] != ""].merge(bearers, on="short", suffixes=("", "_box")).assign(short_box=1)
    both = pd.concat([by_number, by_name], ignore_index=True).drop_duplicates([*PAIR, "box_id"])
    last = asof_join(both[["as_of"]].assign(player_id=both["box_id"]), boxes, ["player_id"], ["team_id", "known_at"])
    both = both.assign(team_id=last["team_id"]).loc[last["known_at"].notna()].reset_index(drop=True)
    return _ruled(both, names, bearers)


def _ruled(both: pd.DataFrame, names: pd.DataFrame, bearers: pd.DataFrame) -> pd.DataFrame:
    here = (both["team_id"] == both["home_team_id"]) | (both["team_id"] == both["away_team_id"])
    same_number = both["player_id"] == both["box_id"]
    whole = (both["whole"] == both["whole_box"]) & (both["whole"] != "")
    fits = (both["position"] == both["position_box"]) | (both["position"] == "") | (both["position_box"] == "")
    others = names.loc[~names.index.isin(bearers["box_id"])]
    alone = both["whole"].map(_counts(bearers["whole"])).le(1) & both["whole"].map(_counts(others["whole"])).le(1)
    return both.assign(
        number=same_number,
        name=whole & here,
        short_name=fits & here,
        only_bearer=whole & alone & fits,
        team_id=both["team_id"].where(here),
    )


def _named(players: pd.DataFrame) -> pd.DataFrame:
    name = players["name"].astype(str)
    return pd.DataFrame(
        {
            "whole": [whole_name(each) for each in name],
            "short": [short_name(each) for each in name],
            "position": players["position"].fillna("").astype(str).to_numpy(),
        },
        index=players.index,
    )


def _counts(names: pd.Series) -> dict[str, int]:
    return {str(name): int(count) for name, count in names.value_counts().items()}


def _alone(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that name one player for the pair, and whose player is named for one pair of the game."""
    several = rows.duplicated(PAIR, keep=False) | rows.duplicated(["game_id", "box_id"], keep=False)
    return rows.loc[~several]


def unmatched(asked: pd.DataFrame, matched: pd.DataFrame, players: pd.DataFrame) -> pd.DataFrame:
    """Return player_id, name and games of who was asked for and matched nobody, most games first."""
    pairs = pd.MultiIndex.from_frame(asked[PAIR])
    lost = asked.loc[~pairs.isin(pd.MultiIndex.from_frame(matched[PAIR]))]
    games = lost.groupby("player_id").size().rename("games").reset_index()
    told = games.assign(name=players["name"].reindex(games["player_id"]).array)
    return told.sort_values(["games", "name"], ascending=[False, True], ignore_index=True)


def squads(decided: pd.Series, games: pd.DataFrame, boxes: pd.DataFrame, days: float) -> pd.DataFrame:
    """Return MATCH_COLUMNS of everybody whose last known game was for one of the two teams, at most `days` ago.

    `decided`: index game_id; `games`: index game_id, home_team_id and away_team_id.
    """
    sides = games[["home_team_id", "away_team_id"]].reindex(decided.index)
    rows = [
        pd.DataFrame({"game_id": decided.index, "team_id": sides[name].to_numpy(), "as_of": decided.to_numpy()})
        for name in ("home_team_id", "away_team_id")
    ]
    teams = pd.concat(rows, ignore_index=True).astype({"as_of": "datetime64[us, UTC]"})
    ever = boxes[["team_id", "player_id"]].drop_duplicates()
    both = teams.merge(ever, on="team_id")
    last = asof_join(both[["player_id", "as_of"]], boxes, ["player_id"], ["team_id", "known_at"])
    here = (last["team_id"] == both["team_id"]) & (both["as_of"] - last["known_at"] <= pd.Timedelta(days=days))
    found = both.assign(box_id=both["player_id"], rule="squad").loc[here]
    return found[list(MATCH_COLUMNS)].reset_index(drop=True)


def names_of(rows: pd.DataFrame, most: int = 5) -> str:
    """Return the first names of `unmatched` rows with their games, for one line."""
    shown: Iterable[tuple[str, int]] = zip(rows["name"].head(most), rows["games"].head(most), strict=True)
    text = ", ".join(f"{name} ({games})" for name, games in shown)
    return text + (f" and {len(rows) - most} more" if len(rows) > most else "")
