"""How the engine tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Whoever wants to know how a separation goes; both methods are called from its thread."""

    def update(self, *, done_seconds: float, total_seconds: float | None) -> None:
        """`done_seconds` of the recording's audio are separated and written."""

    def warn(self, message: str) -> None:
        """Something went otherwise than asked, and the separation goes on."""


class Silent:
    """Progress that nobody watches."""

    def update(self, *, done_seconds: float, total_seconds: float | None) -> None:
        """Do nothing."""

    def warn(self, message: str) -> None:
        """Do nothing."""
