import inspect

import pytest

from fer_core import errors
from fer_core.errors import Cancelled, FerError, LimitError, MediaError
from fer_core.utils.jobs import Busy

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", [*CLASSES, Busy])
def test_pages_need_to_catch_one_error_only(kind):
    assert issubclass(kind, FerError)
    assert str(kind("What happened. What to do.")) == "What happened. What to do."
    assert kind.__doc__


def test_the_tree_in_the_docstring_is_the_tree():
    tree = errors.__doc__.split("\n\n")[1]
    assert {c.__name__ for c in CLASSES} == set(errors.__all__)
    for kind in CLASSES:
        line = next(line for line in tree.splitlines() if kind.__name__ in line.split())
        depth = (len(line) - len(line.lstrip("│├└─ "))) // 4
        assert depth == len(kind.__mro__) - len(FerError.__mro__), line


def test_a_cancelled_run_is_not_taken_for_a_bad_clip():
    assert not issubclass(Cancelled, MediaError)
    assert issubclass(LimitError, MediaError)
