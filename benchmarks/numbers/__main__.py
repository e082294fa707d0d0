"""`python -m benchmarks.numbers --data DIR`: print every table of docs/numbers.md from the archives in DIR."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from aipro_ml.evaluation.openers import EdgeBin, Sharpening, ValueSlope
from aipro_ml.features.sport import sport
from aipro_ml.training.leaderboard import LeaderboardRow
from benchmarks.numbers import boards, closes, opening
from benchmarks.numbers.markdown import between, signed, table


def main() -> None:
    """Print the tables of the parts asked for, each as soon as it is computed."""
    arguments = _arguments()
    with TemporaryDirectory() as scratch:
        generated = arguments.generated or Path(scratch)
        for name in arguments.only or PARTS:
            for title, text in PARTS[name](generated if name in GENERATED else arguments.data):
                print(f"\n**{title}**\n\n{text}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.numbers", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with nfl/, nba/, soccer/, odds_timeseries/")
    parser.add_argument("--generated", type=Path, help="folder to keep generated leagues in (default: none is kept)")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), help="only these parts")
    return parser.parse_args()


def _markets(folder: Path) -> Iterator[tuple[str, str]]:
    rows = [
        {
            "market": one.name,
            "n": f"{one.n:,}",
            "log loss": f"{one.log_loss:.4f}",
            "Brier": f"{one.brier:.4f}",
            "AUC": "" if one.auc is None else f"{one.auc:.3f}",
            "RPS": "" if one.rps is None else f"{one.rps:.4f}",
            "overround": f"{one.overround:.2%}",
        }
        for one in closes.market_figures(folder)
    ]
    yield "Markets, multiplicative devig", table(rows)


def _two_way(code: str, read: Callable[[Path], boards.Records]) -> Callable[[Path], Iterator[tuple[str, str]]]:
    def part(folder: Path) -> Iterator[tuple[str, str]]:
        rows = boards.board(boards.entries_of(sport(code), read(folder)))
        made_up = "generated, not real: " if code.lower() in GENERATED else ""
        yield f"{made_up}{code} moneyline, {_seasons(code)}", _board(rows)

    return part


def _soccer(folder: Path) -> Iterator[tuple[str, str]]:
    leagues = boards.soccer_entries(folder)
    for code, entries in leagues.items():
        yield f"{code} three-way, {_seasons(code)}", _board(boards.board(entries))
    together = boards.board(boards.pooled(list(leagues.values())))
    yield f"EPL, LALIGA and BUNDES together, {_seasons('EPL')}", _board(together)


def _opening(folder: Path) -> Iterator[tuple[str, str]]:
    records = opening.bmr_records(folder)
    yield "NFL 2018–2022, moneyline: opener and close", _sharpenings(opening.moneyline_sharpening(records))
    for days in opening.LEADS:
        bets = opening.opener_bets(records, days)
        title = f"NFL 2018–2022, spread bets at the opener by |edge|; the model knows results up to {days} days before"
        yield title, f"{_bins(bets.bins())}\n\n{_slope(bets.slope())}"


def _seasons(code: str) -> str:
    span = boards.SPANS[code]
    return f"test seasons {span.first} to {span.last}"


def _board(rows: Sequence[LeaderboardRow]) -> str:
    shown = [
        {
            "name": row.name,
            "n": f"{row.n:,}",
            "log loss": f"{row.log_loss:.4f}",
            **({} if row.rps is None else {"RPS": f"{row.rps:.4f}"}),
            "Brier": f"{row.brier:.4f}",
            "AUC": f"{row.auc:.3f}",
            "accuracy": f"{row.accuracy:.3f}",
            "ECE (null)": f"{row.ece:.3f} ({row.ece_null:.3f})",
            "log loss − market": "" if row.name == "market" else signed(row.delta_log_loss_vs_market or 0.0),
            "95 %": "" if row.name == "market" else between(row.ci_low or 0.0, row.ci_high or 0.0),
        }
        for row in rows
    ]
    return table(shown)


def _sharpenings(found: dict[str, Sharpening]) -> str:
    return table(
        [
            {
                "close of": name,
                "n": f"{one.n:,}",
                "opener": f"{one.opening:.4f}",
                "close": f"{one.closing:.4f}",
                "opener − close": signed(one.difference),
                "SE": f"{one.se:.4f}",
                "95 % (weeks)": between(one.ci_low, one.ci_high),
            }
            for name, one in found.items()
        ]
    )


def _bins(bins: Sequence[EdgeBin]) -> str:
    return table(
        [
            {
                "edge": f"{one.low:.0%} and more" if one.high > 1 else f"{one.low:.0%} to {one.high:.0%}",
                "n": f"{one.n:,}",
                "mean edge": f"{one.edge:.3f}",
                "mean CLV": f"{one.value:+.2%}",
                "SE": f"{one.se:.2%}",
                "95 % (weeks)": f"{one.ci_low:+.2%} to {one.ci_high:+.2%}",
            }
            for one in bins
        ]
    )


def _slope(one: ValueSlope) -> str:
    interval = between(one.ci_low, one.ci_high, 2)
    return f"CLV a unit of edge: {one.slope:+.2f}, SE {one.se:.2f}, 95 % {interval}, n = {one.n:,}."


PARTS: dict[str, Callable[[Path], Iterator[tuple[str, str]]]] = {
    "markets": _markets,
    "nfl": _two_way("NFL", boards.nfl_records),
    "nba": _two_way("NBA", boards.nba_records),
    "soccer": _soccer,
    "opening": _opening,
    "nhl": _two_way("NHL", lambda folder: boards.generated_records(folder, "NHL")),
    "mlb": _two_way("MLB", lambda folder: boards.generated_records(folder, "MLB")),
}
GENERATED = ("nhl", "mlb")
"""Leagues of which there are no archives of several seasons: invented games in their sources' layouts."""


if __name__ == "__main__":
    main()
