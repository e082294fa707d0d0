"""Small invented season files in the layouts of football-data.co.uk, whose cells tests can spoil."""

import csv
import io

Row = dict[str, str]


def book(stem: str, home: str = "1.9", draw: str = "3.5", away: str = "4.33") -> Row:
    """The three-way columns of a book."""
    return {f"{stem}H": home, f"{stem}D": draw, f"{stem}A": away}


def game_row(**cells: str) -> Row:
    """One good match of 2019/20 with prices before the match and at the close."""
    row = {
        "Div": "E0", "Date": "17/08/2019", "Time": "15:00", "HomeTeam": "Arsenal", "AwayTeam": "Burnley",
        "FTHG": "2", "FTAG": "1", "FTR": "H", "HTHG": "1", "HTAG": "1", "HTR": "D", "Referee": "M Dean",
        "HS": "15", "AS": "18", "HC": "11", "AC": "7", "AR": "0", **book("B365"), **book("PS", "1.95", "3.6", "4.4"),
        **book("Max", "2.05", "3.8", "4.6"), **book("Avg", "1.93", "3.55", "4.3"),
        "B365>2.5": "1.8", "B365<2.5": "2", "P>2.5": "1.83", "P<2.5": "2.06",
        "AHh": "-0.75", "B365AHH": "2.1", "B365AHA": "1.8", "PAHH": "2.13", "PAHA": "1.8",
        **book("B365C", "1.85", "3.5", "4.5"), **book("PSC", "1.88", "3.61", "4.65"),
        "B365C>2.5": "1.75", "B365C<2.5": "2.05", "AHCh": "-0.5", "PCAHH": "1.88", "PCAHA": "2.04",
    }  # fmt: skip
    return row | cells


def other_row(**cells: str) -> Row:
    """A second good match, so that tests see good rows land."""
    mine = {"HomeTeam": "Man United", "AwayTeam": "Nott'm Forest", "Date": "19/08/2019", "Time": "20:00"}
    return game_row(**(mine | {"FTHG": "0", "FTAG": "0", "FTR": "D"} | cells))


def old_row(**cells: str) -> Row:
    """A match of 2003/04: no times, no closing prices, each book with a handicap of its own."""
    row = {
        "Div": "SP1", "Date": "30/08/03", "HomeTeam": "Ath Bilbao", "AwayTeam": "La Coruna", "FTHG": "0",
        "FTAG": "1", "FTR": "A", **book("B365", "2.2", "3.2", "3"), **book("GB", "2.25", "3.2", "2.8"),
        "GB>2.5": "1.9", "GB<2.5": "1.8", "GBAHH": "1.6", "GBAHA": "2.3", "GBAH": "0",
        "B365AHH": "1.9", "B365AHA": "2", "B365AH": "-0.25", "Unnamed: 48": "",
    }  # fmt: skip
    return row | cells


def betbrain_row(**cells: str) -> Row:
    """A German match of 2012/13 in the other spelling of the columns, with Betbrain's averages and maxima."""
    row = {
        "Div": "D1", "Date": "01/09/12", "HomeTeam": "Greuther Furth", "AwayTeam": "FC Koln", "FTHG": "1",
        "FTAG": "1", "FTR": "D", **book("WH", "2.1", "3.25", "3.4"), **book("PSC", "2.12", "3.4", "3.6"),
        "Bb1X2": "39", "BbMxH": "2.2", "BbAvH": "2.08", "BbMxD": "3.5", "BbAvD": "3.3", "BbMxA": "3.75",
        "BbAvA": "3.45", "BbOU": "33", "BbMx_2_5": "2.05", "BbAv_2_5": "1.98", "BbMx_2_5_1": "1.95",
        "BbAv_2_5_1": "1.82", "BbAH": "23", "BbAHh": "-0.25", "BbMxAHH": "1.85", "BbAvAHH": "1.8",
        "BbMxAHA": "2.15", "BbAvAHA": "2.08",
    }  # fmt: skip
    return row | cells


def as_csv(*rows: Row, end: str = "\n") -> bytes:
    """These rows as the bytes of a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
