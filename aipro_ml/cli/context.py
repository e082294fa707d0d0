"""What the root command passes to every other: the settings of this call."""

import typer

from aipro_ml.config import Settings, load_settings


def settings(context: typer.Context) -> Settings:
    """Return the settings of this call."""
    found = context.find_object(Settings)
    return found if found is not None else load_settings()
