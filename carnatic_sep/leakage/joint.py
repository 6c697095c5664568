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
from carnatic_sep.leakage.powers import Powers, power_of, source_powers
from carnatic_sep.leakage.quantile import leakage_ratios, smooth_gains

if TYPE_CHECKING:
    from torch import Tensor

BLOCK_BINS = 64
_TINY = 1e-30
_LEAST_GAIN = 1e-4


@dataclass
class Memory:
    """Statistics of the segments before, which a room that stands still goes on obeying.

    They are summed in place, in one array a round and target that lives as long as the recording:
    many small ones, given back and taken anew, would leave holes that grow from segment to segment.

    Attributes
    ----------
    sums : round to one (bins, rows + 1, rows + 1) a target, see `canceller.Statistics`
    known : (round, first bin of the block) that hold a segment or more
    forgotten : how many fits started anew because the room had changed
    """

    sums: dict[int, list[Tensor]] = field(default_factory=dict)
    known: set[tuple[int, int]] = field(default_factory=set)
    forgotten: int = 0

    def of(self, number: int, block: slice, *, new: Statistics, bins: int) -> list[Tensor]:
        """Return the sums of a round in a block, to be changed in place; `new` tells their size."""
        if number not in self.sums:
            self.sums[number] = [
                matrix.new_zeros(bins, *matrix.shape[1:]) for matrix in new.matrices
            ]
        return [one[block] for one in self.sums[number]]


def blocks(bins: int) -> Iterator[slice]:
    """Yield 64 bins after 64 bins."""
    for first in range(0, bins, BLOCK_BINS):
        yield slice(first, min(first + BLOCK_BINS, bins))


def typical_power(spectra: Tensor) -> float:
    """Return the mean power over everything, never zero."""
    total = sum(float(power_of(spectra[block]).sum()) for block in blocks(len(spectra)))
    return max(total / max(spectra.numel(), 1), _TINY)


def gains_of(spectra: Tensor, *, related: Tensor, config: CleanConfig) -> Tensor:
    """Return the leakage (bins, into, from) of spectra (bins, microphones, columns)."""
    import torch

    ratios = [
        leakage_ratios(power_of(spectra[block]), related=related, quantile=config.quantile)
        for block in blocks(len(spectra))
    ]
    return smooth_gains(torch.cat(ratios), related=related)


def powers_of(spectra: Tensor, gains: Tensor, *, scale: float, config: CleanConfig) -> Powers:
    """Return the sources' powers in a block of bins."""
    return source_powers(
        power_of(spectra),
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
    gains : (bins, into, from), leakage that is left, an upper bound from ratios of power
    passed : like `gains`, power gain of the filters that were subtracted; None before them
    """

    spectra: Tensor
    gains: Tensor
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
    stages = [Stage(spectra, gains_of(spectra, related=related, config=config))]
    for number in range(config.rounds):
        out, passed = _round(
            spectra, stages[-1], number=number, related=related, config=config, memory=memory
        )
        stages.append(Stage(out, gains_of(out, related=related, config=config), passed))
    return stages


def capped(gains: Tensor, passed: Tensor | None, *, related: Tensor, config: CleanConfig) -> Tensor:
    """Return leakage (bins, into, from), no more than what the filters let pass.

    The quantile of power ratios is an upper bound, far off where a player never rests; what the
    filters let pass is a second one, since they cannot find what is not there.
    """
    import torch

    if passed is None:
        return gains
    least = torch.minimum(gains, config.filter_headroom * passed + _LEAST_GAIN)
    return least.masked_fill(related, 0.0)


def _round(
    original: Tensor,
    before: Stage,
    *,
    number: int,
    related: Tensor,
    config: CleanConfig,
    memory: Memory | None,
) -> tuple[Tensor, Tensor]:
    """Fit and subtract once, over all bins; returns what is left and what the filters passed."""
    import torch

    current = before.spectra
    scale = typical_power(current)
    gains = capped(before.gains, before.passed, related=related, config=config)
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
        doubt = config.weight_doubt * power_of(original[block])
        weights = (powers.own + doubt + quietest + 1e-12 * scale).reciprocal()
        new = accumulate(original[block], regressors, weights, taps, related)
        if memory is None:
            filters = [solve(matrix, ridge=config.ridge) for matrix in new.matrices]
        else:
            kept = memory.of(number, block, new=new, bins=len(original))
            filters = _filters(new, kept, memory, (number, block.start), config)
        out[block] = subtract(original[block], regressors, filters, taps, related)
        passed[block] = power_gains(filters, taps, related)
    return out, smooth_gains(passed, related=related)


def _filters(
    new: Statistics,
    kept: list[Tensor],
    memory: Memory,
    place: tuple[int, int],
    config: CleanConfig,
) -> list[Tensor]:
    """Solve for each target, with what the segments before have taught unless the room changed."""
    filters = []
    for matrix, both in zip(new.matrices, kept, strict=True):
        both.add_(matrix)
        own = solve(matrix, ridge=config.ridge)
        if place not in memory.known:
            filters.append(own)
            continue
        shared = solve(both, ridge=config.ridge)
        worse = residual(matrix, shared).sum() / residual(matrix, own).sum().clamp(min=_TINY)
        drifted = bool(worse > 10.0 ** (config.drift_db / 10.0))
        if drifted:
            both.copy_(matrix)
            memory.forgotten += 1
        filters.append(own if drifted else shared)
    memory.known.add(place)
    return filters
