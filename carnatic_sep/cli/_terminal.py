"""What every verb needs to talk to a person or to a pipe."""

from __future__ import annotations

import io
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from carnatic_sep.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells count it."""


def prepare_output() -> None:
    """Make names print that the terminal's encoding cannot show: escaped, not as an error.

    Where a stream was closed before the program began, what is printed goes nowhere.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # open until the program ends, as the stream would be that it stands for
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_error(error: object) -> None:
    """Print ``error: ...`` on stderr, on one line however wide it is."""
    print(f"error: {error}", file=sys.stderr, flush=True)


def make_console() -> Console:
    """Return a console on stdout; wide where stdout is no terminal, so that nothing is cut."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=200)


def require_extra(extra: str, *packages: str, purpose: str) -> None:
    """Check that the `packages` that `purpose` needs are installed, without importing them.

    Raises
    ------
    UsageError
        One is missing; the message says how to install it.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{purpose} needs {', '.join(missing)}: "
            f"install with pip install 'carnatic-sep[{extra}]'"
        )
