"""Blocks of stems into one file per stem: complete under its final name, or not there at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np

from carnatic_sep.audio.decode_soundfile import SoundfileDecoder
from carnatic_sep.audio.encoder import EncodedFile
from carnatic_sep.audio.formats import BitDepth, FormatName, OutputFormat
from carnatic_sep.audio.info import FloatArray
from carnatic_sep.audio.quantise import SAFE_PEAK
from carnatic_sep.audio.timecode import timecode
from carnatic_sep.audio.wav64 import WavFile
from carnatic_sep.errors import AudioReadError, AudioWriteError, UsageError
from carnatic_sep.files import is_directory, partial, reason, sync_directory

__all__ = ["BitDepth", "FormatName", "OutputFormat", "StemWriter"]


class _Sink(Protocol):
    def write(self, block: FloatArray) -> None: ...

    def close(self) -> None: ...


class StemWriter:
    """Write several stems of one recording side by side.

    Every file grows as ``NAME.EXT.partial`` and gets its final name in :meth:`commit`, when all
    stems are complete. Leaving the context by an exception, or without a commit, keeps the partial
    files (lossy formats: ``NAME.EXT.wav.partial``, 32-bit float WAV) and touches nothing else.

    Integer and lossy formats never clip: when a sample exceeds full scale, one gain is chosen for
    all stems, applied from there on, and what was written before is brought to the same level in
    the commit. In that case integers are rounded twice, by up to one step in all; else by half.

    Parameters
    ----------
    paths : stem name to final path; directories are made as needed
    sample_rate : Hz
    channels : channels of every stem
    output_format : see :class:`OutputFormat`
    overwrite : replace files that exist under the final names
    gain : factor for all stems from the start
    expected_frames : length of the stems where it is known (WAV past 4 GiB is RF64 either way)

    Raises
    ------
    UsageError
        The format cannot hold this rate or these channels, or two stems share a path.
    AudioWriteError
        A final name is taken (and `overwrite` is off), or a file cannot be created.

    Examples
    --------
    >>> with StemWriter(paths, sample_rate=44100, channels=2, ...) as writer:  # doctest: +SKIP
    ...     for stems in blocks:
    ...         writer.write(stems)
    ...     gain = writer.commit()
    """

    def __init__(
        self,
        paths: Mapping[str, str | Path],
        *,
        sample_rate: int,
        channels: int,
        output_format: OutputFormat,
        overwrite: bool = False,
        gain: float = 1.0,
        expected_frames: int | None = None,
    ) -> None:
        output_format.check(sample_rate, channels)
        self._paths = {stem: Path(path) for stem, path in paths.items()}
        self._rate = sample_rate
        self._channels = channels
        self._format = output_format
        self._expected_frames = expected_frames
        self._frames = 0
        self._pieces = [(0, gain)]  # (first frame, gain) of each stretch written so far
        self._committed = False
        self._sinks: dict[str, _Sink] = {}
        self._check_names(overwrite)
        for stem, path in self._paths.items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._sinks[stem] = self._open(self._growing(path), spool=output_format.lossy)
            except OSError as error:
                self._close_quietly()
                for opened in self._sinks:
                    self._growing(self._paths[opened]).unlink(missing_ok=True)
                raise AudioWriteError(
                    f"{path}: the file cannot be created ({reason(error)}); choose another "
                    "output directory with --out, or change its permissions."
                ) from error

    def __enter__(self) -> StemWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._committed:
            self._close_quietly()

    @property
    def gain(self) -> float:
        """The common gain as it stands."""
        return self._pieces[-1][1]

    @property
    def partial_paths(self) -> list[Path]:
        """The unfinished files."""
        return [self._growing(path) for path in self._paths.values()]

    def write(self, blocks: Mapping[str, FloatArray]) -> None:
        """Append one block per stem, float32 (channels, n), the same n for all.

        Raises
        ------
        ValueError
            Stems or shapes differ from what was announced.
        AudioWriteError
            The disk refuses, or a sample is NaN or infinite; partial files are kept.
        """
        self._check_blocks(blocks)
        frames = next(iter(blocks.values())).shape[1]
        if frames == 0:
            return
        peaks = {stem: float(np.abs(block).max()) for stem, block in blocks.items()}
        for stem, peak in peaks.items():
            if not np.isfinite(peak):
                raise AudioWriteError(
                    f"{self._paths[stem]}: stem {stem!r} is not finite in the block at "
                    f"{self._place()}; {self._kept()} Please report this with the model's name."
                )
        peak = max(peaks.values())
        holds_any = self._format.bits is None and not self._format.lossy
        if not holds_any and peak * self.gain > 1.0:
            self._pieces.append((self._frames, SAFE_PEAK / peak))
        factor = np.float32(1.0 if self._format.lossy else self.gain)
        for stem, block in blocks.items():
            audio = block.astype(np.float32, copy=False)
            try:
                self._sinks[stem].write(audio if factor == 1.0 else audio * factor)
            except OSError as error:
                raise self._failed(stem, error) from error
        self._frames += frames

    def commit(self) -> float:
        """Finish every file, bring all to the common gain, and give them their final names.

        Returns
        -------
        float
            The gain that the whole of every stem carries.

        Raises
        ------
        AudioWriteError
            The disk refuses, or nothing was written; partial files are kept.
        """
        if self._committed:
            raise ValueError("the stems are committed already")
        if self._frames == 0:
            raise AudioWriteError(
                f"{next(iter(self._paths.values()))}: no audio was written; {self._kept()}"
            )
        for stem, path in self._paths.items():
            try:
                self._sinks[stem].close()
                self._finish(path)
            except (OSError, AudioReadError) as error:
                raise self._failed(stem, error) from error
        for stem, path in self._paths.items():
            try:
                partial(path).replace(path)
                if self._format.lossy:
                    self._growing(path).unlink()
                sync_directory(path.parent)
            except OSError as error:
                raise self._failed(stem, error) from error
        self._committed = True
        return self.gain

    def _finish(self, path: Path) -> None:
        """Turn the closed file that grew into the complete ``NAME.EXT.partial``."""
        source = self._growing(path)
        if not self._format.lossy and len(self._pieces) == 1:
            return
        target = partial(path) if self._format.lossy else partial(path, "rescaled")
        starts = np.array([first for first, _ in self._pieces])
        gains = np.array([1.0 if self._format.lossy else gain for _, gain in self._pieces])
        decoder = SoundfileDecoder(source)
        sink = self._open(target, spool=False)
        try:
            done = 0
            for block in decoder.chunks():
                frames = np.arange(done, done + block.shape[1])
                written = gains[np.searchsorted(starts, frames, side="right") - 1]
                sink.write((block * (self.gain / written)).astype(np.float32))
                done += block.shape[1]
        finally:
            decoder.close()
            sink.close()
        if not self._format.lossy:
            target.replace(source)

    def _open(self, path: Path, *, spool: bool) -> _Sink:
        if spool or self._format.name == "wav":
            return WavFile(
                path,
                sample_rate=self._rate,
                channels=self._channels,
                bit_depth="32f" if spool else self._format.bit_depth,
                expected_frames=self._expected_frames,
            )
        return EncodedFile(
            path,
            sample_rate=self._rate,
            channels=self._channels,
            output_format=self._format,
        )

    def _growing(self, path: Path) -> Path:
        """Name the file that blocks are written to."""
        return partial(path, "wav") if self._format.lossy else partial(path)

    def _check_names(self, overwrite: bool) -> None:
        if not self._paths:
            raise UsageError("there is no stem to write; name at least one.")
        if len({path.absolute() for path in self._paths.values()}) < len(self._paths):
            names = ", ".join(map(str, self._paths.values()))
            raise UsageError(
                f"two stems would be written to one file ({names}); put {{stem}} in --filename."
            )
        for path in self._paths.values():
            if is_directory(path):
                raise AudioWriteError(
                    f"{path}: there is a directory of this name; choose another --out."
                )
            if os.path.lexists(path) and not overwrite:
                raise AudioWriteError(
                    f"{path}: the file exists and is kept; add --overwrite to replace it, or "
                    "choose another --out."
                )

    def _check_blocks(self, blocks: Mapping[str, FloatArray]) -> None:
        if self._committed:
            raise ValueError("the stems are committed already")
        if set(blocks) != set(self._paths):
            raise ValueError(f"blocks are {sorted(blocks)}, the stems are {sorted(self._paths)}")
        shapes = {block.shape for block in blocks.values()}
        if len(shapes) != 1 or len(shape := shapes.pop()) != 2 or shape[0] != self._channels:
            raise ValueError(f"every block must be ({self._channels}, frames), equally long")

    def _failed(self, stem: str, error: Exception) -> AudioWriteError:
        return AudioWriteError(
            f"{self._paths[stem]}: writing stopped at {self._place()} ({reason(error)}); "
            f"{self._kept()} Free some space or choose another --out, then run again."
        )

    def _kept(self) -> str:
        return "what was written so far is kept as *.partial."

    def _place(self) -> str:
        return timecode(self._frames / self._rate)

    def _close_quietly(self) -> None:
        """Close what is open after a failure that is already being reported."""
        for sink in self._sinks.values():
            with suppress(OSError):
                sink.close()
