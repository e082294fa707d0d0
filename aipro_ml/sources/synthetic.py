"""A league simulated from latent team strengths that drift: something true to learn from, on a fresh machine."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import GameStatus, SeasonType
from aipro_ml.errors import UsageError
from aipro_ml.sources import league
from aipro_ml.sources.base import CLOSING_COLUMNS, GAME_COLUMNS, UTC_TIME, SourceBatch, conform
from aipro_ml.sources.franchises import franchises, venues
from aipro_ml.sources.games import dated_game_key, game_key, season_frame
from aipro_ml.sources.synthetic_leagues import RULES, play
from aipro_ml.sources.synthetic_market import NFL as NFL_FIGURES
from aipro_ml.sources.synthetic_market import bookmakers, quote_paths
from aipro_ml.sources.synthetic_scores import football

SOURCE = "synthetic"
SIMULATED = {sport: f"SIM-{sport}" for sport in ("NFL", *RULES)}
"""Sport to simulate → the sport code it lands under: simulated games never mix with real ones."""

MOST_SEASONS, MOST_BOOKS = 50, 20
EASTERN = ZoneInfo("America/New_York")

MEAN_POINTS = 22.2
HOME_ADVANTAGE = 2.0
STRENGTH_SD = np.array([3.4, 3.2])
"""Spread of offence and defence over teams, in points a game."""

WEEKLY_CARRY, SEASON_CARRY = 0.995, 0.8
"""Correlation of a strength with itself a week and a season later."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass
class _League:
    """The state of a league as its weeks are played."""

    rng: np.random.Generator
    longitudes: FloatArray
    table: IntArray  # teams by division and last season's place
    strength: FloatArray  # (2, teams): offence, defence
    played: list[pd.DataFrame] = field(default_factory=list)


@dataclass(frozen=True)
class _Slate:
    """The games of one week: teams (n, 2) as home and away, and when they start."""

    season: int
    season_type: SeasonType
    week: int
    teams: IntArray
    slots: list[league.Slot]

    @property
    def is_final(self) -> bool:
        return self.week == league.WEEKS + len(league.PLAYOFF_SLOTS)


def generate(
    sport: str, *, seasons: int, books: int, seed: int, last_season: int = 2025, open_games: bool = True
) -> SourceBatch:
    """Return `seasons` simulated seasons up to `last_season` with the price paths of `books` bookmakers.

    The same arguments give the same frames. With `open_games` the last season stands before its 17th week:
    those 16 games are scheduled, priced and without result. Results do not depend on `books`.
    """
    code = _checked(sport, seasons, books)
    years = range(last_season - seasons + 1, last_season + 1)
    # every simulated league is at home in the cities of the first
    teams, stadiums = franchises(SIMULATED["NFL"]).frame(), venues(SIMULATED["NFL"]).frame()
    teams = teams.sort_values(["conference", "division", "team"], kind="stable", ignore_index=True)
    figures, most = NFL_FIGURES, league.WEEKS
    if sport.upper() == "NFL":
        games = _named(_simulated(seed, _longitudes(teams, stadiums), years), teams)
    else:
        rules = RULES[sport.upper()]
        figures, most = rules.market, rules.rounds - 1
        teams = teams.head(max(rules.pool, rules.teams))
        games = dated(play(rules, seed, years), teams["team"].to_numpy(dtype=object), ZoneInfo(rules.zone))
        games = games.assign(venue="SIM-" + games["home"], external_id="SIM_" + games["game"])
    if open_games:
        games = _with_open_week(games, last_season, most)
    makers = bookmakers(books)
    quotes = quote_paths(np.random.default_rng([seed, 1]), games, makers, figures)
    return SourceBatch(
        sport=code,
        source=SOURCE,
        teams=teams,
        venues=stadiums,
        seasons=season_frame(games),
        games=conform(games, GAME_COLUMNS),
        books=makers,
        quotes=quotes,
        closing=_closing(quotes, games),
        rows_read=len(games),
    )


def _checked(sport: str, seasons: int, books: int) -> str:
    if sport.upper() not in SIMULATED:
        raise UsageError(f"no simulated league for sport {sport!r}; there is one for {', '.join(SIMULATED)}")
    for name, value, most in (("seasons", seasons, MOST_SEASONS), ("books", books, MOST_BOOKS)):
        if not 1 <= value <= most:
            raise UsageError(f"{name} must be from 1 to {most}, not {value}")
    return SIMULATED[sport.upper()]


def _longitudes(teams: pd.DataFrame, stadiums: pd.DataFrame) -> FloatArray:
    home = stadiums.set_index("venue")["longitude"]
    found: FloatArray = home.loc["SIM-" + teams["team"]].to_numpy("float64")
    return found


def _simulated(seed: int, longitudes: FloatArray, seasons: range) -> pd.DataFrame:
    """Return all games with teams as numbers and the truth behind them."""
    rng = np.random.default_rng([seed, 0])
    table = np.arange(league.TEAMS).reshape(league.DIVISIONS, league.DIVISION_SIZE)
    strength = STRENGTH_SD[:, None] * rng.standard_normal((2, league.TEAMS))
    state = _League(rng, longitudes, rng.permuted(table, axis=1), strength)
    for season in seasons:
        _play_season(state, season)
        _drift(state, SEASON_CARRY)
    return pd.concat(state.played, ignore_index=True)


def _play_season(state: _League, season: int) -> None:
    record = np.zeros(league.TEAMS)
    for week, teams in enumerate(league.regular_season(state.rng, state.table, season), start=1):
        slots = league.week_slots(state.rng, state.longitudes[teams[:, 0]])
        margin = _play(state, _Slate(season, SeasonType.REGULAR, week, teams, slots))
        # A win counts 1, a tie half; points only break ties of the record
        for side, points in ((0, margin), (1, -margin)):
            record[teams[:, side]] += (points > 0) + 0.5 * (points == 0) + points * 1e-5
    state.table = league.standings(state.table, record)
    alive = league.seeds(state.table, record)
    for number, slots_of_round in enumerate(league.PLAYOFF_SLOTS, start=1):
        teams = league.playoff_round(alive)
        slate = _Slate(season, SeasonType.POSTSEASON, league.WEEKS + number, teams, list(slots_of_round))
        margin = _play(state, slate)
        beaten = set(np.where(margin > 0, teams[:, 1], teams[:, 0]).tolist())
        alive = [[team for team in conference if team not in beaten] for conference in alive]


def _drift(state: _League, carry: float) -> None:
    fresh = STRENGTH_SD[:, None] * state.rng.standard_normal(state.strength.shape)
    state.strength = carry * state.strength + np.sqrt(1 - carry**2) * fresh


def _play(state: _League, slate: _Slate) -> FloatArray:
    """Play a week, keep its games, let strengths drift; return the margins (home less away)."""
    offence, defence = state.strength
    home, away = slate.teams.T
    advantage = 0.0 if slate.is_final else HOME_ADVANTAGE / 2
    expected = np.stack(
        [
            MEAN_POINTS + advantage + offence[home] - defence[away],
            MEAN_POINTS - advantage + offence[away] - defence[home],
        ]
    ).clip(8, 40)
    scores, overtime = football(state.rng, expected, ties=slate.season_type is SeasonType.REGULAR)
    columns = {
        "season": slate.season,
        "season_type": slate.season_type.value,
        "week": slate.week,
        "home_number": home,
        "away_number": away,
        "kickoff": _kickoffs(slate),
        "neutral_site": slate.is_final,
        "home_score": scores[0],
        "away_score": scores[1],
        "overtime": overtime,
        "expected_margin": expected[0] - expected[1],
        "expected_total": expected.sum(axis=0),
    }
    state.played.append(pd.DataFrame(columns))
    _drift(state, WEEKLY_CARRY)
    margin: FloatArray = (scores[0] - scores[1]).astype("float64")
    return margin


def _kickoffs(slate: _Slate) -> pd.Series:
    thursday = league.opening_thursday(slate.season) + timedelta(weeks=slate.week - 1)
    walls = [
        datetime.fromisoformat(f"{thursday + timedelta(days=days)}T{clock}").replace(tzinfo=EASTERN)
        for days, clock in slate.slots
    ]
    return pd.Series(pd.to_datetime(walls, utc=True)).astype(UTC_TIME)


def _named(games: pd.DataFrame, teams: pd.DataFrame) -> pd.DataFrame:
    """Return the games with franchise codes, stadiums and identities."""
    code = teams["team"].to_numpy(dtype=object)
    named = games.assign(
        home=code[games["home_number"]],
        away=code[games["away_number"]],
        game_number=1,
        kickoff_estimated=False,
        status=GameStatus.FINAL.value,
        line_number=np.arange(1, len(games) + 1),
    )
    week = named["week"].map("{:02d}".format)
    external = "SIM_" + named["season"].astype("string") + "_" + week + "_" + named["away"] + "_" + named["home"]
    # The final is played where neither team is at home, in a stadium that rotates with the seasons
    neutral = pd.Series(code[(named["season"] * 7) % len(code)], index=named.index)
    at = named["home"].where(~named["neutral_site"], neutral)
    return named.assign(game=game_key(named), external_id=external, venue="SIM-" + at)


def dated(games: pd.DataFrame, names: npt.NDArray[np.object_], zone: ZoneInfo) -> pd.DataFrame:
    """Return the games of `synthetic_leagues.play` with franchise codes and the identity of dated games."""
    named = games.assign(
        home=names[games["home_number"]],
        away=names[games["away_number"]],
        week=games["round"],
        kickoff_estimated=False,
        status=GameStatus.FINAL.value,
        line_number=np.arange(1, len(games) + 1),
    )
    return named.assign(game=dated_game_key(named, zone))


def _with_open_week(games: pd.DataFrame, season: int, week: int) -> pd.DataFrame:
    """Return the games as before `week` (or round) of `season` was played; what follows it is not drawn yet."""
    last = games["season"] == season
    kept = games.loc[~last | (games["week"] <= week)].reset_index(drop=True)
    ahead = (kept["season"] == season) & (kept["week"] == week)
    scores = {side: kept[side].astype("Int64").mask(ahead) for side in ("home_score", "away_score")}
    status = kept["status"].mask(ahead, GameStatus.SCHEDULED.value)
    return kept.assign(**scores, status=status, overtime=kept["overtime"] & ~ahead)


def _closing(quotes: pd.DataFrame, games: pd.DataFrame) -> pd.DataFrame:
    """Return the last quote of each book and side before the kick-off of games that were played."""
    played = games.loc[games["status"] == GameStatus.FINAL, "game"]
    kept = quotes.loc[quotes["game"].isin(played)].sort_values("recorded_at", kind="stable")
    last = kept.drop_duplicates(["game", "book", "market", "selection"], keep="last")
    named = last.rename(columns={"line": "closing_line", "price": "closing_price", "recorded_at": "closed_at"})
    return conform(named.sort_index(), CLOSING_COLUMNS)
