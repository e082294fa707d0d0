"""The market a backtest bets into: boards at the decision, slates decided as at night, prices when bets are struck."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from aipro_ml.betting.consensus import best_prices, consensus
from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.enums import REFERENCE_SIDE, BetType
from aipro_ml.errors import UsageError
from aipro_ml.evaluation.backtest import DECISION_COLUMNS, SIDES, selection_of
from aipro_ml.features.history import History
from aipro_ml.features.sport import Sport
from aipro_ml.inference.policy import Policy
from aipro_ml.inference.prediction import Prediction
from aipro_ml.inference.predictor import ModelScores, predict_slate
from aipro_ml.inference.quotes import market_boards
from aipro_ml.jobs.backtest_matrix import Moments

Tick = Callable[[int, int], None]

NO_OPENER, NO_PRICE = "no_opener", "no_price"
"""Why a game is not bet on that the night has no word for: never quoted early; no price at the books allowed."""

_NO_CAP = 1e9
"""A cap no slate reaches; dividing by infinity would leave nothing of a stake."""


@dataclass(frozen=True)
class Market:
    """A sport's quotes as they can be asked for, and the books where bets may be placed (none named: all)."""

    history: History
    league: Sport
    books: tuple[str, ...] = ()

    def quotes(self, as_of: pd.Series, bet_type: BetType) -> pd.DataFrame:
        """Return the fresh quotes of a bet type at `as_of` (index game_id)."""
        found = self.history.quotes(pd.DataFrame({"as_of": as_of}), self.league.config.quote_max_age_hours)
        return found.loc[(found["market"] == bet_type.value).to_numpy(bool)]

    def fair(self, quotes: pd.DataFrame) -> pd.DataFrame:
        """Return the consensus of all books."""
        return consensus(quotes, self.league.config.devig, three_way=self.league.config.three_way)

    def offered(self, quotes: pd.DataFrame) -> pd.DataFrame:
        """Return the quotes of the books where bets may be placed."""
        if not self.books:
            return quotes
        return quotes.loc[quotes["book"].isin(self.books).to_numpy(bool)]

    def board(self, as_of: pd.Series, bet_type: BetType) -> pd.DataFrame:
        """Return `market_boards`' row a game: the consensus of all books, prices of those that may be bet at."""
        quotes = self.quotes(as_of, bet_type)
        lines = self.fair(quotes) if len(quotes) else None
        return market_boards(self.offered(quotes), [bet_type], self.league.config.devig, lines=lines)[bet_type]

    def strikes(self, decisions: pd.DataFrame, latency: pd.Timedelta) -> pd.DataFrame:
        """Return what either side could be had for `latency` after each decision of one bet type (STRIKE_COLUMNS).

        The best price at the line decided on, where one still stands; else the best at the line that stands then.
        Nothing where the game had begun. On the index of `decisions` (DECISION_COLUMNS and `offered_<side>`).
        """
        bet_type = BetType(decisions["bet_type"].iloc[0])
        struck_at = decisions.set_index("game_id")["as_of"] + latency
        quotes = self.quotes(struck_at, bet_type)
        lines = self.fair(quotes).set_index("game_id")
        wanted = lines.assign(line=decisions.set_index("game_id")["line"].reindex(lines.index))
        offered = self.offered(quotes)
        kept, moved = (best_prices(offered, each.reset_index()) for each in (wanted, lines))
        late = ((decisions["as_of"] + latency) >= decisions["kickoff"]).to_numpy(bool)
        parts = [decisions[[f"offered_{side}" for side in SIDES]]]
        for side in SIDES:
            own, then = (_of_side(found, bet_type, side, decisions["game_id"]) for found in (kept, moved))
            stood = own["price"].notna().to_numpy()
            fair = decisions["fair"].where(stood, decisions["game_id"].map(lines["fair"]))
            part = pd.DataFrame(
                {
                    f"struck_line_{side}": own["line"].where(stood, then["line"]),
                    f"struck_price_{side}": own["price"].where(stood, then["price"]).mask(late),
                    f"struck_fair_{side}": fair if side == SIDES[0] else 1 - fair,
                }
            )
            parts.append(_at_own_line(part, decisions, bet_type, side))
        return pd.concat(parts, axis=1)


def _of_side(best: pd.DataFrame, bet_type: BetType, side: str, games: pd.Series) -> pd.DataFrame:
    """Return line and price of the side a game, on the index of `games`, NaN where nobody offers it."""
    rows = best.loc[best["selection"].astype(object) == selection_of(bet_type.value, side).value]
    found = rows.set_index("game_id")[["line", "price"]].reindex(games.to_numpy())
    return found.set_axis(games.index, axis=0).astype("float64")


def _at_own_line(part: pd.DataFrame, decisions: pd.DataFrame, bet_type: BetType, side: str) -> pd.DataFrame:
    """Return `part` with the line decided on where nobody offers the side: it can be graded, though not bet."""
    turned = -1.0 if bet_type is BetType.SPREAD and side == SIDES[1] else 1.0
    return part.assign(**{f"struck_line_{side}": part[f"struck_line_{side}"].fillna(turned * decisions["line"] + 0.0)})


def refuse_unknown_books(odds: pd.DataFrame, books: Sequence[str]) -> None:
    """Raise UsageError where a book named never quoted this sport."""
    known = sorted(map(str, odds["book"].unique()))
    for book in books:
        if book not in known:
            raise UsageError(f"book {book!r} never quoted this sport; there are: {', '.join(known)}")


@dataclass(frozen=True)
class Entrant:
    """A model with its moments, its board and, by season, what stands behind its probabilities.

    `stale`: games (index game_id) whose teams' form is not what it should be when they are decided.
    """

    bet_type: BetType
    moments: Moments
    board: pd.DataFrame
    seasons: Mapping[int, ModelScores]
    stale: pd.Series


@dataclass(frozen=True)
class Decided:
    """DECISION_COLUMNS with `offered_<side>` of every game decided, and why others were not, counted."""

    decisions: pd.DataFrame
    abstained: Mapping[str, int]


def decide(
    games: pd.DataFrame,
    entrants: Sequence[Entrant],
    spreads: Mapping[int, Mapping[BetType, MarginDistribution]],
    policy: Policy,
    on_slot: Tick = lambda _done, _total: None,
) -> Decided:
    """Return what the night would have decided: every slate by `predict_slate`, all games of one moment together.

    `games`: index game_id; season, week, kickoff, result_known_at of every game of the seasons. A game has a moment a
    bet type; those that have none count as NO_OPENER.
    """
    due = _due(games, entrants)
    abstained: Counter[str] = Counter()
    abstained[NO_OPENER] = len(games) * len(entrants) - len(due)
    rows, batches = [], _batches(due)
    for number, batch in enumerate(batches, start=1):
        predictions, reasons = _Desk(entrants, spreads, policy).decided(batch)
        rows += [_row(each) for each in predictions]
        abstained.update(reasons)
        on_slot(number, len(batches))
    return _with_facts(pd.DataFrame(rows, columns=_ROW), games, entrants, abstained)


def _batches(due: pd.DataFrame) -> list[pd.DataFrame]:
    """Return what is decided in one call: seasons where every game has one moment, else moments."""
    if due.drop_duplicates(["game_id", "as_of"])["game_id"].is_unique:
        return [part for _, part in due.groupby("season", sort=True)]
    return [part for _, part in due.groupby("as_of", sort=True)]


@dataclass(frozen=True)
class _Desk:
    """Decides rows of `_due` by the night's own code."""

    entrants: Sequence[Entrant]
    spreads: Mapping[int, Mapping[BetType, MarginDistribution]]
    policy: Policy

    def decided(self, batch: pd.DataFrame) -> tuple[list[Prediction], list[str]]:
        """Return the predictions of a batch of one season, and the reasons of what was not predicted.

        A slate's cap concerns its own stakes alone: where they stay below it, deciding many slates in one call gives
        what deciding each gives, at a fraction of the cost. Where they do not, that slate is decided by itself.
        """
        kelly = self.policy.kelly
        free = replace(self.policy, kelly=kelly.model_copy(update={"slate_cap": _NO_CAP}))
        slate, reasons = self._slate(batch, free)
        staked: defaultdict[pd.Timestamp, float] = defaultdict(float)
        for each in slate:
            staked[pd.Timestamp(each.as_of)] += each.kelly_fraction + 1e-6  # stakes are rounded down
        over = {as_of for as_of, total in staked.items() if total > kelly.slate_cap}
        kept = [each for each in slate if pd.Timestamp(each.as_of) not in over]
        for as_of in sorted(over):
            kept += self._slate(batch.loc[batch["as_of"] == as_of], self.policy)[0]
        return kept, reasons

    def _slate(self, rows: pd.DataFrame, policy: Policy) -> tuple[list[Prediction], list[str]]:
        season = int(rows["season"].iloc[0])
        scores = [_scores_due(entrant, rows, season) for entrant in self.entrants]
        asked = rows.drop_duplicates("game_id").set_index("game_id").sort_index()[["as_of", "kickoff", "stale"]]
        boards = {entrant.bet_type: entrant.board for entrant in self.entrants}
        slate = predict_slate(scores, asked, boards, self.spreads[season], policy)
        pairs = set(zip(rows["game_id"], rows["bet_type"], strict=True))
        reasons = [a.reason.value for a in slate.abstentions if (a.game_id, a.bet_type.value) in pairs]
        return list(slate.predictions), reasons


_ROW = tuple(name for name in DECISION_COLUMNS if name not in {"season", "week", "kickoff", "result_known_at"})


def _due(games: pd.DataFrame, entrants: Sequence[Entrant]) -> pd.DataFrame:
    """Return a row a game and bet type that is decided: game_id, bet_type, season, kickoff, as_of, stale."""
    parts = []
    for entrant in entrants:
        as_of = entrant.moments.as_of.loc[entrant.moments.decided].reindex(games.index).dropna()
        part = games.loc[as_of.index, ["season", "kickoff"]].assign(
            as_of=as_of, bet_type=entrant.bet_type.value, stale=entrant.stale.reindex(as_of.index)
        )
        parts.append(part.rename_axis("game_id").reset_index())
    return pd.concat(parts, ignore_index=True)


def _scores_due(entrant: Entrant, rows: pd.DataFrame, season: int) -> ModelScores:
    """Return the entrant's scores of the games it decides in these rows; of others it says nothing."""
    own = rows.loc[rows["bet_type"] == entrant.bet_type.value, "game_id"]
    scores = entrant.seasons[season]
    return replace(scores, probability=scores.probability.reindex(own.to_numpy()))


def _row(prediction: Prediction) -> dict[str, object]:
    """Return a prediction as a decision: probabilities and the line turned to the reference side."""
    bet_type, reference = prediction.bet_type, prediction.predicted_side == REFERENCE_SIDE[prediction.bet_type]
    line, fair = prediction.line_at_prediction, prediction.fair_probability
    away_spread = bet_type is BetType.SPREAD and not reference

    def turned(p: float) -> float:
        return p if reference else 1 - p

    return {
        "game_id": prediction.game_id,
        "bet_type": bet_type.value,
        "as_of": pd.Timestamp(prediction.as_of),
        "reference": reference,
        "probability": turned(prediction.probability),
        "model_probability": turned(prediction.model_probability),
        "calibrated_probability": turned(prediction.calibrated_probability),
        "fair": np.nan if fair is None else turned(fair),
        "push": prediction.push_probability,
        "edge": np.nan if prediction.edge is None else prediction.edge,
        "ev": np.nan if prediction.ev is None else prediction.ev,
        "kelly": prediction.kelly_fraction,
        "signal_tier": str(prediction.signal_tier),
        "line": np.nan if line is None else (-line if away_spread else line) + 0.0,
    }


def _with_facts(
    decisions: pd.DataFrame, games: pd.DataFrame, entrants: Sequence[Entrant], abstained: Counter[str]
) -> Decided:
    """Return the decisions with their games' facts and the prices offered; those without any price are no decisions."""
    if decisions.empty:
        return Decided(
            decisions.reindex(columns=[*DECISION_COLUMNS, *(f"offered_{side}" for side in SIDES)]), abstained
        )
    facts = games[["season", "week", "kickoff", "result_known_at"]]
    found = decisions.join(facts, on="game_id")
    parts = []
    for entrant in entrants:
        rows = found.loc[found["bet_type"] == entrant.bet_type.value]
        prices = entrant.board[["reference_price", "other_price"]].reindex(rows["game_id"].to_numpy())
        offered = dict(zip((f"offered_{side}" for side in SIDES), prices.to_numpy("float64").T, strict=True))
        parts.append(rows.assign(**offered))
    table = pd.concat(parts)
    priced = table[[f"offered_{side}" for side in SIDES]].notna().any(axis=1)
    abstained[NO_PRICE] = int((~priced).sum())
    return Decided(table.loc[priced].reset_index(drop=True), abstained)
