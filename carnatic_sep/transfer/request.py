"""One attempt at a transfer: what is missing of a file, from its server to the disk."""

from __future__ import annotations

import http.client
import os
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from carnatic_sep import __version__
from carnatic_sep.transfer.disk import check_space
from carnatic_sep.transfer.origin import OnProgress, Origin
from carnatic_sep.transfer.validator import Validator, forget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

_BLOCK_BYTES = 1 << 20
_LONGEST_WAIT_SECONDS = 60.0
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class TransferFailedError(Exception):
    """An attempt that brought less than the whole file.

    Attributes
    ----------
    passing : whether another attempt may well succeed
    wait_seconds : how long the server asks to be left alone; None if it does not say
    """

    def __init__(
        self, why: object, *, passing: bool = False, wait_seconds: float | None = None
    ) -> None:
        super().__init__(str(why))
        self.passing = passing
        self.wait_seconds = wait_seconds


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where a file grows.

    Attributes
    ----------
    partial : the unfinished file
    name : what the file will be called, for people
    elsewhere : as for :func:`carnatic_sep.transfer.disk.disk_errors`
    """

    partial: Path
    name: str
    elsewhere: str

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.partial.stat().st_size if self.partial.is_file() else 0


def receive(
    origin: Origin, to: Destination, *, on_progress: OnProgress, timeout_seconds: float
) -> None:
    """Append to what is there of a file what is missing, or write it anew if need be.

    Proxies are those of the environment (``http_proxy``, ``https_proxy``, ``no_proxy``).

    Raises
    ------
    TransferFailedError
        No connection, a refusal, or a body that broke off; what arrived stays.
    TransferError
        The disk has no room for what is missing.
    OSError
        The disk failed.
    """
    have = to.size
    try:
        response = _ask(origin, to, have=have, timeout_seconds=timeout_seconds)
    except _AllHereError:
        return
    with response:
        length = response.headers.get("Content-Length", "")
        body = int(length) if length.isdigit() else None
        if response.status == http.client.PARTIAL_CONTENT:
            start = _start(response.headers.get("Content-Range", ""), default=have)
            if start != have:
                to.partial.unlink(missing_ok=True)
                raise TransferFailedError(f"asked from byte {have:,}, got {start:,}", passing=True)
        else:
            have = 0
        total = origin.bytes if body is None else have + body
        if origin.bytes is not None and total != origin.bytes:
            raise TransferFailedError(f"it has {total:,} bytes there, not {origin.bytes:,}")
        if total is not None:
            check_space(to.partial.parent, total - have, elsewhere=to.elsewhere)
        if not have:
            _remember(origin, to, response)
        done = have
        with to.partial.open("ab" if have else "wb") as file:
            for block in _blocks(response, limit=_limit(origin, total) - have):
                file.write(block)
                done += len(block)
                on_progress(f"downloading {to.name}", done, total)
            file.flush()
            os.fsync(file.fileno())
    if total is not None and done < total:
        raise TransferFailedError(f"it broke off after {done:,} of {total:,} bytes", passing=True)


class _AllHereError(Exception):
    """The server has nothing beyond what is there already."""


def _ask(
    origin: Origin, to: Destination, *, have: int, timeout_seconds: float
) -> http.client.HTTPResponse:
    """Open the answer to a request for all of the file from byte `have` on."""
    headers = {"User-Agent": f"carnatic-sep/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        known = Validator.beside(to.partial)
        if known is not None and known.url == origin.url:
            headers["If-Range"] = known.value
    try:
        if urllib.parse.urlsplit(origin.url).scheme not in ("http", "https", "file"):
            raise ValueError("not an http, https or file address")
        request = urllib.request.Request(origin.url, headers=headers)
        opener = urllib.request.build_opener()  # urlopen's own keeps the proxies of its first use
        answer: http.client.HTTPResponse = opener.open(request, timeout=timeout_seconds)
        return answer
    except urllib.error.HTTPError as error:
        error.close()
        if have and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _AllHereError from error
        asked = error.headers.get("Retry-After", "") if error.headers else ""
        wait = min(float(asked), _LONGEST_WAIT_SECONDS) if asked.isdigit() else None
        raise TransferFailedError(
            f"{error.code} {error.reason}", passing=error.code in _PASSING, wait_seconds=wait
        ) from error
    except urllib.error.URLError as error:
        raise TransferFailedError(
            f"{_plain(error.reason)}{_way(origin.url)}",
            passing=isinstance(error.reason, (ConnectionResetError, TimeoutError)),
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise TransferFailedError(_plain(error), passing=True) from error
    except ValueError as error:
        raise TransferFailedError(error) from error


def _blocks(response: IO[bytes], *, limit: int) -> Iterator[bytes]:
    """Yield the body, no more than one byte beyond `limit`."""
    left = limit + 1
    while left > 0:
        try:
            block = response.read(min(_BLOCK_BYTES, left))
        except (OSError, http.client.HTTPException) as error:
            raise TransferFailedError(_plain(error), passing=True) from error
        if not block:
            return
        left -= len(block)
        yield block


def _limit(origin: Origin, total: int | None) -> int:
    """Return the bytes after which the file cannot be the one that is wanted."""
    return min(limit for limit in (total, origin.bytes, origin.at_most, 1 << 62) if limit)


def _remember(origin: Origin, to: Destination, response: http.client.HTTPResponse) -> None:
    """Keep what the server calls the file that begins to arrive."""
    forget(to.partial)
    validator = Validator.of(
        origin.url,
        etag=response.headers.get("ETag"),
        last_modified=response.headers.get("Last-Modified"),
    )
    if validator is not None:
        validator.keep(to.partial)


def _start(content_range: str, *, default: int) -> int:
    """Return the first byte that ``Content-Range`` announces.

    >>> _start("bytes 100-999/1000", default=7), _start("", default=7)
    (100, 7)
    """
    match = re.match(r"\s*bytes\s+(\d+)-", content_range)
    return int(match.group(1)) if match else default


def _plain(reason: object) -> str:
    """Return why a connection failed, without the number that comes with it."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted here: {reason.verify_message}"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__


def _way(url: str) -> str:
    """Say which proxy was used, by the variable that names it: its address may hold a password."""
    parts = urllib.parse.urlsplit(url)
    proxied = parts.scheme in urllib.request.getproxies()
    if not proxied or urllib.request.proxy_bypass(parts.hostname or ""):
        return ""
    return f", by way of the proxy that {parts.scheme}_proxy names"
