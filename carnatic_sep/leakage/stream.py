"""Recordings of any length through the cleaner, segment after segment, cross-faded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.leakage.config import CleanConfig, window_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Audio = NDArray[np.float32]

Read = Callable[[int, int], "Audio"]
"""From (start, frames) to (microphones, frames)."""


@dataclass(frozen=True)
class Piece:
    """The next stretch of cleaned microphones.

    Attributes
    ----------
    audio : (microphones, frames), what follows the piece before
    confidence : (microphones, bands, columns), likewise
    outcome : what each microphone got, see `segment.Segment`
    solo_removed_db : see `segment.Segment`
    recorded, removed : (microphones,), energies of what came in and of what was taken out
    done : frames up to which all is through
    """

    audio: Audio
    confidence: Audio
    outcome: list[str]
    solo_removed_db: list[float]
    recorded: NDArray[np.float64]
    removed: NDArray[np.float64]
    done: int


def hop_frames(sample_rate: int) -> int:
    """Return the step between columns, a quarter of the window."""
    return window_frames(sample_rate) // 4


def segment_starts(frames: int, *, longest: int, overlap: int, hop: int) -> tuple[list[int], int]:
    """Cut a recording into segments of one length.

    Returns
    -------
    starts : multiples of `hop`
    length : of every segment but the last, which may be shorter by less than a hop a segment

    >>> segment_starts(1000, longest=400, overlap=100, hop=10)
    ([0, 300, 600], 400)
    """
    if frames <= longest:
        return [0], frames
    step_limit = max(longest - overlap, 1)
    count = -(-(frames - overlap) // step_limit)
    step = -(-(frames - overlap) // count)
    step = -(-step // hop) * hop
    return [k * step for k in range(count) if k * step < frames - overlap], step + overlap


def clean_stream(
    read: Read,
    *,
    frames: int,
    sample_rate: int,
    related: NDArray[np.bool_],
    config: CleanConfig,
) -> Iterator[Piece]:
    """Clean a recording that is read piece by piece; memory holds one segment.

    Parameters
    ----------
    read : gives any stretch of all microphones
    frames : length of the recording
    related : (microphones, microphones), true for those at one source
    """
    import torch

    from carnatic_sep.leakage.confidence import band_edges, pool
    from carnatic_sep.leakage.joint import Memory
    from carnatic_sep.leakage.segment import clean_segment, mask, mask_depth

    n_fft, hop = window_frames(sample_rate), hop_frames(sample_rate)
    overlap = round(config.overlap_seconds * sample_rate) // hop * hop
    starts, length = segment_starts(
        frames, longest=round(config.segment_seconds * sample_rate), overlap=overlap, hop=hop
    )
    edges = band_edges(n_fft // 2 + 1, sample_rate=sample_rate)
    memory = Memory() if len(starts) > 1 else None
    pair = torch.from_numpy(np.asarray(related, dtype=bool))
    tail: Audio | None = None
    with torch.inference_mode():
        for number, start in enumerate(starts):
            last = number == len(starts) - 1
            stop = frames if last else start + length
            heard = np.ascontiguousarray(read(start, stop - start), dtype=np.float32)
            spectra = _spectra(heard, n_fft=n_fft, hop=hop)
            found = clean_segment(spectra, related=pair, config=config, memory=memory)
            confidence = pool(found.share, spectra, found.spectra, edges).numpy()
            cleaned = found.spectra
            if config.post_filter and config.method == "joint-fir":
                depth = mask_depth(spectra, found)
                del spectra
                cleaned = mask(found, depth)
            outcome, solo_removed_db = found.outcome, found.solo_removed_db
            del found
            audio = _sound(cleaned, n_fft=n_fft, hop=hop, frames=stop - start)
            del cleaned
            recorded, removed = _energy(heard), _energy(heard - audio)
            if tail is not None:
                fade = np.linspace(0.0, 1.0, overlap + 2, dtype=np.float32)[1:-1]
                audio[:, :overlap] = audio[:, :overlap] * fade + tail * (1.0 - fade)
            end = stop - start if last else stop - start - overlap
            tail = None if last else audio[:, end:].copy()
            first = 0 if number == 0 else overlap // 2 // hop
            columns = confidence.shape[-1] if last else (end + overlap // 2 // hop * hop) // hop
            yield Piece(
                audio=audio[:, :end],
                confidence=confidence[..., first:columns],
                outcome=outcome,
                solo_removed_db=solo_removed_db,
                recorded=recorded,
                removed=removed,
                done=start + end,
            )


def _spectra(audio: Audio, *, n_fft: int, hop: int) -> Tensor:
    """Return (bins, microphones, columns), one microphone after the other: an STFT needs room."""
    import torch

    from carnatic_sep.audio.spectral import stft

    count, frames = audio.shape
    spectra = torch.empty(n_fft // 2 + 1, count, frames // hop + 1, dtype=torch.complex64)
    for number, one in enumerate(audio):
        spectra[:, number] = stft(torch.from_numpy(one), n_fft=n_fft, hop_frames=hop)
    return spectra


def _sound(spectra: Tensor, *, n_fft: int, hop: int, frames: int) -> Audio:
    """Return (microphones, frames), the inverse of :func:`_spectra`."""
    from carnatic_sep.audio.spectral import istft

    audio = np.empty((spectra.shape[1], frames), dtype=np.float32)
    for number in range(len(audio)):
        one = istft(spectra[:, number], n_fft=n_fft, hop_frames=hop, frames=frames)
        audio[number] = one.numpy()
    return audio


def _energy(audio: Audio) -> NDArray[np.float64]:
    """Return the energy of each microphone, (microphones,)."""
    return np.array([np.sum(one.astype(np.float64) ** 2) for one in audio])
