"""What the read API tells of player props, on a connection that only reads."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pandas as pd
from sqlalchemy import Connection

from aipro_ml.db.repositories import published_props
from aipro_ml.db.repositories.published_props import WantedProps
from aipro_ml.props.publishing import sides

__all__ = ["WantedProps"]


def props_page(
    connection: Connection, wanted: WantedProps, before: tuple[datetime, UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """Return at most `limit` published props before `before` (published_at, id), newest first, each with its `side`."""
    rows = published_props.props_before(connection, wanted, before, limit)
    if not rows:
        return []
    columns = {"over": "over_probability", "under": "under_probability"}
    told = {name: [row[columns.get(name, name)] for row in rows] for name in (*columns, "over_price", "under_price")}
    chosen = sides(pd.DataFrame(told, dtype="float64"))
    return [{**row, "side": side} for row, side in zip(rows, chosen, strict=True)]
