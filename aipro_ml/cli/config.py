"""`aipro config`: what this installation is set to."""

import re
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import table

app = typer.Typer(help="Settings of this installation.", no_args_is_help=True)


@app.command("show")
def show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Show every setting in force; secrets are masked."""
    chosen = settings(context)
    rows: list[dict[str, object]] = [
        {"setting": name, "value": _masked(str(value)), "environment": _variable(name)}
        for name, value in chosen.model_dump().items()
    ]
    rows += [
        {"setting": name, "value": str(getattr(chosen, name)), "environment": "(derived)"}
        for name in ("artifacts_dir", "logs_dir", "raw_dir", "reports_dir")
    ]
    table(rows, title="settings", as_json=as_json)


def _masked(value: str) -> str:
    """Return an address without the password it may hold; a SecretStr is masked already."""
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", value)


def _variable(name: str) -> str:
    plain = {"database_url", "database_owner_url", "mlflow_tracking_uri"}
    return name.upper() if name in plain else f"AIPRO_{name.upper()}"
