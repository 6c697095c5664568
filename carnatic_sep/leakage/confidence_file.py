"""The confidence of a long recording, kept on disk while it grows."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from carnatic_sep.errors import AudioWriteError
from carnatic_sep.files import growing
from carnatic_sep.leakage.confidence import BANDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.leakage.clean import CleanReport


class ConfidenceFile:
    """Takes confidence piece by piece, and becomes an ``.npz`` of one array a microphone.

    Used as a context; without :meth:`commit` nothing is left behind.
    """

    def __init__(self, path: Path, names: list[str]) -> None:
        """Open a growing file beside `path`, for microphones `names`.

        Raises
        ------
        AudioWriteError
            It cannot be created.
        """
        self._path, self._names = path, names
        self._growing = path.with_name(f"{path.name}.growing.partial")
        self._columns = 0
        try:
            self._file: IO[bytes] = self._growing.open("wb")
        except OSError as error:
            raise _cannot(self._growing, error) from error

    def __enter__(self) -> ConfidenceFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._growing.unlink(missing_ok=True)

    def write(self, confidence: NDArray[np.float32]) -> None:
        """Append (microphones, bands, columns), in 0..1.

        Raises
        ------
        AudioWriteError
            It cannot be written.
        """
        levels = np.rint(confidence * 255.0).astype(np.uint8)
        try:
            self._file.write(np.ascontiguousarray(levels.transpose(2, 0, 1)).tobytes())
        except OSError as error:
            raise _cannot(self._growing, error) from error
        self._columns += confidence.shape[2]

    def commit(self, report: CleanReport) -> None:
        """Write the ``.npz``: per microphone (bands, columns), 0..255, and what bands are.

        Raises
        ------
        AudioWriteError
            It cannot be written.
        """
        try:
            self._file.flush()
            shape = self._columns, len(self._names), BANDS
            whole = np.memmap(self._growing, dtype=np.uint8, mode="r", shape=shape)
            arrays: dict[str, Any] = {
                name: whole[:, number].T for number, name in enumerate(self._names)
            }
            with growing(self._path) as place, place.open("wb") as file:
                np.savez_compressed(
                    file,
                    **arrays,
                    band_edges_hz=np.array(report.band_edges_hz),
                    column_seconds=np.array(report.column_seconds),
                )
        except OSError as error:
            raise _cannot(self._path, error) from error


def _cannot(path: Path, error: OSError) -> AudioWriteError:
    return AudioWriteError(f"{path}: cannot be written ({error.strerror})")
