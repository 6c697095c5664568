"""A file from elsewhere, fetched once: resumed, tried again, checked, and renamed at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from carnatic_sep.errors import TransferError
from carnatic_sep.transfer.digest import file_digest
from carnatic_sep.transfer.disk import disk_errors
from carnatic_sep.transfer.lock import only_one
from carnatic_sep.transfer.origin import OnProgress, Origin, unheard
from carnatic_sep.transfer.request import Destination, TransferFailedError, receive
from carnatic_sep.transfer.validator import forget

_UNFINISHED = ".partial"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a transfer is given.

    Attributes
    ----------
    timeout_seconds : of silence, after which a connection counts as broken
    waits : seconds before each further attempt after one that brought nothing new
    """

    timeout_seconds: float = 60.0
    waits: Sequence[float] = (1.0, 3.0, 9.0)


def fetch(
    origin: Origin,
    target: Path,
    *,
    elsewhere: str,
    replace: bool = False,
    patience: Patience | None = None,
    on_progress: OnProgress = unheard,
) -> Path:
    """Make sure that `target` holds exactly the file that `origin` describes.

    Nothing is asked of the network when it already does. What arrived before a break stays in
    ``TARGET.partial``, and this attempt or the next call goes on from there if the server can and
    still has the same file; else it starts over, as it does when the whole turns out wrong. Of
    several processes that want one file, one fetches it and the others wait.

    Parameters
    ----------
    elsewhere : what the user can do to have the file in another place, e.g. "give another --root"
    replace : whether another file that is at `target` may be replaced
    on_progress : told about every step

    Returns
    -------
    `target`

    Raises
    ------
    TransferError
        No network, a refusal, a transfer that broke off, other bytes than promised (nothing of
        them is kept), another file at `target`, or a disk that is full or may not be written.
    """
    patience = patience or Patience()
    with disk_errors(target, elsewhere=elsewhere):
        before = _stamp(target)
        if _is_there(origin, target, replace=replace, on_progress=on_progress):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)

        def waiting() -> None:
            on_progress(f"waiting for another download of {target.name}", 0, None)

        with only_one(target.with_name(f"{target.name}.lock"), waiting=waiting):
            changed = _stamp(target) != before  # whoever had the lock before us may have done it
            if changed and _is_there(origin, target, replace=replace, on_progress=on_progress):
                return target
            partial = target.with_name(f"{target.name}{_UNFINISHED}")
            to = Destination(partial=partial, name=target.name, elsewhere=elsewhere)
            _complete(origin, to, target, patience=patience, on_progress=on_progress)
            partial.replace(target)
            forget(partial)
    return target


def _stamp(target: Path) -> tuple[int, int, int] | None:
    try:
        there = target.stat()
    except FileNotFoundError:
        return None
    return there.st_ino, there.st_size, there.st_mtime_ns


def _is_there(origin: Origin, target: Path, *, replace: bool, on_progress: OnProgress) -> bool:
    """Tell whether nothing is to be done; raise if something that is there is in the way."""
    if target.is_dir():
        raise TransferError(f"{target}: a folder of that name is in the way; move it elsewhere")
    if not target.is_file():
        return False
    if _difference(origin, target, on_progress=on_progress) is None:
        return True
    if replace:
        return False
    raise TransferError(
        f"{target}: the file is not the one that {origin.url} offers (other checksum); delete or "
        "move it, then download again"
    )


def _difference(origin: Origin, path: Path, *, on_progress: OnProgress) -> str | None:
    """Say how `path` differs from what is promised; None if it does not."""
    if origin.bytes is not None and path.stat().st_size != origin.bytes:
        return f"{path.stat().st_size:,} bytes, not {origin.bytes:,}"
    name = path.name.removesuffix(_UNFINISHED)

    def checked(step: str, done: int, total: int | None) -> None:
        on_progress(f"checking {name}", done, total)

    for algorithm, wanted in origin.checksums:
        found = file_digest(path, algorithm, on_progress=checked)
        if found != wanted:
            return f"{'SHA-256' if algorithm == 'sha256' else 'MD5'} {found}, not {wanted}"
    return None


def _complete(
    origin: Origin,
    to: Destination,
    target: Path,
    *,
    patience: Patience,
    on_progress: OnProgress,
) -> None:
    """Let the partial file become the whole one; one that was begun earlier may prove wrong."""
    for begun_earlier in (to.size > 0, False):
        _persist(origin, to, target, patience=patience, on_progress=on_progress)
        difference = _difference(origin, to.partial, on_progress=on_progress)
        if difference is None:
            return
        to.partial.unlink()
        forget(to.partial)
        if not begun_earlier:
            break
    raise TransferError(
        f"{origin.url}: the file received is not the one expected ({difference}); it was removed. "
        "Try again, and if it fails again report it: the file at that address has changed"
    )


def _persist(
    origin: Origin,
    to: Destination,
    target: Path,
    *,
    patience: Patience,
    on_progress: OnProgress,
) -> None:
    """Try until all has arrived, for as long as every few attempts bring something new."""
    waits, most = iter(patience.waits), to.size
    while True:
        try:
            receive(origin, to, on_progress=on_progress, timeout_seconds=patience.timeout_seconds)
        except TransferFailedError as error:
            if to.size > most:
                waits, most = iter(patience.waits), to.size
            wait = next(waits, None) if error.passing else None
            if wait is None:
                raise _given_up(origin, to, target, error) from error
            wait = max(wait, error.wait_seconds or 0.0)
            on_progress(f"trying {to.name} again in {wait:.0f} s ({error})", 0, None)
            time.sleep(wait)
        else:
            return


def _given_up(
    origin: Origin, to: Destination, target: Path, error: TransferFailedError
) -> TransferError:
    have = to.size
    if not have and to.partial.exists():
        to.partial.unlink()
        forget(to.partial)
    kept = (
        f"the {have:,} bytes that arrived are kept, and the next try goes on from there"
        if have
        else "check the network connection and try again"
    )
    return TransferError(
        f"{origin.url}: the download failed ({error}); {kept}. Or fetch the file by other means "
        f"and put it at {target}"
    )
