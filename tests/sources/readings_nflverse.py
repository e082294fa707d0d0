"""The nflverse games file and the simulated league under the contract."""

from aipro_ml.sources import nflverse, synthetic
from tests.sources.conftest import as_csv, game_row, other_row
from tests.sources.contract import Reading

READINGS = [
    Reading("nflverse", lambda content: nflverse.read(content, name="games.csv"), as_csv(game_row(), other_row())),
    Reading("synthetic", lambda _: synthetic.generate("NFL", seasons=1, books=2, seed=5), b"", is_text=False),
]
