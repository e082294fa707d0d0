"""Prediction of player props: the lines of some games, as known at their decision, into `player_props`."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.config import Settings, policy_config
from aipro_ml.db.repositories import prop_predictions
from aipro_ml.enums import BetType, Tier
from aipro_ml.errors import LeakError, StaleDataError, UsageError
from aipro_ml.identity import derive_id
from aipro_ml.inference.policy import Policy, build_policy
from aipro_ml.jobs.actors import Actor, write_down
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.props_facts import PropsFacts, Slate, load_facts, slate
from aipro_ml.jobs.system_settings import policy_settings
from aipro_ml.props.artifact import PropsModel, find_model, stored_models
from aipro_ml.props.matching import names_of
from aipro_ml.props.publishing import hashes, published
from aipro_ml.times import iso_utc

WITHIN = timedelta(hours=24)
"""With --as-of alone, the games that kick off so soon after it, unless somebody says otherwise."""


@dataclass(frozen=True)
class PropsRequest:
    """Which games' props to predict: a local day's, a season's (and week's), or those `within` so long after `as_of`.

    With `as_of` all are decided at that moment, else each the sport's usual minutes before its kick-off. `model`: how
    a stored model's hash begins; None: the latest that knew nothing later.
    """

    sport: str
    now: datetime
    actor: Actor
    day: date | None = None
    season: int | None = None
    week: int | None = None
    as_of: datetime | None = None
    model: str | None = None
    dry_run: bool = False
    within: timedelta = WITHIN


@dataclass(frozen=True)
class PropsSlate:
    """What a prediction of props came to: `rows` of `published` with tier and hash, and why others are missing."""

    model: PropsModel
    games: int
    rows: pd.DataFrame
    written: int
    abstained: dict[str, int] = field(default_factory=dict)
    lost: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """Return the counts as one row."""
        tiers = {f"tier_{tier}": int((self.rows["tier"] == tier).sum()) for tier in Tier}
        first = {"model": self.model.version[:16], "games": self.games, "published": len(self.rows)}
        return {**first, "new": self.written, **tiers, **self.abstained}


def predict_props(engine: Engine, settings: Settings, request: PropsRequest) -> PropsSlate:
    """Predict and publish; the same again adds nothing.

    LeakError where the model knew something later than a decision, StaleDataError for a decision that has not come,
    UsageError where no game fits or no model is stored.
    """
    with engine.connect() as connection:
        facts = load_facts(connection, request.sport)
        changed = policy_settings(connection, settings.overrides, facts.code)
    policy = build_policy(policy_config(), facts.code, changed)
    decided = decisions(facts, request)
    model = _model(settings, facts.code, request.model, decided.min())
    told = slate(facts, decided)
    rows = published(told.asked.lines, model, told.market)
    rows = rows.assign(tier=_tiers(rows, model, policy))
    rows = rows.assign(prediction_hash=hashes(rows, model.version))
    with unit(engine, dry_run=request.dry_run) as connection:
        written = prop_predictions.save_predictions(connection, _stored(rows), request.now)
        if written:
            _write_down(connection, request, model, (len(rows), written))
    return PropsSlate(model, len(decided), rows, written, _abstained(told, rows), names_of(told.lost))


def decisions(facts: PropsFacts, request: PropsRequest) -> pd.Series:
    """Return when each wanted game is decided, by game_id."""
    games = facts.schedule.loc[facts.schedule["status"].isin(["scheduled", "in_progress", "final"])]
    if request.day is not None:
        local = games["kickoff"].dt.tz_convert(ZoneInfo(facts.league.timezone)).dt.date
        games = games.loc[local == request.day]
    if request.season is not None:
        games = games.loc[games["season"] == request.season]
    if request.week is not None:
        games = games.loc[games["week"] == request.week]
    if request.as_of is not None:
        games = _after(games, request)
    elif request.day is None and request.season is None:
        raise UsageError("say which games: --date, --season (and --week), or --as-of")
    if games.empty:
        raise UsageError(f"no game of {facts.code} fits: see `aipro data games --sport {facts.code}`")
    usual = facts.decided().reindex(games.index)
    decided = usual if request.as_of is None else pd.Series(pd.Timestamp(request.as_of), index=games.index)
    decided = decided.astype("datetime64[us, UTC]")
    if decided.max() > pd.Timestamp(request.now):
        raise StaleDataError(
            f"the decision at {iso_utc(decided.max().to_pydatetime())} lies in the future: its prices are not known "
            "yet; give --as-of a moment that has come"
        )
    return decided


def _after(games: pd.DataFrame, request: PropsRequest) -> pd.DataFrame:
    """Return the games that kick off after the decision; alone, soon after it."""
    moment = pd.Timestamp(request.as_of)
    later = games.loc[games["kickoff"] > moment]
    if request.day is None and request.season is None:
        return later.loc[later["kickoff"] <= moment + request.within]
    return later


def _model(settings: Settings, code: str, reference: str | None, first: pd.Timestamp) -> PropsModel:
    """Return the model to use; LeakError where it knew something after the first decision."""
    if reference is not None:
        model = find_model(settings.artifacts_dir, code, reference)
        if pd.Timestamp(model.trained_through) > first:
            raise LeakError(
                f"props model {model.version[:16]} was trained on what was known by {model.trained_through}, after "
                f"the decision at {iso_utc(first.to_pydatetime())}: train one with --until that moment or earlier"
            )
        return model
    every = stored_models(settings.artifacts_dir, code)
    if not every:
        raise UsageError(f"{code} has no props model: run `aipro props train --sport {code}`")
    honest = [model for model in every if pd.Timestamp(model.trained_through) <= first]
    if not honest:
        raise LeakError(
            f"every props model of {code} was trained on what was known after the decision at "
            f"{iso_utc(first.to_pydatetime())}: run `aipro props train --sport {code} --until …` for one that was not"
        )
    return honest[-1]


def _tiers(rows: pd.DataFrame, model: PropsModel, policy: Policy) -> list[str]:
    """Return each row's tier, by the thresholds of totals; D where the calibrator saw too few lines."""
    told = rows[["prop", "side_p", "ev", "edge"]].itertuples(index=False)
    return [
        Tier.D.value
        if model.calibration.rows(prop) < policy.calibration_minimum
        else policy.tier(BetType.TOTAL, p, None if pd.isna(ev) else ev, None if pd.isna(edge) else edge).value
        for prop, p, ev, edge in told
    ]


def _stored(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows as `prop_predictions.save_predictions` wants them; a line nobody offers is not published."""
    offered = rows["price"].notna()
    return pd.DataFrame(
        {
            "game_id": rows["game_id"],
            "player_id": rows["player_id"],
            "prop_type": rows["prop"],
            "line": rows["line"],
            "published_line": rows["line"].where(offered),
            "sportsbook_id": [None if pd.isna(book) else str(derive_id("sportsbook", book)) for book in rows["book"]],
            "over_price": rows["over_price"].astype("Float64").astype("Int64"),
            "under_price": rows["under_price"].astype("Float64").astype("Int64"),
            "as_of": rows["as_of"],
            "predicted_value": rows["mean"],
            "over_probability": rows["over"],
            "under_probability": rows["under"],
            "signal_tier": rows["tier"],
            "prediction_hash": rows["prediction_hash"],
        }
    )


def _abstained(told: Slate, rows: pd.DataFrame) -> dict[str, int]:
    return {
        "other_props": told.other_props,
        "suspect": told.suspect,
        "unmatched": told.asked.unmatched,
        "no_form": told.asked.without_form,
        "untold": told.asked.untold,
        "no_model": len(told.asked.lines) - len(rows),
    }


def _write_down(connection: Connection, request: PropsRequest, model: PropsModel, counts: tuple[int, int]) -> None:
    details = {"sport": model.sport, "model": model.version, "published": counts[0], "new": counts[1]}
    write_down(connection, request.actor, "props.predict", ("player_props", model.version), details, request.now)
