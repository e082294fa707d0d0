"""`aipro ui`: the MLflow pages of this installation."""

from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say


def ui(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 5000,
) -> None:
    """Serve MLflow's pages until interrupted."""
    import os

    from aipro_ml.jobs.tracking_server import serve

    command, environment = serve(settings(context), host, port)
    say(f"MLflow: http://{host}:{port} (choose `Model training` at its top left; Ctrl-C ends it)")
    os.execvpe(command[0], command, {**os.environ, **environment})  # noqa: S606 - our own interpreter, fixed arguments
