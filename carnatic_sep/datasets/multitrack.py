"""One recording with its microphones, stems, mixture and what is known about the music."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from carnatic_sep.errors import DatasetError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from carnatic_sep.audio.info import AudioInfo, FloatArray

MIXTURE = "mixture"
LENGTH_TOLERANCE_SECONDS = 0.1
"""By how much the files of a track may differ in length before it is told."""


@dataclass(frozen=True)
class Artist:
    """Somebody on the stage.

    Attributes
    ----------
    name : as the dataset spells it
    role : the instrument in small letters, or ``lead``
    """

    name: str
    role: str


@dataclass(frozen=True)
class Microphone:
    """One recorded track; several may feed one stem, as the two heads of a mridangam do."""

    name: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class Multitrack:
    """A recording as several files on one time line; making one opens none of them.

    The time line is as long as the longest file; shorter ones end in silence. Frames are counted
    at the rate in which samples are asked for.

    Attributes
    ----------
    id : name that no other track of the dataset has; may contain ``/``
    concert : the concert it belongs to: tracks of one concert share singer, players and room
    artists : who plays, as far as it is known
    mixture : file of the mixture, None where there is none
    stems : stem (``vocals``, ``violin``, ``mridangam``, ``other``) to its microphones
    tonic_hz : pitch of Sa, None if unknown
    raga, tala : as the dataset spells them, None if unknown
    annotations : any of ``pitch``, ``sama``, ``tempo``, ``sections``, ``tonic`` to its file
    licence : under which terms the audio may be used
    mixture_is_sum_of_stems : whether the mixture file is the plain sum of the stems; in live
        recordings it is a mixdown of its own, with other gains, delays and effects
    """

    id: str
    stems: Mapping[str, tuple[Microphone, ...]]
    concert: str = ""
    artists: tuple[Artist, ...] = ()
    mixture: Path | None = None
    tonic_hz: float | None = None
    raga: str | None = None
    tala: str | None = None
    annotations: Mapping[str, Path] = field(default_factory=dict)
    licence: str = ""
    mixture_is_sum_of_stems: bool = False

    @property
    def stem_names(self) -> tuple[str, ...]:
        """The stems that are there, in the order of the vocabulary."""
        return tuple(self.stems)

    @property
    def microphones(self) -> tuple[Microphone, ...]:
        """Every microphone, stem by stem."""
        return tuple(microphone for feeds in self.stems.values() for microphone in feeds)

    @property
    def files(self) -> tuple[Path, ...]:
        """Every audio file: the microphones', then the mixture's if there is one."""
        paths = tuple(microphone.path for microphone in self.microphones)
        return paths if self.mixture is None else (*paths, self.mixture)

    def info(self) -> tuple[int, int]:
        """Return sample rate (Hz) and length (frames) of the longest file.

        Raises
        ------
        AudioReadError
            A file is missing or cannot be opened.
        DatasetError
            The track has no audio at all.
        """
        if not self._infos:
            raise DatasetError(f"{self.id}: the track has no audio files; check its folder")
        longest = max(self._infos.values(), key=lambda info: info.duration_seconds or 0.0)
        return longest.sample_rate, longest.frames or 0

    def early_ends(self) -> dict[Path, float]:
        """Return the files that end before the longest one, and by how many seconds, if it matters.

        What is read past the end of a file is silence, so this is worth telling.

        Raises
        ------
        AudioReadError
            A file is missing or cannot be opened.
        """
        rate, frames = self.info()
        early = {
            path: frames / rate - (info.duration_seconds or 0.0)
            for path, info in self._infos.items()
        }
        return {
            path: seconds for path, seconds in early.items() if seconds > LENGTH_TOLERANCE_SECONDS
        }

    def read_stem(
        self,
        name: str,
        *,
        start: int = 0,
        frames: int | None = None,
        sample_rate: int | None = None,
    ) -> FloatArray:
        """Read a stretch of a stem, its microphones summed.

        Parameters
        ----------
        name : one of `stem_names`
        start, frames : the stretch, counted at `sample_rate`; to the track's end if None
        sample_rate : Hz; that of :meth:`info` if None

        Returns
        -------
        (channels, frames), float32; a mono microphone sounds on every channel of the others

        Raises
        ------
        AudioReadError
            A file cannot be read there.
        UnknownNameError
            The track has no such stem.
        UsageError
            The stretch begins before the track or has no length.
        """
        from carnatic_sep.datasets.track_audio import add

        if name not in self.stems:
            raise UnknownNameError(f"stem of {self.id}", name, list(self.stems))
        span = self._span(start, frames, sample_rate)
        return add(self._read(microphone.path, span) for microphone in self.stems[name])

    def read_microphones(
        self, *, start: int = 0, frames: int | None = None, sample_rate: int | None = None
    ) -> dict[str, FloatArray]:
        """Read a stretch of each microphone: its name to (channels, frames); see `read_stem`."""
        span = self._span(start, frames, sample_rate)
        return {
            microphone.name: self._read(microphone.path, span) for microphone in self.microphones
        }

    def read_mixture(
        self, *, start: int = 0, frames: int | None = None, sample_rate: int | None = None
    ) -> FloatArray:
        """Read a stretch of the mixture's file, or the sum of the stems; see `read_stem`.

        The stems are summed where there is no file, or where it is said to be nothing else.
        """
        from carnatic_sep.datasets.track_audio import add

        span = self._span(start, frames, sample_rate)
        if self.mixture is not None and not self._mixture_is_summed:
            return self._read(self.mixture, span)
        return add(self._read(microphone.path, span) for microphone in self.microphones)

    def blocks(
        self, *, block_frames: int, sample_rate: int | None = None
    ) -> Iterator[dict[str, FloatArray]]:
        """Yield stems and ``mixture`` side by side, block after block, the last one shorter.

        Memory holds one block, however long the track is.

        Parameters
        ----------
        block_frames : length of a block, frames at `sample_rate`
        sample_rate : Hz; that of :meth:`info` if None

        Raises
        ------
        AudioReadError
            A file cannot be decoded to its end.
        """
        from carnatic_sep.datasets.track_audio import add, stream_file

        if block_frames < 1:
            raise UsageError(f"block_frames is {block_frames}; a block needs at least one frame.")
        _, frames, rate = self._span(0, None, sample_rate)
        summed = self._mixture_is_summed
        paths = [m.path for m in self.microphones] if summed else list(self.files)
        streams = [
            stream_file(self._infos[p], block_frames=block_frames, frames=frames, sample_rate=rate)
            for p in paths
        ]
        for together in zip(*streams, strict=True):
            parts = iter(together)
            block = {name: add([next(parts) for _ in feeds]) for name, feeds in self.stems.items()}
            block[MIXTURE] = add(block.values()) if summed else next(parts)
            yield block

    @property
    def _mixture_is_summed(self) -> bool:
        return self.mixture is None or (self.mixture_is_sum_of_stems and bool(self.stems))

    @cached_property
    def _infos(self) -> dict[Path, AudioInfo]:
        from carnatic_sep.datasets.track_audio import file_info

        return {path: file_info(path) for path in self.files}

    def _span(self, start: int, frames: int | None, rate: int | None) -> tuple[int, int, int]:
        """Return start, length and rate of what is asked for."""
        from carnatic_sep.audio.resample import output_frames

        own_rate, own_frames = self.info()
        sample_rate = rate or own_rate
        if frames is None:
            frames = output_frames(own_frames, own_rate, sample_rate) - start
        if start < 0 or frames < 1:
            raise UsageError(
                f"{self.id}: {frames} frames from frame {start} on are no stretch of this track; "
                f"it has {output_frames(own_frames, own_rate, sample_rate)} at {sample_rate} Hz."
            )
        return start, frames, sample_rate

    def _read(self, path: Path, span: tuple[int, int, int]) -> FloatArray:
        from carnatic_sep.datasets.track_audio import read_file

        start, frames, rate = span
        return read_file(self._infos[path], start=start, frames=frames, sample_rate=rate)
