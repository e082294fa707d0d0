"""What the API tells of predictions, results, models and the ledger: the shapes of its answers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from aipro_ml.api.rest import examples
from aipro_ml.enums import BetResult, BetType, Framework, GameStatus, RunMode, Selection, Tier


class Game(BaseModel):
    """The game a prediction or bet is about, as it stands now."""

    id: UUID
    sport: str
    kickoff: datetime
    away: str
    home: str
    status: GameStatus
    away_score: int | None
    home_score: int | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the game of a row that has its columns beside others."""
        return cls.model_validate(game_parts(row))


def game_parts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a `Game` that a row has beside others."""
    return {
        "id": row["game_id"],
        "sport": row["sport"],
        "kickoff": row["kickoff"],
        "away": row["away"],
        "home": row["home"],
        "status": row["status"] or GameStatus.SCHEDULED,
        "away_score": row["away_score"],
        "home_score": row["home_score"],
    }


class Grade(BaseModel):
    """How a prediction ended: profit in units of stake, closing line value as EV at the close."""

    result: BetResult
    profit: float | None
    clv: float | None
    closing_line: float | None
    graded_at: datetime


def grade_parts(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the parts of a row's `Grade`, None where it has none."""
    if row["result"] is None:
        return None
    graded = {name: row[name] for name in _GRADED}
    return {"result": row["result"], "profit": row["profit_loss"], **graded}


_GRADED = ("clv", "closing_line", "graded_at")


class LedgerPlace(BaseModel):
    """Where a prediction stands in the ledger."""

    seq: int
    prediction_hash: str
    chain_hash: str


class Prediction(BaseModel):
    """A published prediction; probabilities are the predicted side's, given no push."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PREDICTION]})

    id: UUID
    game: Game
    bet_type: BetType
    side: Selection
    line: float | None = Field(description="As published, of the predicted side; null for a moneyline.")
    odds: int | None = Field(description="American, at the time; null where there was none.")
    book: str | None
    probability: float
    probability_low: float | None
    probability_high: float | None
    fair_probability: float | None = Field(description="The market's, margin removed.")
    push_probability: float | None
    edge: float | None
    ev: float | None = Field(description="Expected profit of one unit.")
    kelly_fraction: float | None
    tier: Tier
    as_of: datetime = Field(description="What was known up to this moment went into it.")
    published_at: datetime
    mode: RunMode
    in_production: bool = Field(description="Whether its model was in production when it spoke.")
    model_id: UUID
    ledger: LedgerPlace
    grade: Grade | None


def prediction_parts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a `Prediction` of a row of `predictions_page`, in the order the shape has them."""
    ledger = {name: row[name] for name in _OF_PLACE}
    plain = {name: row[name] for name in _OF_PREDICTION}
    return {"id": row["id"], "game": game_parts(row), **plain, "ledger": ledger, "grade": grade_parts(row)}


_OF_PLACE = tuple(LedgerPlace.model_fields)
_OF_PREDICTION = tuple(name for name in Prediction.model_fields if name not in {"id", "game", "ledger", "grade"})


class Contribution(BaseModel):
    """What one feature adds to the predicted side's log-odds; the sum is the logit of the published probability."""

    rank: int | None
    feature_name: str
    feature_value: float | None
    shap_value: float
    impact_direction: str | None


class ExplainedPrediction(Prediction):
    """A prediction and why it says what it says."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.EXPLAINED]})

    explanation: list[Contribution]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the prediction of a row with its `explanation`."""
        return cls.model_validate({**prediction_parts(row), "explanation": row["explanation"]})


class Page(BaseModel):
    """What every list shares."""

    next: str | None = Field(description="The cursor of the next page; null on the last.")


class PredictionsPage(Page):
    """Predictions, the newest first."""

    items: list[Prediction]

    @classmethod
    def parts_of(cls, rows: Sequence[Mapping[str, Any]], following: str | None) -> dict[str, Any]:
        """Return the parts of the page of rows of `predictions_page`: made by the database, they are not checked again.

        That they are what the shape says is tested to the byte.
        """
        return {"next": following, "items": [prediction_parts(row) for row in rows]}


class Model(BaseModel):
    """A trained model and how it did on the games it was tested on."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MODEL]})

    id: UUID
    sport: str
    bet_type: BetType
    framework: Framework
    name: str
    version: str
    production: bool
    created_at: datetime
    test_games: int | None
    log_loss: float | None
    log_loss_vs_market: float | None = Field(description="Below zero: better than the market on these games.")
    calibration: str | None
    trained_rows: int | None
    trained_through: str | None
    artifact_hash: str | None


class Importance(BaseModel):
    """A feature's weight in a model."""

    importance_rank: int | None
    feature_name: str
    importance_score: float


class ModelDetail(Model):
    """A model and its most important features."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**examples.MODEL, "importance": [examples.WEIGHT]}]})

    importance: list[Importance]


class ModelsPage(Page):
    """Models, the newest first."""

    items: list[Model]


class PerformanceDay(BaseModel):
    """How a model's graded predictions of one day did."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.DAY]})

    id: UUID
    date: date
    model_id: UUID
    sport: str
    bet_type: BetType
    name: str
    n: int | None
    accuracy: float | None
    auc: float | None
    log_loss: float | None
    brier_score: float | None
    calibration_error: float | None


class PerformancePage(Page):
    """Days of performance, the latest first."""

    items: list[PerformanceDay]


class LedgerHead(BaseModel):
    """The ledger's head and Merkle root: kept elsewhere, they prove every row of before."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.HEAD]})

    rows: int
    head: str = Field(description="SEQ:HASH, as `aipro ledger verify --head` takes it.")
    merkle_root: str


class Proof(BaseModel):
    """The proof that one prediction stands under a Merkle root; the page on the ledger says how to verify it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROOF]})

    format: str
    prediction: str
    chain: str
    prediction_hash: str
    chain_hash: str
    seq: int
    rows: int
    path: list[str]
    merkle_root: str


class Health(BaseModel):
    """Whether the API and its database answer."""

    status: str = Field(examples=["healthy"])
    version: str = Field(examples=["0.6.0"])


class Component(BaseModel):
    """How one component was when it was last looked at."""

    component: str = Field(examples=["database"])
    status: str = Field(examples=["healthy"])
    says: str = Field(examples=["PostgreSQL 18.1, 0.04 GiB, 3 connections"])
    snapshot_at: datetime


class Components(BaseModel):
    """The latest snapshot of each component."""

    items: list[Component]
