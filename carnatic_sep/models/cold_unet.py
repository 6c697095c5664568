"""The U-Net of cold diffusion: from a degraded magnitude spectrogram and its step to a better one.

Widths, depth and time embedding are those of Plaja-Roglans et al. (ISMIR 2023). Their residual
block declares two convolutions and calls one; here `block_convs` says how many there are, and all
of them are called.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

Norm = Literal["group", "batch"]
Gate = Literal["state", "mixture"]

PUBLISHED_MULTIPLIERS = (1, 2, 4, 8, 16, 32, 64)
_SINUSOIDS = 16
_EMBEDDING = 64
_LONGEST_PERIOD = 1e4
_MOST_GROUPS = 8
_LEAST_IN_GROUP = 4
"""A group of one channel would take the step, which shifts whole channels, out again."""


class StepEmbedding(nn.Module):
    """Sinusoids of the diffusion step, and two dense layers on them."""

    def __init__(self) -> None:
        super().__init__()
        half = _SINUSOIDS // 2
        rates = torch.exp(-math.log(_LONGEST_PERIOD) * torch.arange(half) / half)
        self.register_buffer("rates", rates, persistent=False)
        self.inner = nn.Linear(_SINUSOIDS, _EMBEDDING)
        self.outer = nn.Linear(_EMBEDDING, _EMBEDDING)

    def forward(self, step: Tensor) -> Tensor:
        """Map steps, (batch,), to (batch, 64)."""
        rates = self.get_buffer("rates")
        phases = step.to(rates.dtype)[:, None] * rates
        sinusoids = torch.cat([phases.sin(), phases.cos()], dim=-1)
        embedded: Tensor = self.outer(functional.silu(self.inner(sinusoids)))
        return embedded


class ResidualBlock(nn.Module):
    """Normalise, swish, convolve, with the step added in between and the input added at the end."""

    def __init__(
        self, inputs: int, outputs: int, *, convs: int, norm: Norm, dropout: float
    ) -> None:
        super().__init__()
        self.before = _normalisation(inputs, norm)
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.step = nn.Linear(_EMBEDDING, outputs)
        self.after = nn.Sequential(_normalisation(outputs, norm), nn.SiLU(), nn.Dropout(dropout))
        if convs == 2:
            self.after.append(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        """Map (batch, inputs, h, w) and (batch, 64) to (batch, outputs, h, w)."""
        y = self.conv(functional.silu(self.before(x)))
        y = self.after(y + self.step(functional.silu(embedded))[..., None, None])
        result: Tensor = self.skip(x) + y
        return result


class ColdUNet(nn.Module):
    """One step of cold diffusion for any number of targets at once.

    Parameters
    ----------
    targets : spectrograms in the state; 1 in the publication
    base : channels of the outermost level
    multipliers : channels of each level over `base`, outermost first; a level down halves both
        axes
    block_convs : convolutions in a residual block: 1 as the published code runs, 2 as it declares
    down_blocks, up_blocks : residual blocks of a level on the way down and up; there are two at
        the bottom besides. Up takes one more than down
    norm : "group", or "batch", whose statistics move in training
    dropout : share of a block's values that training drops
    gate : what the answer is a share of: the state itself, so that energy can only fall from step
        to step (published), or the mixture, so that an error in the state can be mended. With
        "mixture" the network sees the mixture beside the state
    exponent : power to which magnitudes are raised before the network sees them; 1 is published,
        and lets the loudest bins drown all others

    Source: Plaja-Roglans, Miron, Shankar and Serra, "Carnatic Singing Voice Separation Using Cold
    Diffusion on Training Data with Bleeding", ISMIR 2023, and its public code.

    Examples
    --------
    >>> net = ColdUNet(base=4, multipliers=(1, 2))
    >>> net(torch.rand(2, 1, 8, 16), torch.tensor([8, 3]), torch.rand(2, 1, 8, 16)).shape
    torch.Size([2, 1, 8, 16])
    """

    def __init__(
        self,
        *,
        targets: int = 1,
        base: int = 16,
        multipliers: Sequence[int] = PUBLISHED_MULTIPLIERS,
        block_convs: int = 2,
        down_blocks: int = 2,
        up_blocks: int = 3,
        norm: Norm = "group",
        dropout: float = 0.0,
        gate: Gate = "state",
        exponent: float = 1.0,
    ) -> None:
        super().__init__()
        _check(targets, base, multipliers, block_convs, down_blocks, up_blocks, norm, gate)
        self.targets = targets
        self.gate = gate
        self.exponent = exponent
        self.embed = StepEmbedding()
        widths = [base * multiplier for multiplier in multipliers]
        self.multiple = 2 ** (len(widths) - 1)

        def block(inputs: int, outputs: int) -> ResidualBlock:
            return ResidualBlock(inputs, outputs, convs=block_convs, norm=norm, dropout=dropout)

        self.first = nn.Conv2d(targets + (gate == "mixture"), base, 3, padding=1)
        self.down = nn.ModuleList()
        skips, width = [base], base
        for level, wider in enumerate(widths):
            ins = [width, *[wider] * (down_blocks - 1)]
            self.down.append(nn.ModuleList(block(i, wider) for i in ins))
            width = wider
            skips += [width] * (down_blocks + (level < len(widths) - 1))
        self.middle = nn.ModuleList(block(width, width) for _ in range(2))
        self.up = nn.ModuleList()
        self.enlarge = nn.ModuleList()
        for level in reversed(range(len(widths))):
            blocks = nn.ModuleList()
            for _ in range(up_blocks):
                blocks.append(block(width + skips.pop(), widths[level]))
                width = widths[level]
            self.up.append(blocks)
            if level:
                self.enlarge.append(
                    nn.ConvTranspose2d(width, width, 3, stride=2, padding=1, output_padding=1)
                )
        self.head = nn.Sequential(
            _normalisation(width, norm),
            nn.SiLU(),
            nn.Conv2d(width, base, 3, padding=1),
            nn.Conv2d(base, targets, 3, padding=1),
        )

    def forward(self, state: Tensor, step: Tensor, mixture: Tensor) -> Tensor:
        """Improve `state`.

        Parameters
        ----------
        state : (batch, targets, columns, bins), magnitudes after `step` steps of degradation;
            what is below zero is taken for zero
        step : (batch,), 1 to the number of steps
        mixture : (batch, 1, columns, bins), magnitudes

        Returns
        -------
        (batch, targets, columns, bins), not negative: what the schedule's `prediction` says
        """
        state = state.clamp(min=0)
        columns, bins = state.shape[-2:]
        seen = torch.cat([state, mixture], dim=1) if self.gate == "mixture" else state
        if self.exponent != 1.0:
            seen = seen**self.exponent
        x = functional.pad(seen, (0, -bins % self.multiple, 0, -columns % self.multiple))
        shares = self._logits(x, self.embed(step))[..., :columns, :bins].sigmoid()
        return shares * (mixture if self.gate == "mixture" else state)

    def _logits(self, x: Tensor, embedded: Tensor) -> Tensor:
        x = self.first(x)
        skips = [x]
        for level, blocks in enumerate(self.down):
            if level:
                x = functional.avg_pool2d(x, 2)
                skips.append(x)
            assert isinstance(blocks, nn.ModuleList)
            for block in blocks:
                x = block(x, embedded)
                skips.append(x)
        for block in self.middle:
            x = block(x, embedded)
        for blocks, enlarge in zip(self.up, [*self.enlarge, None], strict=True):
            assert isinstance(blocks, nn.ModuleList)
            for block in blocks:
                x = block(torch.cat([x, skips.pop()], dim=1), embedded)
            x = enlarge(x) if enlarge is not None else x
        logits: Tensor = self.head(x)
        return logits


def _normalisation(width: int, norm: Norm) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm2d(width)
    groups = math.gcd(width, _MOST_GROUPS)
    while groups > 1 and width // groups < _LEAST_IN_GROUP:
        groups //= 2
    return nn.GroupNorm(groups, width)


def _check(
    targets: int,
    base: int,
    multipliers: Sequence[int],
    block_convs: int,
    down_blocks: int,
    up_blocks: int,
    norm: str,
    gate: str,
) -> None:
    if min(targets, base, down_blocks, *multipliers) < 1 or block_convs not in (1, 2):
        raise ValueError(
            "targets, base, multipliers and down_blocks start at 1; block_convs is 1 or 2"
        )
    if up_blocks != down_blocks + 1:
        raise ValueError(
            f"up_blocks ({up_blocks}) must be down_blocks ({down_blocks}) + 1: each takes one of "
            "the states that the way down has kept"
        )
    if norm not in get_args(Norm) or gate not in get_args(Gate):
        raise ValueError(f"norm {norm!r} must be group or batch, gate {gate!r} state or mixture")
