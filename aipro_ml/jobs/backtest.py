"""Backtest: what betting on a model would have come to, decided, priced and settled as the night would have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml import __version__
from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.betting.settlement import SettlementRules
from aipro_ml.config import Settings, gates_config, policy_config
from aipro_ml.db.repositories import models, reference
from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError, LeakError, UsageError
from aipro_ml.evaluation.backtest import Facts, settled_book
from aipro_ml.evaluation.backtest_leak import check_leak, refuse_leak
from aipro_ml.evaluation.backtest_result import Result, Setting, evaluate
from aipro_ml.features.history import History
from aipro_ml.features.records import Records
from aipro_ml.features.sport import Sport, sport
from aipro_ml.inference.freshness import stale_games
from aipro_ml.inference.policy import Policy, build_policy
from aipro_ml.jobs.backtest_market import Decided, Entrant, Market, decide, refuse_unknown_books
from aipro_ml.jobs.backtest_matrix import Moments, backtest_matrix, moments_of
from aipro_ml.jobs.backtest_request import BacktestRequest, trial_id
from aipro_ml.jobs.backtest_scores import (
    Speaker,
    Spoken,
    first_scored,
    refuse_three_outcomes,
    season_scores,
    stored_scores,
    walk_forward_scores,
)
from aipro_ml.jobs.backtest_trials import Trial, counted
from aipro_ml.jobs.distributions import distributions_before
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.matrices import columns_of
from aipro_ml.jobs.system_settings import policy_settings
from aipro_ml.settings import Override
from aipro_ml.training.artifacts import read_oof

Progress = Callable[[str, int, int], None]
STAGES = {"model": "model_probability", "calibrated": "calibrated_probability", "published": "probability"}


@dataclass(frozen=True)
class Backtest:
    """A finished backtest: its result, what it was asked as, and how it counts among the trials."""

    result: Result
    document: Mapping[str, Any]
    trial: Trial

    @property
    def name(self) -> str:
        """Return what its folder is called: the same question asked again has the same."""
        asked = self.document
        return f"{asked['sport']}-{asked['first']}-{asked['last']}-{self.trial.id[:8]}"


@dataclass(frozen=True)
class Bench:
    """What a backtest reads: the sport's facts, the policy, stored models by bet type, and the request."""

    league: Sport
    records: Records
    history: History
    policy: Policy
    stored: Mapping[BetType, models.StoredModel]
    request: BacktestRequest

    @cached_property
    def games(self) -> pd.DataFrame:
        """Return every game of the seasons asked for (index game_id), with its results' time and its week."""
        schedule, request = self.history.latest_schedule(), self.request
        asked = schedule.loc[schedule["season"].between(request.first, request.last)]
        iso = asked["kickoff"].dt.isocalendar()
        weeks = (asked["season"] * 100 + asked["week"]).fillna(iso["year"] * 100 + iso["week"])
        return asked[["season", "kickoff"]].assign(
            week=weeks.astype("int64"), result_known_at=self.history.scored_at().reindex(asked.index)
        )

    def refuse_unknown(self) -> None:
        """Raise UsageError where a book never quoted the sport, or a season asked for has no games."""
        request = self.request
        refuse_unknown_books(self.records.odds, request.config.books)
        missing = set(range(request.first, request.last + 1)) - set(self.games["season"].unique())
        if missing:
            raise UsageError(f"{self.league.code} has no games of {min(missing)}: import them, or choose other seasons")

    @cached_property
    def spreads(self) -> dict[int, Mapping[BetType, MarginDistribution]]:
        """Return how margins scatter by season, learned from what was known when it began."""
        return {
            int(season): distributions_before(self.history, self.league, int(season))
            for season in self.games["season"].unique()
        }


def run_backtest(
    engine: Engine, settings: Settings, request: BacktestRequest, on_step: Progress = lambda *_: None
) -> Backtest:
    """Return what the bets of the request would have come to; nothing is written.

    Raises LeakError (exit code 3) where a model knows results from after the bet, or more than the close did.
    UsageError where seasons, books or candidates are not there.
    """
    with engine.connect() as connection:
        bench = _bench(connection, request, settings.overrides)
    return backtested(bench, settings, on_step)


def backtested(bench: Bench, settings: Settings, on_step: Progress = lambda *_: None) -> Backtest:
    """Return the backtest of what a bench holds; only the journal of trials and stored artifacts are read beside it."""
    request = bench.request
    bench.refuse_unknown()
    spoken, voices = [], {}
    for bet_type in request.bet_types:
        said, voice = _spoken(bench, settings, bet_type, on_step)
        spoken.append(said)
        voices[bet_type.value] = voice
    decided = _decided(bench, spoken, on_step)
    if decided.decisions.empty:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(decided.abstained.items()) if count)
        raise AiproError(f"no game of {request.first} to {request.last} could be decided: {reasons}")
    on_step("value", 0, 3)
    book = _valued(bench, decided.decisions)
    check = check_leak(book, STAGES)
    gate = gates_config().default
    refuse_leak(check, gate.leak_alarm_se, gate.min_games)
    on_step("value", 1, 3)
    document = request.document(voices)
    trial = Trial(trial_id(document), request.sport, document["bet_types"], (request.first, request.last), voices)
    trials = counted(settings.reports_dir, trial, request.config.trials)
    setting = Setting(
        how=request.config,
        abstained=decided.abstained,
        games=len(bench.games) * len(spoken),
        trials=trials.number,
        sharpes=trials.sharpes,
        leak=check,
    )
    result = evaluate(book, setting)
    on_step("value", 3, 3)
    return Backtest(
        result, {**document, "who": request.who, "code": __version__}, trial.with_figures(result, request.now)
    )


def _bench(connection: Connection, request: BacktestRequest, overrides: Mapping[str, Override]) -> Bench:
    league = sport(request.sport)
    reference.sport_id(connection, league.code)
    unknown = [bet_type for bet_type in request.bet_types if bet_type not in league.bet_types]
    if unknown:
        raise UsageError(f"{league.code} has no bet type {unknown[0]}")
    stored = {}
    for named in request.models:
        model = models.find_model(connection, named)
        if model.sport != league.code or model.bet_type not in request.bet_types:
            raise UsageError(f"model {named} is one of {model.sport} {model.bet_type}, which is not asked for")
        stored[model.bet_type] = model
    silent = [bet_type for bet_type in request.bet_types if request.models and bet_type not in stored]
    if silent:
        raise UsageError(f"no --model for {silent[0]}")
    changed = policy_settings(connection, overrides, league.code)
    policy = build_policy(policy_config(), league.code, changed, league.settings)
    records = load_records(connection, league.code)
    return Bench(league, records, History(records), policy, stored, request)


def _spoken(bench: Bench, settings: Settings, bet_type: BetType, on_step: Progress) -> tuple[Spoken, dict[str, Any]]:
    """Return what the model of a bet type said, and who it is, as noted with the results."""
    request, how = bench.request, bench.request.config
    moments = moments_of(bench.history, bench.records, bench.league, bet_type, how)
    if bet_type in bench.stored:
        return _stored(bench, settings, bench.stored[bet_type], moments)
    config = request.model_config(bet_type)
    on_step(f"{bet_type} features", 0, 1)
    matrix = backtest_matrix(
        (bench.records, bench.history), bench.league, bet_type, moments, columns_of(bench.league, config.features)
    )
    refuse_three_outcomes(matrix)
    speaker = Speaker(bench.league, bet_type, request.training, config)
    first = first_scored(speaker, matrix, how, request.first)
    scored = walk_forward_scores(
        speaker, matrix, (first, request.last), lambda done, total: on_step(f"{bet_type} seasons", done, total)
    )
    voice = {
        "candidate": config.model_dump(mode="json"),
        "trials": 1 if config.search is None else config.search.trials,
    }
    return Spoken(bet_type, config.name, scored, moments), voice


def _stored(
    bench: Bench, settings: Settings, model: models.StoredModel, moments: Moments
) -> tuple[Spoken, dict[str, Any]]:
    how = bench.request.config
    _refuse_other_time(model, how.decide, bench.league.config.decision_minutes, how.lag_hours)
    oof = read_oof(settings.artifacts_dir / model.file_path)
    matrix = backtest_matrix(
        (bench.records, bench.history), bench.league, model.bet_type, moments, bench.league.columns()[:1]
    )
    refuse_three_outcomes(matrix)
    scored = stored_scores(oof, matrix, (bench.request.first, bench.request.last))
    search = model.metrics["identity"]["config"].get("search") or {}
    return Spoken(model.bet_type, model.name, scored, moments), {
        "model": str(model.id),
        "trials": int(search.get("trials", 1)),
    }


def _refuse_other_time(model: models.StoredModel, decide_at: str | int | None, usual: int, lag_hours: float) -> None:
    """Raise where bets would be placed before the moment whose knowledge the model's predictions rest on."""
    noted = int(model.metrics["identity"]["decision_minutes"])
    short = str(model.id)[:8]
    minutes = usual if decide_at is None else decide_at
    if lag_hours or (isinstance(minutes, int) and minutes < noted):
        raise UsageError(f"model {short} speaks {noted} minutes before kick-off: decide then, without a lag")
    if minutes != noted:
        told = "at openers" if minutes == "openers" else f"{minutes} minutes before kick-off"
        raise LeakError(
            f"model {short} ({model.name}) predicted from what was known {noted} minutes before kick-off, and would "
            f"bet {told}: it would know what happened since; bet by a --candidate, which is fitted anew for that moment"
        )


def _decided(bench: Bench, spoken: list[Spoken], on_step: Progress) -> Decided:
    request = bench.request
    market = Market(bench.history, bench.league, request.config.books)
    games = bench.games
    entrants = []
    for said in spoken:
        mine = said.moments.of_seasons(bench.history.latest_schedule()["season"], request.first, request.last)
        board = market.board(said.moments.as_of.loc[mine], said.bet_type)
        seasons = {int(season): season_scores(said, int(season), request.config) for season in games["season"].unique()}
        stale = _stale(bench, said.moments.as_of.loc[mine])
        entrants.append(Entrant(said.bet_type, said.moments, board, seasons, stale))
    return decide(games, entrants, bench.spreads, bench.policy, lambda done, total: on_step("slates", done, total))


def _stale(bench: Bench, as_of: pd.Series) -> pd.Series:
    """Return for which games the night would abstain, because what it knew of their teams was too old."""
    duration = pd.Timedelta(minutes=bench.league.config.duration_minutes)
    entities = bench.history.schedule(list(as_of.index), as_of)
    return stale_games(entities, bench.records.games, duration, bench.policy.freshness)


def _valued(bench: Bench, decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the book: what each decision could be struck at, how it ended and what the close said of it."""
    how, market = bench.request.config, Market(bench.history, bench.league, bench.request.config.books)
    latency = pd.Timedelta(seconds=how.latency_seconds)
    strikes = pd.concat(market.strikes(rows, latency) for _, rows in decisions.groupby("bet_type", sort=True)).loc[
        decisions.index
    ]
    state = bench.records.games.sort_values(["known_at", "revision"], kind="stable")
    state = state.drop_duplicates("game_id", keep="last").set_index("game_id")
    facts = Facts(
        games=state[["status", "home_score", "away_score", "overtime", "kickoff"]],
        closing=bench.records.closing.astype({"game_id": object, "market": object}),
        distributions=bench.spreads,
        devig=bench.league.config.devig,
        rules=SettlementRules.of(bench.league.config),
    )
    columns = [name for name in decisions.columns if not name.startswith("offered_")]
    return settled_book(decisions[columns].assign(kickoff_known=_kickoffs_then(bench, decisions)), strikes, facts)


def _kickoffs_then(bench: Bench, decisions: pd.DataFrame) -> pd.Series:
    """Return the kick-off of each decision's game as it was known when it was decided."""
    parts = []
    for _, rows in decisions.groupby("bet_type", sort=True):
        as_of = rows.set_index("game_id")["as_of"]
        known = bench.history.schedule(list(as_of.index), as_of)["kickoff"]
        parts.append(known.set_axis(rows.index, axis=0))
    return pd.concat(parts)
