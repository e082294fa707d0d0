"""The calendar of a simulated league in the NFL's shape: 8 divisions of 4, 17 weeks, 14 teams in the play-offs."""

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Slot = tuple[int, str]
"""Days after the week's Thursday, and Eastern time."""

DIVISIONS, DIVISION_SIZE = 8, 4
TEAMS = DIVISIONS * DIVISION_SIZE
WEEKS = 17
WITHIN_FOUR = (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2)))
"""The three ways to pair four things: teams of a division, or divisions of a conference."""

PRIME_SLOTS: tuple[Slot, ...] = ((0, "20:15"), (3, "20:20"), (4, "20:15"))
SUNDAY_SLOTS: tuple[Slot, ...] = (*[(3, "13:00")] * 9, *[(3, "16:05")] * 2, *[(3, "16:25")] * 2)
PLAYOFF_SLOTS: tuple[tuple[Slot, ...], ...] = (
    ((2, "16:30"), (2, "20:15"), (3, "13:00"), (3, "16:30"), (3, "20:15"), (4, "20:15")),
    ((2, "16:30"), (2, "20:15"), (3, "15:00"), (3, "18:30")),
    ((3, "15:00"), (3, "18:30")),
    ((10, "18:30"),),
)


def opening_thursday(season: int) -> date:
    """Return the Thursday after the first Monday of September."""
    first = date(season, 9, 1)
    return first + timedelta(days=(-first.weekday()) % 7 + 3)


def regular_season(rng: np.random.Generator, table: IntArray, season: int) -> IntArray:
    """Return teams (home, away) by week and game, shape (17, 16, 2).

    `table` holds the teams of each division (8, 4) by last season's place; a conference is four divisions in a
    row. As in the NFL: 6 games in the division, 4 against a division of the own and 4 against one of the other
    conference (both rotating by season), 3 against teams of the same place elsewhere.
    """
    kept, *crossed = np.roll(WITHIN_FOUR, -(season % 3), axis=0).tolist()
    across = [(d, 4 + (d + season) % 4) for d in range(4)]
    placed = [(d, 4 + (d + season + 2) % 4) for d in range(4)]
    rounds = [
        *_division_rounds(table),
        *_full_rounds(table, _both_conferences(kept)),
        *_full_rounds(table, across),
        _place_round(table, _both_conferences(crossed[0])),
        _place_round(table, [(b, a) for a, b in _both_conferences(crossed[1])]),
        _place_round(table, placed if season % 2 else [(b, a) for a, b in placed]),
    ]
    order = rng.permutation(len(rounds) - 1) + 1
    return np.stack([rounds[i] for i in [*order, 0]])  # the season ends inside the divisions


def _both_conferences(pairs: list[list[int]]) -> list[tuple[int, int]]:
    return [(base + a, base + b) for base in (0, 4) for a, b in pairs]


def _division_rounds(table: IntArray) -> list[IntArray]:
    rounds = []
    for pairs in WITHIN_FOUR:
        games = np.concatenate([table[:, list(pair)] for pair in pairs])
        rounds += [games, games[:, ::-1]]
    return rounds


def _full_rounds(table: IntArray, pairs: list[tuple[int, int]]) -> list[IntArray]:
    """Return four rounds in which each team of a division meets each of another, twice at home."""
    first, second = table[[a for a, _ in pairs]], table[[b for _, b in pairs]]
    rounds = [np.stack([first, np.roll(second, shift, axis=1)], axis=-1).reshape(-1, 2) for shift in range(4)]
    return [games if shift % 2 else games[:, ::-1] for shift, games in enumerate(rounds)]


def _place_round(table: IntArray, pairs: list[tuple[int, int]]) -> IntArray:
    first, second = table[[a for a, _ in pairs]], table[[b for _, b in pairs]]
    return np.stack([first, second], axis=-1).reshape(-1, 2)


def week_slots(rng: np.random.Generator, longitudes: npt.NDArray[np.float64]) -> list[Slot]:
    """Return the kick-off slot of each of a week's 16 games: three by chance in prime time, the west late."""
    slots: list[Slot] = [(0, "")] * len(longitudes)
    mixed = rng.permutation(len(longitudes))
    for game, slot in zip(mixed[:3], PRIME_SLOTS, strict=True):
        slots[game] = slot
    by_day = mixed[3:][np.argsort(-longitudes[mixed[3:]], kind="stable")]
    for game, slot in zip(by_day, SUNDAY_SLOTS, strict=True):
        slots[game] = slot
    return slots


def standings(table: IntArray, strength_of_record: npt.NDArray[np.float64]) -> IntArray:
    """Return the teams of each division (8, 4), the best record first."""
    order = np.argsort(-strength_of_record[table], axis=1, kind="stable")
    return np.take_along_axis(table, order, axis=1)


def seeds(table: IntArray, strength_of_record: npt.NDArray[np.float64]) -> list[list[int]]:
    """Return the seven seeds of each conference: four division winners by record, then three others."""
    placed = standings(table, strength_of_record)
    found = []
    for rows in (placed[:4], placed[4:]):
        winners, others = rows[:, 0], rows[:, 1:].ravel()
        ranked = [group[np.argsort(-strength_of_record[group], kind="stable")] for group in (winners, others)]
        found.append([int(team) for team in (*ranked[0], *ranked[1][:3])])
    return found


def playoff_round(alive: list[list[int]]) -> IntArray:
    """Return the games (n, 2) of a round; `alive` are each conference's teams by seed, the better hosts.

    Of seven the first rests; the best then meets the worst that is left. One team each: the final.
    """
    if all(len(teams) == 1 for teams in alive):
        return np.array([[alive[0][0], alive[1][0]]])
    games = []
    for teams in alive:
        playing = teams[len(teams) % 2 :]
        half = len(playing) // 2
        games += list(zip(playing[:half], reversed(playing[half:]), strict=True))
    return np.array(games)
