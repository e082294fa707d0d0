"""Bets on predictions: placed before kick-off, at a price that is worth it, within the limits of the bankroll."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from aipro_ml.betting.bank import LARGEST_AMOUNT, ZERO, amount_of, due
from aipro_ml.betting.edge import expected_value
from aipro_ml.betting.kelly import full_kelly
from aipro_ml.betting.limits import Exposure, LimitError, sized
from aipro_ml.betting.odds import american_to_decimal, valid_american
from aipro_ml.config import BetLimits, bet_limits, policy_config
from aipro_ml.db.repositories import bets
from aipro_ml.db.repositories.bank import StoredBank
from aipro_ml.db.repositories.published_money import own_bet
from aipro_ml.enums import BetResult, GameStatus, Tier, TransactionType
from aipro_ml.errors import GuardError, StaleDataError, UsageError, printable
from aipro_ml.identity import derive_id
from aipro_ml.inference.policy import build_policy
from aipro_ml.jobs.actors import known_person, write_down
from aipro_ml.jobs.bank import Request, Teller, held_bank
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.grading import void_predictions
from aipro_ml.jobs.system_settings import policy_settings, settings_over
from aipro_ml.times import iso_utc

LONGEST_BOOK = 100


@dataclass(frozen=True)
class Wish:
    """A bet to place on the prediction whose id begins so; `stake` None: by Kelly.

    `odds` and `book` None: the prediction's. `again`: although an open bet on this prediction is there. `key`: whoever
    asks the same bet again under the same key gets the one that was placed, and no second is.
    """

    prediction: str
    stake: Decimal | None = None
    odds: int | None = None
    book: str | None = None
    again: bool = False
    key: str | None = None


@dataclass(frozen=True)
class Slip:
    """A placed bet: the prediction, the price taken, its tier and EV at that price, and the balance after it.

    `repeated`: it was placed before under the same key, and the balance is that of now.
    """

    bet_id: UUID
    offer: bets.Offer
    stake: Decimal
    odds: int
    book: str | None
    tier: Tier
    ev: float
    currency: str
    balance: Decimal
    repeated: bool = False


def place(engine: Engine, request: Request, wish: Wish) -> Slip:
    """Place a bet and take its stake from the bankroll, in one transaction.

    Exit code 3: StaleDataError once the game has begun, LimitError over a limit, OverdraftError where the money is
    not there, GuardError for a tier that is not bet on, a price at which the bet is expected to lose, a second open
    bet on the prediction that nobody asked for, and a disabled user.
    """
    with unit(engine, dry_run=request.dry_run) as connection:
        offer = _offer(connection, wish.prediction)
        limits = bet_limits().overridden(settings_over(connection, request.overrides, "bet."))
        stored, teller = held_bank(connection, request)
        if not known_person(connection, request.user).is_active:
            raise GuardError(f"the user {request.user} is disabled and may not bet")
        key = _id_of(stored.id, wish, teller)
        placed = None if wish.key is None else own_bet(connection, stored.user_id, key)
        if placed is not None:
            return _repeated(placed, offer, wish, stored)
        _refuse_begun(connection, offer, teller.moment)
        odds, book = _price(connection, offer, wish)
        tier, ev = _tier(offer, odds, limits, policy_settings(connection, request.overrides, offer.sport))
        open_bets = bets.open_bets(connection, stored.user_id)
        _refuse_second(offer, open_bets, wish)
        exposure = _exposure(teller, offer, open_bets)
        asked = None if wish.stake is None else amount_of(wish.stake, "stake")
        stake = sized(asked, _fraction(offer, odds, wish), limits, exposure)
        _refuse_unpayable(stake, odds)
        slip = Slip(key, offer, stake, odds, book, tier, ev, stored.currency, teller.balance.current - stake)
        _write(connection, request, teller, slip)
        return slip


def list_bets(engine: Engine, user: str | None, limit: int, *, open_only: bool = False) -> list[dict[str, Any]]:
    """Return the latest bets of the user, or of all."""
    with engine.connect() as connection:
        only = None if user is None else known_person(connection, user).id
        return bets.list_bets(connection, only, open_only=open_only, limit=limit)


def _id_of(bank_id: UUID, wish: Wish, teller: Teller) -> UUID:
    """Return the id of the bet to be: a key's bet is found again by it, whenever it is asked for."""
    if wish.key is None:
        return derive_id("bet", bank_id, iso_utc(teller.moment))
    return derive_id("bet", bank_id, "key", wish.key)


def _repeated(placed: Mapping[str, Any], offer: bets.Offer, wish: Wish, stored: StoredBank) -> Slip:
    """Return the bet of this key; GuardError where it is not the one that is asked for now."""
    key, stake, odds = placed["id"], placed["stake"], placed["odds"]
    same = placed["prediction_id"] == offer.id and wish.odds in {None, odds}
    if not same or (wish.stake is not None and amount_of(wish.stake, "stake") != stake):
        raise GuardError(f"bet {str(key)[:8]} was placed under this key, and it is another one: take a new key")
    ev = float(expected_value(offer.probability, american_to_decimal(odds), offer.push or 0.0))
    held = (stored.currency, stored.current)
    return Slip(key, offer, stake, odds, placed["book"], offer.tier, ev, *held, repeated=True)


def _offer(connection: Connection, reference: str) -> bets.Offer:
    found = bets.offers(connection, reference)
    if len(found) != 1:
        many = "no prediction begins" if not found else "more than one prediction begins"
        raise UsageError(f"{many} with {reference!r}: see `aipro predict list`")
    return found[0]


def _refuse_begun(connection: Connection, offer: bets.Offer, moment: datetime) -> None:
    if offer.status is not GameStatus.SCHEDULED or moment >= offer.kickoff:
        raise StaleDataError(f"{offer.game} ({iso_utc(offer.kickoff)}) has begun or is {offer.status}: no bet on it")
    if offer.moved and void_predictions(connection, offer.sport, [offer.id]):
        raise StaleDataError(f"{offer.game} was moved so far that the prediction is void: predict it again")


def _price(connection: Connection, offer: bets.Offer, wish: Wish) -> tuple[int, str | None]:
    """Return odds and book of the bet; another book's price must be said, for it is not the prediction's."""
    if wish.odds is None and wish.book is not None:
        raise UsageError("--book goes with --odds: the price this book gave")
    odds = offer.odds if wish.odds is None else wish.odds
    if odds is None:
        raise UsageError("the prediction had no price: give the one you took with --odds")
    if not valid_american(odds) or abs(odds) > 1_000_000:
        raise UsageError(f"odds {odds}: American odds are at least +100 or at most -100")
    if wish.book is None:
        return odds, offer.book
    book = printable(wish.book.strip())
    if not 0 < len(book) <= LONGEST_BOOK:
        raise UsageError(f"a book's name has 1 to {LONGEST_BOOK} characters")
    return odds, bets.book_named(connection, book)


def _tier(offer: bets.Offer, odds: int, limits: BetLimits, changed: Mapping[str, str]) -> tuple[Tier, float]:
    """Return tier and EV at the price taken: a worse price lowers the tier, a better one does not lift it."""
    policy = build_policy(policy_config(), offer.sport, changed)
    ev = float(expected_value(offer.probability, american_to_decimal(odds), offer.push or 0.0))
    tier = max(offer.tier, policy.tier(offer.bet_type, offer.probability, ev, offer.edge))
    if tier not in limits.tiers:
        allowed = ", ".join(limits.tiers)
        raise GuardError(f"the prediction is of tier {tier} at {odds:+d}; bets are placed on {allowed} only")
    if round(ev, 6) <= 0:
        raise GuardError(f"at {odds:+d} the bet is expected to lose ({ev:+.4f} a unit)")
    return tier, ev


def _refuse_second(offer: bets.Offer, open_bets: Sequence[bets.OpenBet], wish: Wish) -> None:
    twice = [bet for bet in open_bets if bet.prediction_id == offer.id]
    if twice and not wish.again:
        raise GuardError(
            f"bet {str(twice[0].id)[:8]} on this prediction is open already ({twice[0].stake}): --again places another"
        )


def _exposure(teller: Teller, offer: bets.Offer, open_bets: Sequence[bets.OpenBet]) -> Exposure:
    on_game = sum((bet.stake for bet in open_bets if bet.game_id == offer.game_id), ZERO)
    return Exposure(teller.balance.current, on_game, sum((bet.stake for bet in open_bets), ZERO))


def _fraction(offer: bets.Offer, odds: int, wish: Wish) -> float:
    """Return the Kelly fraction at the price taken: the published one, less in proportion where the price is worse."""
    if wish.stake is not None:
        return 0.0
    if offer.kelly is None or offer.odds is None:
        raise UsageError("the prediction has no Kelly fraction: give the stake with --stake")
    published, taken = (float(full_kelly(offer.probability, each)) for each in (offer.odds, odds))
    return offer.kelly * min(1.0, taken / published) if published > 0 else 0.0


def _refuse_unpayable(stake: Decimal, odds: int) -> None:
    if due(BetResult.WIN, stake, odds) > LARGEST_AMOUNT:
        raise LimitError(f"a stake of {stake} at {odds:+d} would win more than the {LARGEST_AMOUNT} a movement may be")


def _write(connection: Connection, request: Request, teller: Teller, slip: Slip) -> None:
    offer, placed_at = slip.offer, teller.moment
    row = {
        "id": slip.bet_id,
        "user_id": teller.user_id,
        "prediction_id": offer.id,
        "bankroll_id": teller.bank_id,
        "stake": slip.stake,
        "odds": slip.odds,
        "bet_type": offer.bet_type,
        "sportsbook": slip.book,
        "placed_at": placed_at,
    }
    bets.place(connection, row)
    teller.move(TransactionType.BET, -slip.stake, _told(slip), slip.bet_id)
    told = {"stake": str(slip.stake), "odds": slip.odds, "prediction": str(offer.id), "balance": str(slip.balance)}
    write_down(connection, request.actor, "bet.place", ("bets", slip.bet_id), told, placed_at)


def _told(slip: Slip) -> str:
    offer = slip.offer
    line = "" if offer.line is None else f" {offer.line:+g}" if offer.side in {"home", "away"} else f" {offer.line:g}"
    return f"{offer.game}: {offer.bet_type} {offer.side}{line} at {slip.odds:+d}" + (
        f", {slip.book}" if slip.book else ""
    )
