"""Files that somebody may bring to do harm, or by mistake: over two hundred, made on the spot from a few good ones.

A `Case` is a name, a kind (which reader is given it) and a function that makes the file in an empty folder.
"""

from helpers.hostile import clips, models, tables, trainings  # noqa: F401  each adds its cases
from helpers.hostile.base import CASES, SECRET, Case

__all__ = ["CASES", "SECRET", "Case"]
