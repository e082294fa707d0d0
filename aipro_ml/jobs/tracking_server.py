"""How MLflow's pages are served for this installation."""

from aipro_ml.config import Settings
from aipro_ml.db import engine as database
from aipro_ml.training.tracking import ui_command


def serve(settings: Settings, host: str, port: int) -> tuple[list[str], dict[str, str]]:
    """Return the command and additional environment that serve MLflow's pages; the database is started."""
    return ui_command(database.mlflow_url(settings), settings.home / "mlflow", host, port)
