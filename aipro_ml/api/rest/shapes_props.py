"""What the API tells of player props: the shapes of its answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from aipro_ml.api.rest import examples
from aipro_ml.api.rest.shapes import Game, Page
from aipro_ml.enums import BetResult, Selection, Tier

_PLAIN = "id", "player", "prop", "line", "projection", "expected", "over_probability", "under_probability", "side"
_OFFER = "book", "over_price", "under_price", "tier", "as_of", "published_at", "prediction_hash"
_END = "result", "actual", "graded_at"


class Prop(BaseModel):
    """A published prediction of a player's figure; what over and under leave of 1 is a push."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROP]})

    id: UUID
    game: Game
    player: str
    prop: str = Field(description="Which figure, such as `receiving_yards`.")
    line: float
    projection: bool = Field(description="Nobody offers this line: it is the platform's own, to be graded by.")
    expected: float | None
    over_probability: float | None
    under_probability: float | None
    side: Selection = Field(description="The one of the better EV at these prices, without prices the likelier.")
    book: str | None
    over_price: int | None = Field(description="American, at the time.")
    under_price: int | None
    tier: Tier | None
    as_of: datetime = Field(description="What was known up to this moment went into it.")
    published_at: datetime
    prediction_hash: str | None
    result: BetResult | None = Field(description="Of the side; null where it is not graded.")
    actual: float | None
    graded_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the prop of a row of `props_page`."""
        return cls.model_validate({"game": Game.of(row), **{name: row[name] for name in (*_PLAIN, *_OFFER, *_END)}})


class PropsPage(Page):
    """Props, the newest first."""

    items: list[Prop]
