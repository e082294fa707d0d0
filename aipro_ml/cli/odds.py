"""`aipro odds`: closes, movements, consensus lines, one game's board, and the comparison of devig methods."""

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table
from aipro_ml.cli.values import parse_moment
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from aipro_ml.jobs.market import MarketCount
    from aipro_ml.jobs.market_views import Board
    from aipro_ml.market.devig_comparison import DevigComparison

app = typer.Typer(help="The odds market: what is derived from quotes.", no_args_is_help=True)
devig = typer.Typer(help="Ways of taking the margin out.", no_args_is_help=True)
app.add_typer(devig, name="devig")

SportCode = Annotated[str, typer.Option(help="Sport code.")]
Rebuild = Annotated[bool, typer.Option("--rebuild", help="Derive every game again, not only those that need it.")]
_FORMS = {"line": "{:g}", "price": "{:+.0f}", "hours": "{:.1f}"}

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]


@app.command("close")
def close(context: typer.Context, sport: SportCode, rebuild: Rebuild = False, as_json: AsJson = False) -> None:
    """Derive closes, openings, movements and consensus lines of the games that have begun or were quoted since."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.market_views import closes

    with opened(settings(context)) as engine:
        _derive(engine, sport, rebuild=rebuild, as_json=as_json)
        frame = closes(engine, sport)
    table(_rows(frame), title=f"{sport}: closing lines", as_json=as_json)


@app.command("movements")
def movements(
    context: typer.Context,
    sport: SportCode,
    rebuild: Rebuild = False,
    limit: Annotated[int, typer.Option(min=1, help="Show the latest so many moves.")] = 20,
    steam: Annotated[bool, typer.Option("--steam", help="Show only moves of many books at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Derive what is out of date, then show moves: size, direction, steam, reverse and age."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.market_views import moves

    with opened(settings(context)) as engine:
        _derive(engine, sport, rebuild=rebuild, as_json=as_json)
        frame = moves(engine, sport, datetime.now(UTC))
    if not as_json:
        by_market = frame.groupby("market").agg(
            games=("game_id", "nunique"), moves=("game_id", "size"), steam=("steam", "sum"), reverse=("reverse", "sum")
        )
        table(_rows(by_market.reset_index()), title=f"{sport}: moves by market")
    shown = _move_rows((frame.loc[frame["steam"]] if steam else frame).tail(limit), with_game=True)
    table(shown if as_json else _folded(shown), title=f"{sport}: latest moves", as_json=as_json)


@app.command("consensus")
def consensus(
    context: typer.Context,
    sport: SportCode,
    rebuild: Rebuild = False,
    as_of: Annotated[str | None, typer.Option(help="UTC time to take it at; default now.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show; store no consensus of this moment.")] = False,
    as_json: AsJson = False,
) -> None:
    """Derive what is out of date, then take and show the consensus of every open market: all, sharp and soft."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.market_views import open_consensus

    now = datetime.now(UTC)
    moment = parse_moment(as_of) or now
    if moment > now:
        raise UsageError(f"{as_of} lies in the future: nobody knows its quotes")
    with opened(settings(context)) as engine:
        _derive(engine, sport, rebuild=rebuild, as_json=as_json)
        frame = open_consensus(engine, sport, moment, dry_run=dry_run)
    names = ["game", "kickoff", "market", "line", "fair", "fair_draw", "books_count", "sharp_fair", "soft_fair"]
    names += ["overround", "dispersion", "suspect", "outliers"]
    rows = [{**row, "outliers": ", ".join(row["outliers"])} for row in _rows(frame[names] if len(frame) else frame)]
    rows = rows if as_json else _written(rows)
    table(rows, title=f"{sport}: consensus of open markets at {moment:%Y-%m-%d %H:%M} UTC", as_json=as_json)


@app.command("show")
def show(
    context: typer.Context,
    game: Annotated[str, typer.Argument(help="The beginning of a game's id, or its id in a source.")],
    as_of: Annotated[str | None, typer.Option(help="UTC time to look at it from; default now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show one game's board: each book's opening, present or closing price, fair value, moves, who is far off."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.market_views import board

    with opened(settings(context)) as engine:
        found = board(engine, game, parse_moment(as_of) or datetime.now(UTC))
    _show(found, as_json=as_json)


@devig.command("compare")
def compare(
    context: typer.Context,
    sport: SportCode,
    bet_type: Annotated[BetType | None, typer.Option(help="Only this one; default all.")] = None,
    at_open: Annotated[bool, typer.Option("--open/--close", help="Opening or closing quotes.")] = False,
    season_from: Annotated[int | None, typer.Option(help="First season.")] = None,
    season_to: Annotated[int | None, typer.Option(help="Last season.")] = None,
    book: Annotated[str | None, typer.Option(help="Only this book's prices; default the consensus of all.")] = None,
    bands: Annotated[bool, typer.Option("--bands/--no-bands", help="Show favourites and longshots apart.")] = True,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 20260101,
    as_json: AsJson = False,
) -> None:
    """Hold the devig methods against each other on settled games: log loss, differences, intervals, a verdict."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.market_views import ComparisonRequest, devig_comparisons

    request = ComparisonRequest("opening" if at_open else "close", season_from, season_to, book, seed)
    wanted = tuple(BetType) if bet_type is None else (bet_type,)
    with opened(settings(context)) as engine:
        comparisons = devig_comparisons(engine, sport, wanted, request)
    if not comparisons:
        raise UsageError(f"{sport}: fewer than 30 settled games with such prices; import odds and results first")
    for comparison in comparisons:
        _show_comparison(sport, request.moment, comparison, bands=bands, as_json=as_json)


def _derive(engine: Any, sport: str, *, rebuild: bool, as_json: bool) -> None:
    from aipro_ml.jobs.market import derive_sport

    with progress(f"market {sport}") as tick:
        count = derive_sport(engine, sport.upper(), datetime.now(UTC), rebuild=rebuild, on_step=tick)
    if not as_json:
        say(_done(sport.upper(), count, rebuild=rebuild))


def _done(sport: str, count: "MarketCount", *, rebuild: bool) -> str:
    """Return what was derived, in a sentence."""
    if not count.games:
        return f"{sport}: every market {'has no quotes' if rebuild else 'is up to date'}, nothing was derived"
    rows = {name: value for name, value in vars(count).items() if value and name != "games"}
    written = ", ".join(
        f"{value} rows of {name}" if name != "deleted" else f"{value} gone" for name, value in rows.items()
    )
    return f"{sport}: {count.games} games derived{' again' if rebuild else ''}; {written or 'no row changed'}"


def _rows(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _move_rows(frame: "pd.DataFrame", *, with_game: bool) -> list[dict[str, Any]]:
    names = ["detected_at", "market", "book", "old_line", "new_line", "old_price", "new_price", "movement_size"]
    names += ["direction", "books_moving", "steam", "reverse", "age_hours"]
    return _rows(frame[["game", *names] if with_game else names])


def _folded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return moves as people read them, narrow enough for a terminal: line and price together, marks in one word."""
    return [
        {
            **({"game": row["game"]} if "game" in row else {}),
            "seen (UTC)": row["detected_at"],
            "market": row["market"],
            "book": row["book"],
            "from": _offer(row["old_line"], row["old_price"]),
            "to": _offer(row["new_line"], row["new_price"]),
            "size": row["movement_size"],
            "way": "up" if row["direction"] > 0 else "down",
            "books": row["books_moving"],
            "mark": " ".join(mark for mark in ("steam", "reverse") if row[mark]) or None,
            "age h": _cell("hours", row["age_hours"]),
        }
        for row in rows
    ]


def _offer(line: float, price: float) -> str:
    """Return a line (NaN: the market has none) and its price as a bookmaker writes them."""
    return f"{price:+.0f}" if math.isnan(line) else f"{line:g} {price:+.0f}"


def _written(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with lines, prices and ages as people write them."""
    return [{name: _cell(name, value) for name, value in row.items()} for row in rows]


def _cell(name: str, value: object) -> object:
    form = next((form for end, form in _FORMS.items() if name.endswith(end)), None)
    return form.format(value) if form and isinstance(value, float) and not math.isnan(value) else value


def _show(found: "Board", *, as_json: bool) -> None:
    game, word = found.game, found.moment
    markets = [{**row, "outliers": ", ".join(row["outliers"])} for row in _rows(found.markets)]
    books = [{word if name == "standing" else name: value for name, value in row.items()} for row in _rows(found.books)]
    parts = {"consensus": markets, "books": books, "moves": _move_rows(found.moves, with_game=False)}
    if as_json:
        for part, rows in parts.items():
            table([{"part": part, **row} for row in rows], title=part, as_json=True)
        table([{"part": "stored", **row} for row in _rows(found.consensus)], title="stored", as_json=True)
        return
    score = "" if game["home_score"] != game["home_score"] else f" {game['away_score']:.0f}:{game['home_score']:.0f}"
    say(f"{game['sport']} {game['away']}@{game['home']}{score}, kick-off {game['kickoff']:%Y-%m-%d %H:%M} UTC")
    say(f"{game['status']}; the market as of {found.at:%Y-%m-%d %H:%M} UTC ({word}); game {game['game_id']}")
    table(_written(markets), title=f"consensus ({word})")
    table(_written(books), title="books")
    table(_folded(parts["moves"][-30:]), title="moves of the home or over side (latest 30)")
    table(_written(_rows(found.consensus)), title="stored consensus lines (price: fair, of the home or over side)")


def _show_comparison(sport: str, moment: str, found: "DevigComparison", *, bands: bool, as_json: bool) -> None:
    head = {"sport": sport.upper(), "bet_type": found.bet_type.value, "quotes": moment}
    scores = [
        {
            "method": score.method.value,
            "games": score.n,
            "log_loss": f"{score.log_loss:.5f}",
            f"minus_{found.reference.value}": f"{score.difference:+.5f}",
            "ci95": f"[{score.ci_low:+.5f}, {score.ci_high:+.5f}]",
        }
        for score in found.scores
    ]
    facts = f"{found.games} games, {found.pushes} pushes out, overround {found.overround:.2%}"
    table(
        [{**head, **row} for row in scores] if as_json else scores,
        title=f"{sport.upper()} {found.bet_type.value} ({moment}): {facts}",
        as_json=as_json,
    )
    if bands:
        rows = [
            {
                "band": f"{band.low:.2f}-{band.high:.2f}",
                "outcomes": band.n,
                "happened": band.happened,
                "se": band.se,
                **{method.value: mean for method, mean in band.mean_probability.items()},
            }
            for band in found.bands
        ]
        table(
            [{**head, **row} for row in rows] if as_json else rows,
            title="by size of the probability: what each method said and what happened",
            as_json=as_json,
        )
    if as_json:
        table([{**head, "verdict": found.verdict}], title="verdict", as_json=True)
    else:
        say(f"verdict: {found.verdict}")
