"""What is to be fetched: where it is, and which bytes exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A file elsewhere.

    Attributes
    ----------
    url : an http, https or file address
    sha256, md5 : checksums of its bytes in hexadecimal; at least one of them
    bytes : its length, where that is known
    at_most : bytes after which a transfer of unknown length is given up

    Raises
    ------
    ValueError
        Neither checksum: what cannot be checked is not fetched.
    """

    url: str
    sha256: str = ""
    md5: str = ""
    bytes: int | None = None
    at_most: int | None = None

    def __post_init__(self) -> None:
        if not self.checksums:
            raise ValueError(f"{self.url}: give sha256 or md5")

    @property
    def checksums(self) -> tuple[tuple[str, str], ...]:
        """Algorithm and checksum, the stronger first."""
        given = (("sha256", self.sha256), ("md5", self.md5))
        return tuple((algorithm, value.lower()) for algorithm, value in given if value)


class OnProgress(Protocol):
    """Whoever wants to know how far a long step is; `total` is None where nobody knows."""

    def __call__(self, step: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes or files of `step` are through."""


def unheard(step: str, done: int, total: int | None) -> None:
    """Be an :class:`OnProgress` that nobody listens to."""
