"""The performance report of a sport: figures, plots and the page, each kind of prediction apart."""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
from sqlalchemy import Engine

from aipro_ml.evaluation import performance_plots as plots
from aipro_ml.evaluation.expected import expected_log_loss
from aipro_ml.evaluation.performance import scored_rows, summary
from aipro_ml.evaluation.performance_report import KindSection, PerformancePage, meaning, write_performance_page
from aipro_ml.evaluation.report import ReportFigure
from aipro_ml.evaluation.windows import windows
from aipro_ml.features.sport import Sport, sport
from aipro_ml.jobs.performance import KIND, SEED, Counted, counted_predictions
from aipro_ml.times import iso_utc

ROLLING_DAYS = 30
BY = {"By bet type": ["bet_type"], "By tier": ["bet_type", "signal_tier"], "By book": ["book"], "By month": ["month"]}
_OPEN = ("date", "bet_type", "n", "expected", "expected_low", "expected_high")


@dataclass(frozen=True)
class ReportRequest:
    """Which predictions to report on: of the games since and until a moment, by kick-off; back-filled ones too."""

    sport: str
    now: datetime
    backfilled: bool = False
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Performance:
    """What the report says: `totals` by kind and bet type, `windows` by kind, `open_days` before their results."""

    totals: pd.DataFrame
    windows: pd.DataFrame
    open_days: pd.DataFrame
    page: Path | None


def report_performance(engine: Engine, request: ReportRequest, html: Path | None = None) -> Performance:
    """Return the performance of the sport's predictions and write it, with plots, as `html` where that is given."""
    league = sport(request.sport)
    with engine.connect() as connection:
        counted = counted_predictions(connection, league, backfilled=request.backfilled)
    rows, waiting = _of_time(counted.graded, request), _open_days(_of_time(counted.open, request))
    kinds = [(kind, part) for kind, part in rows.groupby(KIND, sort=True)] if len(rows) else []
    totals = summary(rows, [*KIND, "bet_type"], SEED) if kinds else pd.DataFrame()
    named = [
        windows(part, _until(part, request), SEED).assign(**dict(zip(KIND, kind, strict=True))) for kind, part in kinds
    ]
    spans = pd.concat(named, ignore_index=True) if named else pd.DataFrame()
    if len(spans):
        spans = spans[[*KIND, *spans.columns.drop(KIND)]]
    if html is None:
        return Performance(totals, spans, waiting, None)
    with tempfile.TemporaryDirectory(prefix="aipro-") as folder:
        sections = tuple(_section(league, kind, part, request, Path(folder)) for kind, part in kinds)
        page = PerformancePage(f"{league.name}: performance", _facts(counted, rows, request), sections, waiting)
        return Performance(totals, spans, waiting, write_performance_page(html, page))


def _of_time(rows: pd.DataFrame, request: ReportRequest) -> pd.DataFrame:
    if rows.empty:
        return rows
    inside = pd.Series(True, index=rows.index)
    if request.since is not None:
        inside &= rows["kickoff"] >= pd.Timestamp(request.since)
    if request.until is not None:
        inside &= rows["kickoff"] < pd.Timestamp(request.until)
    return rows.loc[inside]


def _until(rows: pd.DataFrame, request: ReportRequest) -> pd.Timestamp:
    """Return the moment trailing windows end: the last game's, for a season long over has no last seven days now."""
    last: pd.Timestamp = rows["kickoff"].max()
    return min(last, pd.Timestamp(request.now))


def _section(
    league: Sport, kind: tuple[str, str], rows: pd.DataFrame, request: ReportRequest, folder: Path
) -> KindSection:
    role, mode = kind
    title = f"{mode.capitalize()} predictions of {'production models' if role == 'production' else 'shadow models'}"
    told = rows.assign(month=rows["kickoff"].dt.strftime("%Y-%m"), book=rows["book"].fillna("(no price)"))
    spans = windows(rows, _until(rows, request), SEED)
    total = summary(rows.assign(all="all"), ["all"], SEED).iloc[0]
    season = spans.loc[(spans["window"] == "season") & (spans["scored"] > 0)]
    return KindSection(
        title=title,
        meaning=meaning({str(name): value for name, value in total.items()}, season),
        windows=spans,
        sums={heading: summary(told, columns, SEED) for heading, columns in BY.items()},
        figures=_figures(folder / f"{role}-{mode}", rows, league),
    )


def _figures(folder: Path, rows: pd.DataFrame, league: Sport) -> tuple[ReportFigure, ...]:
    """Return the plots of one kind; those that have nothing to show are left out."""
    made = []
    if rows["profit_loss"].notna().any():
        path = plots.units_by_kickoff(folder / "units.png", rows, title=f"{league.name}: one unit a bet")
        made.append(ReportFigure(path, "Units won by kick-off, and what the closing line said the bets were worth."))
    if rows["clv"].notna().any():
        path = plots.clv_histogram(folder / "clv.png", rows, title="Closing line value")
        made.append(ReportFigure(path, "EV of each bet at the close; bets beyond the ends are counted at them."))
    for bet_type, part in scored_rows(rows).groupby("bet_type", sort=True):
        path = plots.reliability(folder / f"reliability-{bet_type}.png", part, title=f"{bet_type}: reliability")
        made.append(ReportFigure(path, f"{bet_type}: how often what was published with a probability happened."))
        path = plots.log_loss_beside_expected(
            folder / f"loss-{bet_type}.png", part, ROLLING_DAYS, title=f"{bet_type}: log loss of {ROLLING_DAYS} days"
        )
        made.append(ReportFigure(path, f"{bet_type}: log loss, and what was expected before the results were in."))
    return tuple(made)


def _open_days(waiting: pd.DataFrame) -> pd.DataFrame:
    """Return a row a day and bet type of the predictions without a result: what their log loss is expected to be."""
    if waiting.empty:
        return pd.DataFrame(columns=list(_OPEN))
    days = waiting.assign(date=waiting["kickoff"].dt.tz_convert("UTC").dt.date)
    rows = []
    for (day, bet_type), part in days.groupby(["date", "bet_type"], sort=True):
        band = expected_log_loss(part["probability"].to_numpy("float64"))
        rows.append((day, bet_type, band.n, band.mean, band.low, band.high))
    return pd.DataFrame(rows, columns=list(_OPEN))


def _facts(counted: Counted, rows: pd.DataFrame, request: ReportRequest) -> dict[str, str]:
    count = counted.accounting
    facts = {
        "Sport": request.sport.upper(),
        "Predictions": f"{count.total:,}: {count.graded:,} graded, {count.pending:,} pending, {count.void:,} void, "
        f"{count.ungradeable:,} ungradeable",
        "Counted here": f"{len(rows):,} graded; of a model and game the last before kick-off",
        "Back-filled": "counted, apart" if request.backfilled else "not counted",
        "As of": iso_utc(request.now.replace(microsecond=0)),
    }
    if len(rows):
        facts["Kick-offs"] = f"{rows['kickoff'].min():%Y-%m-%d} to {rows['kickoff'].max():%Y-%m-%d}"
        facts["With a close"] = f"{rows['clv'].notna().mean():.1%}"
    return facts
