"""Errors that a person reads.

FerError
├── MediaError      a clip or picture that cannot be used
│   └── LimitError  it could be read, but is larger or longer than allowed
├── ModelError      a model bundle that is missing, damaged or of another kind
├── DatasetError    a dataset that cannot be read
├── OptionError     a setting outside what is allowed
└── Cancelled       the person pressed Cancel; what was done so far is kept

Every message says what happened, what is allowed, and what to do next, in words for somebody who does not write code.
Pages and the command line catch FerError and show its text; anything else is a defect of ours.
"""

from __future__ import annotations

__all__ = ["Cancelled", "DatasetError", "FerError", "LimitError", "MediaError", "ModelError", "OptionError"]


class FerError(Exception):
    """Base of all errors whose text is fit to be shown."""


class MediaError(FerError):
    """A clip or picture that cannot be used."""


class LimitError(MediaError):
    """A clip or picture beyond the allowed size or length."""


class ModelError(FerError):
    """A model bundle that is missing, damaged or of another kind."""


class DatasetError(FerError):
    """A dataset that cannot be read."""


class OptionError(FerError):
    """A setting outside what is allowed."""


class Cancelled(FerError):
    """Work was stopped at the person's wish; what was done so far is kept."""
