"""Public archives of datasets: fetched into the dataset's folder, checked, unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carnatic_sep.datasets.layout import RemoteFile
from carnatic_sep.errors import DatasetError, TransferError
from carnatic_sep.transfer import fetch as transfer
from carnatic_sep.transfer import unpack as archives
from carnatic_sep.transfer.origin import OnProgress, Origin, unheard

_ELSEWHERE = "choose another folder with --root"


def fetch(remote: RemoteFile, folder: Path, *, on_progress: OnProgress | None = None) -> Path:
    """Make sure that `folder` holds exactly the file that `remote` describes.

    What arrived before a break stays in ``NAME.partial``; another file of that name is never
    replaced. For the rest see :func:`carnatic_sep.transfer.fetch.fetch`.

    Raises
    ------
    DatasetError
        No network, an interrupted transfer, other bytes than promised, or a full disk.
    """
    origin = Origin(url=remote.url, sha256=remote.sha256, md5=remote.md5)
    with _as_dataset_errors():
        return transfer.fetch(
            origin,
            folder / remote.filename,
            elsewhere=_ELSEWHERE,
            on_progress=on_progress or unheard,
        )


def unpack(archive: Path, folder: Path, *, on_progress: OnProgress | None = None) -> None:
    """Unpack a zip or tar archive; see :func:`carnatic_sep.transfer.unpack.unpack`.

    Raises
    ------
    DatasetError
        A damaged archive, an entry that would land outside `folder`, or a full disk.
    """
    with _as_dataset_errors():
        archives.unpack(archive, folder, elsewhere=_ELSEWHERE, on_progress=on_progress or unheard)


@contextmanager
def _as_dataset_errors() -> Iterator[None]:
    try:
        yield
    except TransferError as error:
        raise DatasetError(str(error)) from error
