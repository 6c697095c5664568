"""One stretch of microphones cleaned: the rounds, the guard, the post-filter, the confidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, nan
from typing import TYPE_CHECKING

from carnatic_sep.leakage.copies import copies
from carnatic_sep.leakage.guard import energy, solo_bins
from carnatic_sep.leakage.joint import (
    Memory,
    Stage,
    blocks,
    cancel,
    capped,
    gains_of,
    powers_of,
    typical_power,
)
from carnatic_sep.leakage.mira import mira_share
from carnatic_sep.leakage.powers import power_of

if TYPE_CHECKING:
    from torch import Tensor

    from carnatic_sep.leakage.config import CleanConfig

_TINY = 1e-20
_MASK_SHARE, _AGREED_SHARE = 0.5, 0.25
_LITTLE_SHARE = 10.0**-1.8
WIENER = "wiener"
MIRA = "mira"
COPY = "copy"


@dataclass(frozen=True)
class Segment:
    """A cleaned stretch.

    Attributes
    ----------
    spectra : (bins, microphones, columns), complex
    share : like it, real, 0..1: own power over all that is left
    outcome : what each microphone got in the end: ``2 rounds``, ``1 round``, ``wiener``, ``mira``,
        or ``copy`` where another one records the same, of which it was not cleaned
    solo_removed_db : removed share of energy where each microphone is alone, for what it got; NaN
        where it never is
    """

    spectra: Tensor
    share: Tensor
    outcome: list[str]
    solo_removed_db: list[float]


def rounds_done(number: int) -> str:
    """Return what a microphone got that went through so many rounds.

    >>> rounds_done(2)
    '2 rounds'
    """
    return f"{number} round{'s' if number > 1 else ''}"


def clean_segment(
    spectra: Tensor, *, related: Tensor, config: CleanConfig, memory: Memory | None = None
) -> Segment:
    """Take the bleed out of one segment.

    Parameters
    ----------
    spectra : (bins, microphones, columns), complex
    related : (microphones, microphones), true for those at one source, themselves included
    memory : statistics of the segments before, brought up to date
    """
    if config.method == "mira":
        return _masked_by_mira(spectra, related=related)
    twins = copies(spectra) & ~related
    if twins.any():
        # Fitted by each other they would vanish; and filters without the one say nothing to later
        # segments, in which both may be themselves again.
        related, memory = related | twins, None
    stages = cancel(spectra, related=related, config=config, memory=memory)
    found = _guarded(stages, related=related, config=config)
    outcome = [COPY if twins[number].any() else got for number, got in enumerate(found.outcome)]
    return replace(found, outcome=outcome)


def post_filter(spectra: Tensor, found: Segment) -> Tensor:
    """Mask what the canceller left, microphone by microphone, as deep as masks can be trusted.

    Parameters
    ----------
    spectra : (bins, microphones, columns), what the microphones recorded
    found : the same, cleaned

    Returns
    -------
    like `spectra`
    """
    return mask(found, mask_depth(spectra, found))


def mask_depth(spectra: Tensor, found: Segment) -> Tensor:
    """Return how deep each microphone's mask goes in :func:`post_filter`, (microphones,), 0..1.

    A mask that takes more than half of what the filters took mistakes a player who never rests
    for bleed; such a microphone stays as the canceller left it. Where the filters took little
    (less than -18 dB), so that a mask has little to win and as much to lose, it is as deep as it
    agrees with them: whole up to a quarter of what they took, none from a half on.
    """
    import torch

    heard, by_filters, by_mask = torch.zeros(3, spectra.shape[1])
    for block in blocks(len(spectra)):
        before, after, share = spectra[block], found.spectra[block], found.share[block]
        heard += power_of(before).sum((0, 2))
        by_filters += power_of(before - after).sum((0, 2))
        by_mask += (power_of(after) * (1.0 - share).square()).sum((0, 2))
    ratio = by_mask / (by_filters + _TINY)
    little = by_filters < _LITTLE_SHARE * heard
    agreeing = ((_MASK_SHARE - ratio) / (_MASK_SHARE - _AGREED_SHARE)).clamp(0.0, 1.0)
    depth: Tensor = agreeing.where(little, (ratio <= _MASK_SHARE).to(agreeing.dtype))
    return depth


def mask(found: Segment, depth: Tensor) -> Tensor:
    """Return what is left of a segment under its masks, as deep as :func:`mask_depth` says."""
    import torch

    masked = torch.empty_like(found.spectra)
    for block in blocks(len(masked)):
        masked[block] = found.spectra[block] * (1.0 - depth[:, None] * (1.0 - found.share[block]))
    return masked


def _masked_by_mira(spectra: Tensor, *, related: Tensor) -> Segment:
    import torch

    scale = typical_power(spectra)
    share = torch.cat(
        [
            mira_share(power_of(spectra[block]), related=related, scale=scale)
            for block in blocks(len(spectra))
        ]
    )
    count = spectra.shape[1]
    return Segment(spectra * share, share, [MIRA] * count, [float("nan")] * count)


def _guarded(stages: list[Stage], *, related: Tensor, config: CleanConfig) -> Segment:
    """Choose for each microphone the last stage that leaves its solos alone.

    Masking keeps them by what solo means, so the search always ends. `stages` are used up: the
    last one's spectra become the result, the others go before the next array is made.
    """
    import torch

    last, rounds = stages[-1], len(stages) - 1
    gains = capped(stages[0].gains, last.passed, related=related, config=config)
    lost_db = _lost_in_solos(stages, gains, config=config)
    names = [*(rounds_done(number) for number in range(rounds, 0, -1)), WIENER]
    picks = []
    for microphone in range(len(related)):
        kept = [k for k in range(rounds) if lost_db[k, microphone] < config.guard_db]
        picks.append(kept[0] if kept else rounds)
    _fall_back(stages, picks, gains, config=config)
    stages.clear()

    chosen, gains = last.spectra, last.gains
    if any(picks):
        gains = gains_of(chosen, related=related, config=config)
    gains = capped(gains, last.passed, related=related, config=config)
    scale = typical_power(chosen)
    share = torch.empty_like(chosen.real)
    for block in blocks(len(chosen)):
        share[block] = powers_of(chosen[block], gains[block], scale=scale, config=config).share
    return Segment(
        chosen,
        share,
        [names[pick] for pick in picks],
        [float(lost_db[pick, number]) for number, pick in enumerate(picks)],
    )


def _lost_in_solos(stages: list[Stage], gains: Tensor, *, config: CleanConfig) -> Tensor:
    """Return energy removed in solos, dB, (rounds + 1, microphones): last round first, then masks.

    Of a microphone that is never alone nobody knows it, NaN; of a silent one nothing is, -inf.

    Parameters
    ----------
    stages : see `joint.cancel`
    gains : (bins, into, from), leakage into what was recorded
    """
    import torch

    original, candidates = stages[0].spectra, [stage.spectra for stage in stages[:0:-1]]
    scale = typical_power(original)
    removed = torch.zeros(len(candidates) + 1, original.shape[1])
    there, everything = torch.zeros(2, original.shape[1])
    for block in blocks(len(original)):
        heard = original[block]
        everything += power_of(heard).sum((0, 2))
        share = powers_of(heard, gains[block], scale=scale, config=config).share
        solo = solo_bins(share, solo_db=config.solo_db)
        there += energy(heard, solo)
        for number, candidate in enumerate(candidates):
            removed[number] += energy(heard - candidate[block], solo)
        removed[-1] += energy(heard - heard * share, solo)
    lost_db: Tensor = 10.0 * torch.log10((removed + _TINY) / (there + _TINY))
    return lost_db.masked_fill(there == 0, nan).masked_fill(everything == 0, -inf)


def _fall_back(
    stages: list[Stage], picks: list[int], gains: Tensor, *, config: CleanConfig
) -> None:
    """Write into the last stage what each microphone falls back to: so many stages, or masks."""
    original, chosen = stages[0].spectra, stages[-1].spectra
    for microphone, pick in enumerate(picks):
        if 0 < pick < len(stages) - 1:
            chosen[:, microphone] = stages[-1 - pick].spectra[:, microphone]
    masked = [number for number, pick in enumerate(picks) if pick == len(stages) - 1]
    if not masked:
        return
    scale = typical_power(original)
    for block in blocks(len(original)):
        share = powers_of(original[block], gains[block], scale=scale, config=config).share
        chosen[block, masked] = original[block, masked] * share[:, masked]
