"""`aipro demo`: the whole way once, told as it goes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import Ticker, progress, say, table


class _Terminal:
    """Tells the demo on the terminal."""

    @contextmanager
    def stage(self, title: str) -> Iterator[Ticker]:
        """Announce a stage and show its progress."""
        say(f"— {title}")
        with progress(title) as tick:
            yield tick

    def rows(self, rows: Sequence[Mapping[str, object]], title: str) -> None:
        """Show a table."""
        table(rows, title=title)

    def line(self, text: str) -> None:
        """Show a line."""
        say(f"  {text}")


def demo(
    context: typer.Context,
    data: Annotated[
        str | None,
        typer.Option(metavar="PATH_OR_URL", help="A real nflverse games file instead of a simulated league."),
    ] = None,
) -> None:
    """Import, build features, train three bet types, calibrate, predict a slate, grade the last nights, report."""
    from aipro_ml.jobs.demo import run_demo

    result = run_demo(settings(context), data, datetime.now(UTC), _Terminal())
    say("")
    say(f"report: {result.report} (open it in a browser)")
    say("models: `aipro ui` starts MLflow's pages, `aipro model list` prints them")
    say(f"more:   `aipro predict list --sport {result.sport}`, `aipro ledger verify`, `aipro --help`")
