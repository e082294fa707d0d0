"""What the root command passes to every other: the settings of this call."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from aipro_ml.config import Settings


def settings(context: typer.Context) -> "Settings":
    """Return the settings of this call."""
    from aipro_ml.config import Settings, load_settings  # pydantic: not needed for --help

    found = context.find_object(Settings)
    return found if found is not None else load_settings()
