"""What the API tells a user of their own money and session, and the bodies it takes; sums of money are text."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema

from aipro_ml.api.rest import examples
from aipro_ml.api.rest.shapes import Game, Page
from aipro_ml.api.rest.wire import Id
from aipro_ml.enums import BetResult, BetType, Selection, Tier, TransactionType, UserRole
from aipro_ml.jobs.bank import Summary

Money = Annotated[
    Decimal,
    PlainSerializer(lambda value: f"{value:.2f}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+\.\d{2}$", "examples": ["994.10"]}, mode="serialization"),
]
"""A sum in the bankroll's currency."""


class Bankroll(BaseModel):
    """The caller's bankroll and what its bets came to."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.BANKROLL]})

    currency: str
    balance: Money
    peak: Money
    low: Money
    deposited: Money
    withdrawn: Money
    owed: Money = Field(description="What corrections could not take yet.")
    bets: int
    open: int
    at_stake: Money
    settled_stakes: Money
    profit: Money

    @classmethod
    def of(cls, summary: Summary) -> Self:
        """Return the bankroll of a summary."""
        stored, bets = summary.bank, summary.bets
        return cls(
            currency=stored.currency,
            balance=stored.current,
            peak=stored.peak,
            low=stored.low,
            deposited=summary.deposited,
            withdrawn=summary.withdrawn,
            owed=summary.owed,
            bets=bets.count,
            open=bets.open,
            at_stake=bets.at_stake,
            settled_stakes=bets.settled_stakes,
            profit=bets.profit,
        )


class MovementOfMoney(BaseModel):
    """A movement in the caller's bankroll and the balance after it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MOVEMENT]})

    id: UUID
    created_at: datetime
    type: TransactionType
    amount: Money
    balance_after: Money
    bet_id: UUID | None
    description: str | None


class MovementsPage(Page):
    """Movements of money, the latest first."""

    items: list[MovementOfMoney]


class Bet(BaseModel):
    """A bet of the caller on a prediction."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.BET]})

    id: UUID
    placed_at: datetime
    prediction_id: UUID
    game: Game
    bet_type: BetType
    side: Selection
    line: float | None
    tier: Tier
    odds: int
    book: str | None
    stake: Money
    result: BetResult
    profit: Money | None
    settled_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the bet of a row of `bets_page`."""
        return cls(game=Game.of(row), **{name: row[name] for name in _OF_BET})


_OF_BET = tuple(name for name in Bet.model_fields if name != "game")


class BetsPage(Page):
    """Bets, the latest first."""

    items: list[Bet]


def _plain_text(value: Any) -> Any:
    """Refuse what the database cannot hold."""
    if isinstance(value, str) and not value.isprintable():
        raise ValueError("printable text is wanted")
    return value


class BetWish(BaseModel):
    """A bet to place; without a stake Kelly's, without odds the prediction's price."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.WISH]})

    prediction: Id
    stake: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,8}(\.[0-9]{1,2})?$")] | None = Field(
        default=None, description="Text, exact to the cent, in the bankroll's currency."
    )
    odds: Annotated[int, Field(strict=True, ge=-1_000_000, le=1_000_000)] | None = Field(
        default=None, description="The American price taken, at least +100 or at most -100."
    )
    book: Annotated[str, BeforeValidator(_plain_text), StringConstraints(min_length=1, max_length=100)] | None = Field(
        default=None, description="Whose price it was; goes with `odds`."
    )
    again: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Although a bet on this prediction is open."
    )


class LoginWish(BaseModel):
    """Who logs in; `code` of the second factor where the account has one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.LOGIN]})

    email: Annotated[str, StringConstraints(min_length=1, max_length=254)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = None


class RefreshWish(BaseModel):
    """A refresh token, which is used up by it."""

    model_config = ConfigDict(extra="forbid")

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class TokenPair(BaseModel):
    """A session's tokens: `access_token` goes with every request, `refresh_token` buys the next pair, once."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.TOKENS]})

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of the scheme
    access_expires_at: datetime
    refresh_expires_at: datetime


class CallerTold(BaseModel):
    """Who the API takes the caller for."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CALLER]})

    user_id: UUID
    email: str
    role: UserRole
    permissions: list[str]
    key_id: UUID | None
    per_minute: int
