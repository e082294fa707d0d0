"""`aipro api`: the read API over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, warn

app = typer.Typer(help="The read API: predictions, results, models, ledger, bankroll and bets.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Keep `serve` a command of its own."""


@app.command("serve")
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
    certificate: Annotated[Path | None, typer.Option(help="TLS certificate (PEM).")] = None,
    private_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    trusted_proxy: Annotated[
        list[str] | None, typer.Option(help="Address whose X-Forwarded-For is believed; may stand several times.")
    ] = None,
) -> None:
    """Serve the API until interrupted; /docs tells what there is. Needs the extra `api`."""
    import os

    from aipro_ml.config.known import variable_of
    from aipro_ml.jobs.serving import Serving, prepare

    chosen = settings(context)
    wanted = Serving(host, port, workers, certificate, private_key, tuple(trusted_proxy or ()))
    for remark in prepare(chosen, wanted):
        warn(f"note: {remark}")
    import uvicorn

    told = {"AIPRO_HOME": str(chosen.home), "AIPRO_LOG_LEVEL": chosen.log_level, "AIPRO_LOG_JSON": str(chosen.log_json)}
    given = {variable_of(key): override.value for key, override in chosen.overrides.items()}
    os.environ.update({**told, **given})  # a worker reads its settings anew
    scheme = "http" if certificate is None else "https"
    say(f"API: {scheme}://{host}:{port}/docs (Ctrl-C ends it)")
    uvicorn.run(
        "aipro_ml.api.rest.app:served",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(wanted.proxies),
        forwarded_allow_ips=list(wanted.proxies) or None,
        ssl_certfile=None if certificate is None else str(certificate),
        ssl_keyfile=None if private_key is None else str(private_key),
        timeout_keep_alive=65,  # longer than proxies and clients keep a connection: they end it, not we in their face
        timeout_graceful_shutdown=10,
        timeout_worker_healthcheck=60,  # on a busy machine a worker imports for longer than 5 s: it was ended, for ever
    )
