"""The season files of football-data.co.uk under the contract, one reading for each layout."""

from aipro_ml.sources import football_data
from tests.sources.contract import Content, Reading
from tests.sources.football_files import as_csv, betbrain_row, game_row, old_row, other_row


def _read(name):
    def read(content: Content):
        return football_data.read(content, name=name)

    return read


READINGS = [
    Reading("football-data 2019", _read("E0_1920.csv"), as_csv(game_row(), other_row())),
    Reading("football-data 2003", _read("SP1_0304.csv"), as_csv(old_row(), end="\r\n")),
    Reading("football-data renamed", _read("D1_1213_renamedcols.csv.gz"), as_csv(betbrain_row())),
]
