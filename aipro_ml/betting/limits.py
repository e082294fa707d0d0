"""Limits of a stake: what one bet, one game and all open bets may take of a bankroll."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from aipro_ml.betting.bank import CENT, OverdraftError, kelly_stake
from aipro_ml.config import BetLimits
from aipro_ml.errors import GuardError


class LimitError(GuardError):
    """A stake is over a limit, or under the least one."""


@dataclass(frozen=True)
class Exposure:
    """What a bankroll holds, and what of it stands in open bets: on the game in question, and in all."""

    held: Decimal
    on_game: Decimal
    open: Decimal

    @property
    def bankroll(self) -> Decimal:
        """Return what shares are taken of: the balance and the open stakes, so that a slate's order plays no part."""
        return self.held + self.open


def sized(asked: Decimal | None, fraction: float, limits: BetLimits, exposure: Exposure) -> Decimal:
    """Return the stake: `asked`, or without it `fraction` (Kelly) of the bankroll, cut to what the limits leave.

    An asked stake is never cut: LimitError where it is over a limit, OverdraftError where it is not there. Either
    is refused under the least stake.
    """
    rooms = _rooms(limits, exposure)
    stake = min(kelly_stake(fraction, exposure.bankroll), exposure.held, *rooms.values()) if asked is None else asked
    if stake > exposure.held:
        raise OverdraftError(f"the bankroll holds {exposure.held}, the stake of {stake} is more: nothing was moved")
    for what, most in rooms.items():
        if stake > most:
            raise LimitError(f"a stake of {stake} is over {what}: {max(most, Decimal(0))} may still be staked")
    if stake < limits.minimum:
        told = "Kelly's stake, within the limits," if asked is None else "a stake"
        raise LimitError(f"{told} of {max(stake, Decimal(0))} is under the least one, {limits.minimum}")
    return stake


def _rooms(limits: BetLimits, exposure: Exposure) -> dict[str, Decimal]:
    """Return what each limit still leaves, in whole cents."""
    whole = exposure.bankroll
    rooms = {
        f"what one bet may take of the bankroll ({limits.bet_cap:%})": limits.bet_cap * whole,
        f"what one game may take ({limits.game_cap:%})": limits.game_cap * whole - exposure.on_game,
        f"what all open bets may take ({limits.open_cap:%})": limits.open_cap * whole - exposure.open,
    }
    return {what: most.quantize(CENT, ROUND_DOWN) for what, most in rooms.items()}
