"""References for metrics: bleed taken out by filters that learn while a player rests.

A cleaner that knows nothing of who plays must doubt everything: what it leaves is mostly the bleed
itself, at a third of its amplitude, and a metric held against such a reference still rewards a
system that copies the bleed. While a player rests, his microphone records nothing but bleed, so
that the filters from the others can be read off, if one knows when. Who rests is annotated or told
from the microphones by :mod:`carnatic_sep.leakage.activity`. All that is done to a stem is linear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.leakage.clean import check_stems
from carnatic_sep.leakage.config import CleanConfig, window_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Audio = NDArray[np.float32]
    Rests = Mapping[str, Sequence[tuple[float, float]]]

RESTED_VERSION = "1"
"""Changes whenever the same input would come out otherwise."""

RESTED = CleanConfig(post_filter=False, guard_db=-11.0)
"""Two rounds: one alone ranked systems a little worse (0.957 against 0.968 on development pieces at
-5 dB). The guard: with right rests up to -14 dB of what looked like solos went, with wrong ones
-9 dB and more."""

REST_POWER = 1e-3
"""What is left of a target's power, and of the doubt about it, while it is known to rest."""

LEAST_REST_SECONDS = 1.5
"""Shorter rests are told wrongly too often, and have hardly more columns than there are filters."""

_TINY = 1e-20
_LEAST_GAIN = 1e-4


def clean_rested(
    stems: Mapping[str, NDArray[np.floating]],
    *,
    sample_rate: int,
    rests: Rests | None = None,
    config: CleanConfig = RESTED,
) -> dict[str, Audio]:
    """Take out of each stem what leaked in, by filters that trust the rests of its player most.

    Parameters
    ----------
    stems : name to (frames,), all of one length; recorded together, one clock
    sample_rate : Hz, 8000 or more
    rests : name to spans (start, end) in seconds in which that player is silent; told from the
        stems if None; those below :data:`LEAST_REST_SECONDS` are passed over. A player who never
        rests is cleaned as well as it can be without
    config : of :mod:`carnatic_sep.leakage.clean`; method and post-filter have no say

    Returns
    -------
    name to (frames,). Where a stem would lose more than `config.guard_db` of what it plays alone,
    its rests are not believed.

    Raises
    ------
    UsageError
        As :func:`carnatic_sep.leakage.clean.clean`.

    Source: this project's measurements, ``recipes/metric_validation``.
    """
    import torch

    from carnatic_sep.leakage.stream import hop_frames, segment_starts

    frames = check_stems(stems, sample_rate=sample_rate)
    names, hop = list(stems), hop_frames(sample_rate)
    audio = np.stack([stems[name] for name in names]).astype(np.float32)
    if rests is None:
        rests = told_rests(audio, names, sample_rate=sample_rate)
    resting = _resting(names, rests, columns=frames // hop + 2, column_seconds=hop / sample_rate)
    overlap = round(config.overlap_seconds * sample_rate) // hop * hop
    starts, length = segment_starts(
        frames, longest=round(config.segment_seconds * sample_rate), overlap=overlap, hop=hop
    )
    whole = np.zeros_like(audio)
    with torch.inference_mode():
        for number, start in enumerate(starts):
            stop = frames if number == len(starts) - 1 else start + length
            cleaned = _segment(
                audio[:, start:stop], resting[:, start // hop :], sample_rate, config=config
            )
            if number:
                fade = np.linspace(0.0, 1.0, overlap + 2, dtype=np.float32)[1:-1]
                cleaned[:, :overlap] *= fade
                cleaned[:, :overlap] += whole[:, start : start + overlap] * (1.0 - fade)
            whole[:, start:stop] = cleaned
    return dict(zip(names, whole, strict=True))


def told_rests(
    audio: NDArray[np.floating], names: Sequence[str], *, sample_rate: int
) -> dict[str, list[tuple[float, float]]]:
    """Return name -> spans in seconds in which that player rests, told from all microphones."""
    from carnatic_sep.leakage.activity import frame_activity, silence_regions

    activity = frame_activity(audio, sample_rate=sample_rate)
    return {name: silence_regions(activity, index) for index, name in enumerate(names)}


def _resting(
    names: Sequence[str], rests: Rests, *, columns: int, column_seconds: float
) -> NDArray[np.bool_]:
    """Return (stems, columns), true where the whole column lies in a rest."""
    flags = np.zeros((len(names), columns), dtype=np.bool_)
    for index, name in enumerate(names):
        for start, end in rests.get(name, ()):
            if end - start >= LEAST_REST_SECONDS:
                flags[index, int(start / column_seconds) + 1 : int(end / column_seconds)] = True
    return flags


def _segment(
    heard: Audio, resting: NDArray[np.bool_], sample_rate: int, *, config: CleanConfig
) -> Audio:
    """Clean (stems, frames) of one segment; `resting` may be longer than it."""
    import torch

    from carnatic_sep.audio.spectral import istft, stft
    from carnatic_sep.leakage.stream import hop_frames

    n_fft, hop = window_frames(sample_rate), hop_frames(sample_rate)
    spectra = stft(torch.from_numpy(np.ascontiguousarray(heard)), n_fft=n_fft, hop_frames=hop)
    spectra = spectra.permute(1, 0, 2).contiguous()
    rests = torch.from_numpy(np.ascontiguousarray(resting[:, : spectra.shape[-1]]))
    present = torch.where(rests, REST_POWER, 1.0).to(torch.float32)
    cleaned, lost_db = _cancelled(spectra, present, config)
    doubted = [
        k for k in range(len(heard)) if lost_db[k] > config.guard_db and bool(rests[k].any())
    ]
    if doubted:
        present[doubted] = 1.0
        again, _ = _cancelled(spectra, present, config)
        cleaned[:, doubted] = again[:, doubted]
    audio = istft(
        cleaned.permute(1, 0, 2), n_fft=n_fft, hop_frames=hop, frames=heard.shape[-1]
    ).numpy()
    return np.array(audio, dtype=np.float32)


def _cancelled(spectra: Tensor, present: Tensor, config: CleanConfig) -> tuple[Tensor, list[float]]:
    """Run the rounds; how present each target is, (stems, columns), scales its power in the model.

    Returns
    -------
    spectra less the bleed, and the removed share in dB of what each stem plays alone
    """
    import torch

    from carnatic_sep.leakage.canceller import Taps, accumulate, power_gains, solve, subtract
    from carnatic_sep.leakage.guard import energy, solo_bins
    from carnatic_sep.leakage.joint import blocks, gains_of, powers_of, typical_power
    from carnatic_sep.leakage.quantile import smooth_gains

    related = torch.eye(spectra.shape[1], dtype=torch.bool)
    quietest = 10.0 ** (config.weight_floor_db / 10.0)
    current, passed = spectra, None
    solos: list[Tensor] = []
    for number in range(config.rounds):
        scale = typical_power(current)
        gains = gains_of(current, related=related, config=config)
        if passed is None:
            gains = gains * config.first_excess
        else:
            # Ratios of power are an upper bound of what leaks; what the filters passed is another.
            gains = torch.minimum(gains, config.filter_headroom * passed + _LEAST_GAIN)
            gains = gains.masked_fill(related, 0.0)
        taps = Taps(echo=config.taps[number], early=config.early_taps, target=config.target_taps)
        out, through = torch.empty_like(spectra), torch.zeros_like(gains)
        for block in blocks(len(spectra)):
            powers = powers_of(current[block], gains[block], scale=scale, config=config)
            own, share = powers.own * present, powers.share * present
            regressors = current[block] * share.square()
            doubt = config.weight_doubt * spectra[block].abs().square() * present
            floor = quietest * own.mean(-1, keepdim=True) + 1e-12 * scale
            weights = (own + doubt + floor).reciprocal()
            found = accumulate(spectra[block], regressors, weights, taps, related)
            filters = [solve(matrix, ridge=config.ridge) for matrix in found.matrices]
            out[block] = subtract(spectra[block], regressors, filters, taps, related)
            through[block] = power_gains(filters, taps, related)
            if number == 0:  # with the leakage put high, so that no bleed is taken for a solo
                solos.append(solo_bins(powers.share, solo_db=config.solo_db).bool())
        current, passed = out, smooth_gains(through, related=related)
    lost, there = torch.zeros(2, spectra.shape[1])
    for block, solo in zip(blocks(len(spectra)), solos, strict=True):
        there += energy(spectra[block], solo)
        lost += energy(spectra[block] - current[block], solo)
    lost_db = 10.0 * torch.log10((lost + _TINY) / (there + _TINY))
    return current, [float(x) if there[k] > 0 else float("-inf") for k, x in enumerate(lost_db)]
