"""Odds and markets: books, quotes, movements, closing lines and the consensus."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from aipro_ml.db.base import Base, UuidKey, Varchar20, Varchar50, Varchar100, american, one_of, references
from aipro_ml.enums import BetType, Selection


class Sportsbook(Base):
    """A book, or a source that speaks like one (an archive's close, an average of books)."""

    __tablename__ = "sportsbooks"

    id: Mapped[UuidKey]
    name: Mapped[Varchar100] = mapped_column(unique=True)
    api_key: Mapped[Varchar50 | None]
    is_sharp: Mapped[bool | None] = mapped_column(server_default=text("FALSE"))
    vig_estimate: Mapped[float | None]
    is_active: Mapped[bool | None] = mapped_column(server_default=text("TRUE"))
    created_at: Mapped[datetime]


class Odds(Base):
    """A quote of one side; `id` derives from game, book, market, selection and time, which makes it unique.

    `line` is that side's own: the home team's handicap for home, the away team's for away.
    """

    __tablename__ = "odds"
    __table_args__ = (
        one_of("market_type", BetType),
        one_of("selection", Selection),
        american("price"),
        Index("idx_odds_game_id", "game_id"),
        Index("idx_odds_recorded_at", "recorded_at"),
        Index("idx_odds_current", "game_id", "is_current", postgresql_where=text("is_current = TRUE")),
    )

    id: Mapped[UuidKey]
    game_id: Mapped[UUID | None] = references("games.id")
    sportsbook_id: Mapped[UUID | None] = references("sportsbooks.id")
    market_type: Mapped[Varchar20]
    selection: Mapped[Varchar20]
    price: Mapped[int]
    line: Mapped[float | None]
    recorded_at: Mapped[datetime]
    is_current: Mapped[bool | None] = mapped_column(server_default=text("TRUE"))


class OddsMovement(Base):
    """A move of the reference side (home, over), for readers; computation reads `odds`."""

    __tablename__ = "odds_movements"
    __table_args__ = (one_of("market_type", BetType), american("old_price"), american("new_price"))

    id: Mapped[UuidKey]
    game_id: Mapped[UUID | None] = references("games.id")
    sportsbook_id: Mapped[UUID | None] = references("sportsbooks.id")
    market_type: Mapped[Varchar20]
    old_line: Mapped[float | None]
    new_line: Mapped[float | None]
    old_price: Mapped[int | None]
    new_price: Mapped[int | None]
    movement_size: Mapped[float | None]
    detected_at: Mapped[datetime]


class ClosingLine(Base):
    """A book's last word before kick-off; the price is NULL where the archive has only the line."""

    __tablename__ = "closing_lines"
    __table_args__ = (
        one_of("market_type", BetType),
        one_of("selection", Selection),
        american("closing_price"),
        UniqueConstraint("game_id", "sportsbook_id", "market_type", "selection", name="uq_closing_lines_side"),
    )

    id: Mapped[UuidKey]
    game_id: Mapped[UUID | None] = references("games.id")
    sportsbook_id: Mapped[UUID | None] = references("sportsbooks.id")
    market_type: Mapped[Varchar20]
    selection: Mapped[Varchar20]
    closing_line: Mapped[float | None]
    closing_price: Mapped[int | None]
    closed_at: Mapped[datetime]


class ConsensusLine(Base):
    """The median of the books for the reference side (home, over), for readers."""

    __tablename__ = "consensus_lines"
    __table_args__ = (one_of("market_type", BetType), american("consensus_price"))

    id: Mapped[UuidKey]
    game_id: Mapped[UUID | None] = references("games.id")
    market_type: Mapped[Varchar20]
    consensus_line: Mapped[float | None]
    consensus_price: Mapped[int | None]
    books_count: Mapped[int | None]
    calculated_at: Mapped[datetime]
