"""What a server called its file when a transfer began, so that only that file is gone on with."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Validator:
    """The name that a server gives one state of its file, kept beside what has arrived of it.

    Attributes
    ----------
    url : the address that was asked
    value : a strong ETag or a date, as it goes into ``If-Range``
    """

    url: str
    value: str

    @classmethod
    def of(cls, url: str, *, etag: str | None, last_modified: str | None) -> Validator | None:
        """Return what the headers of an answer give; None where they name nothing lasting.

        Source: RFC 9110, section 13.1.5: If-Range takes no weak ETag.
        """
        value = etag if etag and not etag.startswith("W/") else last_modified
        return cls(url, value) if value else None

    @classmethod
    def beside(cls, partial: Path) -> Validator | None:
        """Return what :meth:`keep` has written; None where that is missing or spoilt."""
        try:
            kept = json.loads(_path(partial).read_text(encoding="utf-8"))
            url, value = kept["url"], kept["value"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        plain = isinstance(url, str) and isinstance(value, str) and value.isprintable()
        return cls(url, value) if plain else None

    def keep(self, partial: Path) -> None:
        """Write this beside `partial`."""
        text = json.dumps({"url": self.url, "value": self.value})
        _path(partial).write_text(text, encoding="utf-8")


def forget(partial: Path) -> None:
    """Remove what is kept beside `partial`, if anything is."""
    with contextlib.suppress(FileNotFoundError):
        _path(partial).unlink()


def _path(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")
