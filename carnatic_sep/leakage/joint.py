"""One segment through the rounds of the canceller, block of bins by block of bins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from carnatic_sep.leakage.canceller import (
    Statistics,
    Taps,
    accumulate,
    power_gains,
    residual,
    solve,
    subtract,
)
from carnatic_sep.leakage.config import CleanConfig
from carnatic_sep.leakage.powers import Powers, source_powers
from carnatic_sep.leakage.quantile import leakage_ratios, smooth_gains

if TYPE_CHECKING:
    from torch import Tensor

BLOCK_BINS = 64
_TINY = 1e-30
_LEAST_GAIN = 1e-4


@dataclass
class Memory:
    """Statistics of the segments before, which a room that stands still goes on obeying.

    Attributes
    ----------
    statistics : (round, first bin of the block) to what was summed so far
    forgotten : how many fits started anew because the room had changed
    """

    statistics: dict[tuple[int, int], Statistics] = field(default_factory=dict)
    forgotten: int = 0


def blocks(bins: int) -> Iterator[slice]:
    """Yield 64 bins after 64 bins."""
    for first in range(0, bins, BLOCK_BINS):
        yield slice(first, min(first + BLOCK_BINS, bins))


def typical_power(spectra: Tensor) -> float:
    """Return the mean power over everything, never zero."""
    total = sum(float(spectra[block].abs().square().sum()) for block in blocks(len(spectra)))
    return max(total / max(spectra.numel(), 1), _TINY)


def gains_of(spectra: Tensor, *, related: Tensor, config: CleanConfig) -> Tensor:
    """Return the leakage (bins, into, from) of spectra (bins, microphones, columns)."""
    import torch

    ratios = [
        leakage_ratios(spectra[block].abs().square(), related=related, quantile=config.quantile)
        for block in blocks(len(spectra))
    ]
    return smooth_gains(torch.cat(ratios), related=related)


def powers_of(spectra: Tensor, gains: Tensor, *, scale: float, config: CleanConfig) -> Powers:
    """Return the sources' powers in a block of bins."""
    return source_powers(
        spectra.abs().square(),
        gains,
        scale=scale,
        steps=config.power_steps,
        smear_columns=config.smear_columns,
        decay=config.smear_decay,
    )


@dataclass(frozen=True)
class Stage:
    """What is known after some rounds.

    Attributes
    ----------
    spectra : (bins, microphones, columns), complex, less the bleed
    passed : (bins, into, from), power gain of the filters that were subtracted; None before them
    """

    spectra: Tensor
    passed: Tensor | None = None


def cancel(
    spectra: Tensor, *, related: Tensor, config: CleanConfig, memory: Memory | None = None
) -> list[Stage]:
    """Run all rounds: what went in, then what came out of each round.

    Parameters
    ----------
    spectra : (bins, microphones, columns), complex
    related : (microphones, microphones), true for those at one source, themselves included
    memory : statistics of earlier segments, brought up to date here; None to know nothing
    """
    stages = [Stage(spectra)]
    for number in range(config.rounds):
        stages.append(
            _round(
                spectra, stages[-1], number=number, related=related, config=config, memory=memory
            )
        )
    return stages


def gains_after(
    stage: Stage, passed: Tensor | None, *, related: Tensor, config: CleanConfig
) -> Tensor:
    """Return the leakage (bins, into, from) that is left in a stage.

    The quantile of power ratios is an upper bound, far off where a player never rests; what the
    filters let pass is a second one, since they cannot find what is not there.
    """
    import torch

    gains = gains_of(stage.spectra, related=related, config=config)
    if passed is None:
        return gains
    capped = torch.minimum(gains, config.filter_headroom * passed + _LEAST_GAIN)
    return capped.masked_fill(related, 0.0)


def _round(
    original: Tensor,
    before: Stage,
    *,
    number: int,
    related: Tensor,
    config: CleanConfig,
    memory: Memory | None,
) -> Stage:
    """Fit and subtract once, over all bins."""
    import torch

    current = before.spectra
    scale = typical_power(current)
    gains = gains_after(before, before.passed, related=related, config=config)
    if number == 0:
        gains = gains * config.first_excess
    taps = Taps(echo=config.taps[number], early=config.early_taps, target=config.target_taps)
    out = torch.empty_like(original)
    passed = torch.zeros_like(gains)
    for block in blocks(len(original)):
        powers = powers_of(current[block], gains[block], scale=scale, config=config)
        regressors = current[block] * powers.share.square()
        quietest = powers.own.mean(-1, keepdim=True) * 10.0 ** (config.weight_floor_db / 10.0)
        # A player who never rests lets leakage look larger, and its own power smaller, than they
        # are; weights that trusted this would make the filters fit the player.
        doubt = config.weight_doubt * original[block].abs().square()
        weights = (powers.own + doubt + quietest + 1e-12 * scale).reciprocal()
        new = accumulate(original[block], regressors, weights, taps, related)
        filters = _filters(new, memory, (number, block.start), config)
        out[block] = subtract(original[block], regressors, filters, taps, related)
        passed[block] = power_gains(filters, taps, related)
    return Stage(out, smooth_gains(passed, related=related))


def _filters(
    new: Statistics, memory: Memory | None, place: tuple[int, int], config: CleanConfig
) -> list[Tensor]:
    """Solve for each target, with what the segments before have taught unless the room changed."""
    old = memory.statistics.get(place) if memory is not None else None
    filters, kept = [], []
    for target, matrix in enumerate(new.matrices):
        own = solve(matrix, ridge=config.ridge)
        if old is None:
            filters.append(own)
            kept.append(matrix)
            continue
        both = matrix + old.matrices[target]
        shared = solve(both, ridge=config.ridge)
        worse = residual(matrix, shared).sum() / residual(matrix, own).sum().clamp(min=_TINY)
        drifted = bool(worse > 10.0 ** (config.drift_db / 10.0))
        filters.append(own if drifted else shared)
        kept.append(matrix if drifted else both)
        if drifted and memory is not None:
            memory.forgotten += 1
    if memory is not None:
        memory.statistics[place] = Statistics(kept)
    return filters
