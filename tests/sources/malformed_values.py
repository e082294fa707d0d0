"""Values that are no good in a column of each kind, for malformed variants."""

from collections.abc import Sequence
from typing import Any

LOOKS_LIKE = "\u0410"  # a Cyrillic letter that looks like A

TEXTS = [
    "x" * 300, "=1+1", "=HYPERLINK(\"http://x\")", "+cmd|' /C calc'!A0", "<b>1</b>", "a\nb", "\x1b[31m1", "\u202e1",
    "\u200bx", LOOKS_LIKE, "🏈", "null", "undefined", "#REF!", "#N/A",
]  # fmt: skip
"""What stands in cells of any kind after a spreadsheet, a scraper or a joke."""

FEW_TEXTS = ["x" * 300, "=1+1", "a\nb", "\u202e1", "#REF!"]
DAYS = [
    "31/02/2022", "30/02/2022", "02/30/2022", "2022-02-30", "2022-13-45", "2022-00-10", "0001-01-01", "9999-12-31",
    "44815", "1662595200", "2022-09-08T20:20:00+99:00", "next Saturday", "8 Sept", "٢٠٢٢-٠٩-٠٨", "２０２２-09-08", "-1",
    "1e3", "NaT", "NaN", "--", *FEW_TEXTS,
]  # fmt: skip
CLOCKS = [
    "25:00", "13:61", "24:00:61", "noon", "TBA", "-1:00", "13.30", "13:00+02:00", "１３:００", "0.75", "NaN", "1",
    "99:99 PM", *FEW_TEXTS,
]  # fmt: skip
MOMENTS = [
    "2025-10-17", "2025-10-17T23:00:00", "2025-02-30T23:00:00Z", "2025-13-17T23:00:00Z", "2025-10-17T25:00:00Z",
    "1925-10-17T23:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "17/10/2025 23:00", "10/17/2025 23:00",
    "1760742000", "45947.5", "２０25-10-17T23:00:00Z", "2025-10-17T23:00:00+99:00", "now", "NaN", "-1", *FEW_TEXTS,
]  # fmt: skip
SEASONS = ["x", "22", "0001", "9999", "2022.5", "-2022", "２０２２", "1e3", "NaN", "inf", "2022/23", *FEW_TEXTS]
WEEKS = ["x", "-1", "1.5", "999", "99999999999999999999", "１", "1e1", "NaN", "inf", *FEW_TEXTS]
SCORES = [
    "-1", "1.5", "two", "1000000000", "1e2", "1e308", "inf", "NaN", "0x1F", "--", "９７", "10 0", "1,0", "+-3", "½",
    "-2147483648", *FEW_TEXTS,
]  # fmt: skip
AMERICAN = [
    "0", "-99", "99", "50", "1.0", "1.91", "-110.5", "NaN", "nan", "inf", "-inf", "1e308", "-2147483648", "2147483647",
    "1e3", "+", "--110", "-110-110", "−110", "１５０", "9" * 20, "even", "110%", "$110", "1,100", *FEW_TEXTS,
]  # fmt: skip
DECIMAL = [
    "0", "1", "1.0", "1.0000", "0.5", "-99", "-110", "NaN", "inf", "1e308", "5000", "-2147483648", "1e1", "evens",
    "2,5", "−1.9", "11/10", "１.９", "9" * 20, "1.9.0", *FEW_TEXTS,
]  # fmt: skip
SPREADS = [
    "3.3", "1.28", "101", "-999", "NaN", "inf", "-inf", "1e1", "1e308", "+-3", "3,5", "−3.5", "３", "(3.5)", "3½",
    "9" * 30, "-2147483648", "--", *FEW_TEXTS,
]  # fmt: skip
TOTALS = [
    "0", "-195", "99999", "NaN", "inf", "195.3", "1e2", "1e308", "195,5", "１９５", "195½", "9" * 30, "-2147483648",
    "--", *FEW_TEXTS,
]  # fmt: skip
TEAMS = [
    "",
    "0",
    "Narnia",
    "-",
    "x" * 5000,
    "F.C. Nowhere",
    "Miami Hurricane Lamps",
    "\x00".replace("\x00", "?"),
    *TEXTS,
]
FLAGS = ["x", "2", "-1", "yes", "NaN", "0.5", *FEW_TEXTS]
NUMBERS = ["x", "NaN", "inf", "1e5", "1e308", "1,5", "12 3", "１２", "0x1F", "½", "--", *FEW_TEXTS]
JSON_VALUES = [True, [], [1], {}, {"a": 1}, float("nan"), float("inf"), 1e308, -1e400]


def without(values: Sequence[Any], *kept: Any) -> list[Any]:
    """Return `values` less those that are good in this column."""
    return [value for value in values if value not in kept]
