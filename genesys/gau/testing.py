"""The decorator that marks a unit's own tests (app. B.1.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])

MARK = "__gau_test__"


def gau_test(function: Test) -> Test:
    """Mark a function of a unit file as a unit test.

    The function takes ``device`` and ``dtype`` and returns nothing; the checker calls it in a
    sandbox worker, captures what it prints, and reports an exception as a failure.
    """
    setattr(function, MARK, True)
    return function


def is_gau_test(value: object) -> bool:
    """Whether ``value`` was decorated with :func:`gau_test`."""
    return callable(value) and getattr(value, MARK, False) is True
