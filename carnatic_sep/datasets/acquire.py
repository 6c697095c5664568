"""Get a dataset: its public archives into its folder, checked and unpacked."""

from __future__ import annotations

from pathlib import Path

from carnatic_sep.datasets.download import fetch, unpack
from carnatic_sep.datasets.home import cached_indexes
from carnatic_sep.datasets.layout import RemoteFile
from carnatic_sep.datasets.registry import Dataset
from carnatic_sep.errors import UsageError
from carnatic_sep.transfer.origin import OnProgress


def download(
    dataset: Dataset,
    *,
    keep_packed: bool = False,
    on_progress: OnProgress | None = None,
) -> list[Path]:
    """Fetch what is public of `dataset` into its folder; what is there already is only checked.

    For Saraga Carnatic, addresses and checksums are mirdata's, and its index is fetched too.

    Parameters
    ----------
    keep_packed : leave archives packed
    on_progress : told about every step

    Returns
    -------
    the files fetched, archives first

    Raises
    ------
    DatasetError
        A transfer, a checksum or the disk failed; calling again goes on where it broke off.
    UsageError
        The dataset is not public, or mirdata is needed and missing.
    """
    archives, index = _remotes(dataset)
    if not archives:
        if not dataset.layout.how_to_get:
            raise UsageError(f"{dataset.root}: your own folder; there is nothing to download")
        raise UsageError(
            f"{dataset.layout.title} cannot be downloaded by a program. {dataset.layout.how_to_get}"
        )
    fetched = []
    for remote in archives:
        fetched.append(fetch(remote, dataset.root, on_progress=on_progress))
        if remote.unpack and not keep_packed:
            unpack(fetched[-1], dataset.root, on_progress=on_progress)
    if index is not None:
        fetched.append(fetch(index, cached_indexes(), on_progress=on_progress))
    return fetched


def _remotes(dataset: Dataset) -> tuple[list[RemoteFile], RemoteFile | None]:
    if dataset.layout.loader == "saraga":
        from carnatic_sep.datasets.saraga import remote_files

        return remote_files()
    return list(dataset.layout.download), None
