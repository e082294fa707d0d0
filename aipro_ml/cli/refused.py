"""What is said of files that were refused as a whole: one list at the end, and exit code 1."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from aipro_ml.errors import AiproError

if TYPE_CHECKING:
    from aipro_ml.sources.base import Finding

_WHOLE_FILE = "unreadable_file"
"""The finding of a file that could not be read among others that make one import."""


def raise_refused(refused: Sequence[AiproError], findings: Iterable["Finding"], done: str) -> None:
    """Raise AiproError that lists each file that could not be taken; `done` says what became of the others.

    A single file's own error is raised as it is. Nothing happens where no file was refused.
    """
    told = [str(error) for error in refused]
    told += [finding.message for finding in findings if finding.rule == _WHOLE_FILE]
    if len(told) == 1 and refused and not done:
        raise refused[0]
    if told:
        count = f"{len(told)} file" if len(told) == 1 else f"{len(told)} files"
        raise AiproError("\n  ".join([f"{count} refused as a whole{done}:", *told]))


def suspicions(findings: Iterable["Finding"]) -> list[str]:
    """Return a statement about each file in which spread and total are swapped too often to trust the rest."""
    return [
        f"{finding.file}: suspect file: {finding.value} have spread and total swapped"
        for finding in findings
        if finding.rule == "suspect_file"
    ]
