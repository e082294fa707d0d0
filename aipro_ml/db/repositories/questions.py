"""Ready questions to the warehouse: each one query over its facts and dimensions.

Of each model and game the last prediction before kick-off counts, a back-filled one only where the model said nothing
live of the game, as in performance. What must not be added up stays apart: live and back-filled runs (`mode`), models
in production when they spoke and their shadows (`role`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, text

from aipro_ml.db.copy import read_frame

_COUNTED = """
    WITH told AS (
        SELECT b.bet_type, b.side, b.result, b.stake_units, b.profit_units, b.clv_ev, s.code AS sport, r.mode,
               CASE WHEN m.is_production THEN 'production' ELSE 'shadow' END AS role, f.signal_tier AS tier,
               f.probability, coalesce(k.name, '(no price)') AS book, y.year AS season,
               to_char(d.date, 'YYYY-MM') AS month, d.weekday, to_char(g.game_date, 'IYYY-IW') AS week,
               coalesce(l.performance_metrics->>'name', m.framework) AS model, left(b.model_id::text, 8) AS model_id,
               coalesce(t.name, '(both)') AS team, t.division, f.seq,
               row_number() OVER (PARTITION BY b.model_id, b.game_id, r.mode ORDER BY f.as_of DESC, f.seq DESC) AS nth,
               bool_or(r.mode = 'live') OVER (PARTITION BY b.model_id, b.game_id) AS said_live
        FROM fact_bets b
        JOIN fact_predictions f ON f.prediction_id = b.prediction_id
        JOIN fact_prediction_runs r ON r.id = f.run_id
        JOIN games g ON g.id = b.game_id
        JOIN seasons y ON y.id = g.season_id
        JOIN sports s ON s.id = g.sport_id
        JOIN ml_models l ON l.id = b.model_id
        LEFT JOIN sportsbooks k ON k.id = b.sportsbook_id
        LEFT JOIN dim_dates d ON d.date = g.game_date::date
        LEFT JOIN dim_models m ON m.model_id = b.model_id AND m.valid_from <= r.started_at
            AND (m.valid_to IS NULL OR r.started_at < m.valid_to)
        LEFT JOIN dim_teams t ON t.team_id = CASE b.side WHEN 'home' THEN g.home_team_id
                WHEN 'away' THEN g.away_team_id END
            AND t.valid_from <= g.game_date AND (t.valid_to IS NULL OR g.game_date < t.valid_to)
        WHERE f.as_of < g.game_date AND (CAST(:sport AS text) IS NULL OR s.code = :sport)
          AND (CAST(:since AS timestamp) IS NULL OR g.game_date >= :since)
          AND (CAST(:until AS timestamp) IS NULL OR g.game_date < :until)
    ), counted AS (SELECT * FROM told WHERE nth = 1 AND (mode = 'live' OR NOT said_live))
"""
_MONEY = """, weekly AS (
        SELECT mode, role, {by}, week, count(*) AS bets,
               count(*) FILTER (WHERE result IN ('win', 'half_win')) AS win,
               count(*) FILTER (WHERE result IN ('loss', 'half_loss')) AS loss,
               count(*) FILTER (WHERE result IN ('push', 'void')) AS returned,
               count(profit_units) AS priced,
               coalesce(sum(stake_units) FILTER (WHERE profit_units IS NOT NULL), 0) AS staked,
               coalesce(sum(profit_units), 0) AS profit, sum(clv_ev) AS clv, count(clv_ev) AS closed,
               count(*) FILTER (WHERE clv_ev > 0) AS ahead
        FROM counted GROUP BY mode, role, {by}, week
    ), summed AS (
        SELECT mode, role, {by}, sum(bets)::int AS bets, sum(win)::int AS win, sum(loss)::int AS loss,
               sum(returned)::int AS returned, sum(staked) AS staked, sum(profit) AS profit,
               sum(profit) / nullif(sum(staked), 0) AS roi, sum(profit * profit) AS pp, sum(profit * staked) AS ps,
               sum(staked * staked) AS ss, count(*) AS weeks, sum(clv) / nullif(sum(closed), 0) AS clv,
               sum(closed)::float8 / sum(bets) AS clv_coverage,
               sum(ahead)::float8 / nullif(sum(closed), 0) AS beat_close
        FROM weekly GROUP BY mode, role, {by}
    )
    SELECT mode, role, {by}, bets, win, loss, returned, profit AS units, roi,
           CASE WHEN weeks > 1 AND staked > 0 THEN
               sqrt(greatest(pp - 2 * roi * ps + roi * roi * ss, 0) * weeks / (weeks - 1)) / staked END AS roi_se,
           clv, clv_coverage, beat_close
    FROM summed ORDER BY mode DESC, role, {by}
"""
_CALIBRATION = """, scored AS (
        SELECT mode, role, sport, bet_type, seq,
               CASE WHEN side IN ('home', 'over') THEN probability ELSE 1 - probability END AS p,
               CASE WHEN side IN ('home', 'over') THEN result IN ('win', 'half_win')
                    ELSE result NOT IN ('win', 'half_win') END AS won,
               CASE WHEN result IN ('half_win', 'half_loss') THEN 0.5::float8 ELSE 1 END AS decided
        FROM counted WHERE result IN ('win', 'half_win', 'loss', 'half_loss')
    ), binned AS (
        SELECT *, ntile(10) OVER (PARTITION BY mode, role, sport, bet_type ORDER BY p, seq) AS bin FROM scored
    )
    SELECT mode, role, sport, bet_type, bin, count(*)::int AS n, min(p) AS p_from, max(p) AS p_to,
           sum(p * decided) / sum(decided) AS mean_p, sum(won::int * decided) / sum(decided) AS won,
           sum((won::int - p) * decided) / sum(decided) AS gap,
           sqrt(sum(p * (1 - p) * decided * decided)) / sum(decided) AS se
    FROM binned GROUP BY mode, role, sport, bet_type, bin ORDER BY mode DESC, role, sport, bet_type, bin
"""
_TRACKED = """
    SELECT u.email AS user, s.code AS sport, coalesce(k.name, '(no book)') AS book, count(*)::int AS bets,
           count(*) FILTER (WHERE b.result IN ('win', 'half_win'))::int AS win,
           count(*) FILTER (WHERE b.result IN ('loss', 'half_loss'))::int AS loss, sum(b.stake_units) AS staked,
           sum(b.profit_units) AS units, sum(b.profit_units) / nullif(sum(b.stake_units), 0) AS roi,
           avg(b.clv_ev) AS clv, count(b.clv_ev)::float8 / count(*) AS clv_coverage
    FROM fact_bets b JOIN users u ON u.id = b.user_id JOIN games g ON g.id = b.game_id
    JOIN sports s ON s.id = g.sport_id LEFT JOIN sportsbooks k ON k.id = b.sportsbook_id
    WHERE b.bet_id IS NOT NULL AND (CAST(:sport AS text) IS NULL OR s.code = :sport)
      AND (CAST(:since AS timestamp) IS NULL OR g.game_date >= :since)
      AND (CAST(:until AS timestamp) IS NULL OR g.game_date < :until)
    GROUP BY u.email, s.code, k.name ORDER BY u.email, s.code, k.name
"""
_CLOSES = """
    SELECT s.code AS sport, o.market_type AS bet_type, k.name AS book, count(*)::int AS sides,
           count(o.closed_at)::float8 / count(*) AS closed, avg(o.quotes_count)::float8 AS quotes,
           avg(abs(o.closing_line - o.opening_line)) AS line_moved,
           avg(((o.closing_line, o.closing_price) IS DISTINCT FROM (o.opening_line, o.opening_price))::int)
               FILTER (WHERE o.closed_at IS NOT NULL AND o.opening_at IS NOT NULL)::float8 AS moved
    FROM fact_odds o JOIN games g ON g.id = o.game_id JOIN sports s ON s.id = g.sport_id
    JOIN sportsbooks k ON k.id = o.sportsbook_id
    WHERE (CAST(:sport AS text) IS NULL OR s.code = :sport)
      AND (CAST(:since AS timestamp) IS NULL OR g.game_date >= :since)
      AND (CAST(:until AS timestamp) IS NULL OR g.game_date < :until)
    GROUP BY s.code, o.market_type, k.name ORDER BY s.code, o.market_type, k.name
"""


@dataclass(frozen=True)
class Question:
    """A question with a name: what it tells, and its query."""

    says: str
    query: str


def _money(says: str, by: str) -> Question:
    return Question(says, _COUNTED + _MONEY.format(by=by))


QUESTIONS: Mapping[str, Question] = {
    "by-tier": _money("money and closing line value by tier", "tier"),
    "by-sport": _money("money and closing line value by sport", "sport"),
    "by-bet-type": _money("money and closing line value by sport and bet type", "sport, bet_type"),
    "by-book": _money("money and closing line value by the book whose price was taken", "book"),
    "by-month": _money("money and closing line value by the month of the kick-off", "month"),
    "by-season": _money("money and closing line value by sport and season", "sport, season"),
    "by-weekday": _money("money and closing line value by the weekday of the kick-off, Monday 1", "weekday"),
    "by-model": _money("money and closing line value by model", "sport, bet_type, model, model_id"),
    "by-team": _money("money and closing line value by the team bet on, under its name of then", "sport, team"),
    "by-division": _money(
        "money and closing line value by the division, of then, of the team bet on", "sport, division"
    ),
    "calibration": Question(
        "published probability of home or over against how often it came, in ten bins of equal size",
        _COUNTED + _CALIBRATION,
    ),
    "tracked": Question("settled bets of users by user, sport and book; a unit is 1 % of the balance then", _TRACKED),
    "closes": Question("by market and book: how many sides closed, how far lines moved from opening to close", _CLOSES),
}
"""Every question by its name."""


@dataclass(frozen=True)
class Asked:
    """Of which games: of a sport (code), kicking off from `since` on and before `until` (UTC); unsaid, all."""

    sport: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def answer(connection: Connection, name: str, asked: Asked) -> pd.DataFrame:
    """Return the answer to the question of this name (one of QUESTIONS) as a table."""
    bound = {"sport": asked.sport, "since": _naive(asked.since), "until": _naive(asked.until)}
    return read_frame(connection, text(QUESTIONS[name].query).bindparams(**bound))


def _naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=None)
