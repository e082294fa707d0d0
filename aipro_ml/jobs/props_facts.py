"""What player props are computed from, as one sport's frames; and the lines that are asked about."""

from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection

from aipro_ml.config import PropsConfig, SportConfig, props_config
from aipro_ml.db.repositories import box_records, games, props, reference
from aipro_ml.errors import UsageError
from aipro_ml.features.sport import sport
from aipro_ml.props.form import Past
from aipro_ml.props.frames import Asked, line_rows, own_lines
from aipro_ml.props.market import MARKET, Offers, known_prices, offers
from aipro_ml.props.matching import PAIR, match_players, squads, unmatched


@dataclass(frozen=True)
class PropsFacts:
    """A sport's boxes, players and prices of players. `schedule` has game_id as index, kickoff, season and status."""

    code: str
    config: PropsConfig
    league: SportConfig
    schedule: pd.DataFrame
    past: Past
    players: pd.DataFrame
    prices: pd.DataFrame

    def decided(self) -> pd.Series:
        """Return when each game is decided unless somebody says otherwise, by game_id."""
        return self.schedule["kickoff"] - pd.Timedelta(minutes=self.league.decision_minutes)


@dataclass(frozen=True)
class Slate:
    """The lines of some games with features, the market behind them, and what was left out and why."""

    asked: Asked
    market: Offers
    matched: pd.DataFrame
    lost: pd.DataFrame
    other_props: int
    suspect: int


def load_facts(connection: Connection, code: str) -> PropsFacts:
    """Return the sport's facts; UsageError for a sport without props, without games or without player boxes."""
    league = sport(code)
    reference.sport_id(connection, league.code)
    config = props_config(league.settings)
    schedule = games.schedule(connection, league.code).set_index("game_id")
    versions = box_records.player_boxes(connection, league.code, config.figures)
    if versions.empty:
        raise UsageError(f"{league.code} has no box scores of players: import them first (docs/box-scores.md)")
    prices = props.stored_prices(connection, league.code)
    who = pd.unique(pd.concat([versions["player_id"], prices["player_id"]], ignore_index=True))
    players = props.named_players(connection, who)
    played = schedule.assign(is_final=schedule["status"].eq("final") & schedule["home_score"].notna())
    past = Past(versions, played, players["position"])
    return PropsFacts(league.code, config, league.config, schedule, past, players, prices)


def slate(facts: PropsFacts, decided: pd.Series) -> Slate:
    """Return the lines of the games decided at these moments (index game_id), as known then.

    Where nobody prices a game's players and the configuration asks for it, they get a line of their own averages.
    """
    names = {prop.name for prop in facts.config.props}
    prices = known_prices(facts.prices, decided, facts.league.quote_max_age_hours)
    known = prices.loc[prices["prop"].isin(names)]
    market = offers(known, facts.league.devig)
    wanted = market.lines.loc[~market.lines["suspect"].astype(bool)] if len(market.lines) else market.lines
    wanted = wanted.assign(as_of=wanted["game_id"].map(decided))
    asked = _with_teams(wanted.drop_duplicates(PAIR)[PAIR], facts.schedule, decided)
    boxes = facts.past.versions.sort_values(["known_at", "game_id"], kind="stable")
    matched = match_players(asked, facts.players, boxes)
    if facts.config.without_prices:
        bare = decided.loc[~decided.index.isin(prices["game_id"])]
        present = squads(bare, facts.schedule, boxes, facts.config.squad_days)
        matched = pd.concat([matched, present], ignore_index=True) if len(matched) else present
        own = own_lines(facts.past, bare, present, facts.config)
        wanted = pd.concat([wanted, own], ignore_index=True) if len(wanted) else own
    return Slate(
        asked=line_rows(_complete(wanted), matched, facts.past, facts.config),
        market=market,
        matched=matched,
        lost=unmatched(asked, matched, facts.players),
        other_props=len(prices.drop_duplicates(MARKET)) - len(market.lines),
        suspect=int(market.lines["suspect"].astype(bool).sum()) if len(market.lines) else 0,
    )


def pairs_of(rows: pd.DataFrame, facts: PropsFacts) -> pd.DataFrame:
    """Return the players and games of stored predictions with their teams' box scores, as when they were made."""
    one = rows.drop_duplicates(PAIR)[[*PAIR, "as_of"]]
    sides = facts.schedule[["home_team_id", "away_team_id"]].reindex(one["game_id"]).set_axis(one.index)
    boxes = facts.past.versions.sort_values(["known_at", "game_id"], kind="stable")
    return match_players(one.join(sides), facts.players, boxes)


def _with_teams(pairs: pd.DataFrame, schedule: pd.DataFrame, decided: pd.Series) -> pd.DataFrame:
    sides = schedule[["home_team_id", "away_team_id"]].reindex(pairs["game_id"]).set_axis(pairs.index)
    return pairs.join(sides).assign(as_of=pairs["game_id"].map(decided)).reset_index(drop=True)


def _complete(wanted: pd.DataFrame) -> pd.DataFrame:
    """Return the lines with the types an empty frame lacks."""
    floats = {"line": "float64", "fair": "float64"}
    return wanted.astype({**floats, "as_of": "datetime64[us, UTC]"}).reset_index(drop=True)
