"""Whether what somebody gave is a number at all."""

from __future__ import annotations

from numbers import Real

import numpy as np

from carnatic_sep.errors import UsageError


def is_number(value: object) -> bool:
    """Tell whether `value` is a real number, of Python or of NumPy.

    >>> is_number(np.float32(0.5)), is_number("0.5")
    (True, False)
    """
    return isinstance(value, Real)


def whole_number(value: object, *, what: str) -> int:
    """Return `value` as the whole number from 1 up that it must be.

    Raises
    ------
    UsageError
        Anything else, `what` it is for being named.
    """
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 1:
        return int(value)
    raise UsageError(f"{what} {value!r}: give a whole number, 1 or more")
