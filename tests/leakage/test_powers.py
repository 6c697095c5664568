"""Powers and leakage where the truth is known."""

from __future__ import annotations

import numpy as np
import torch

from carnatic_sep.leakage.mira import mira_share
from carnatic_sep.leakage.powers import source_powers
from carnatic_sep.leakage.quantile import HIGHEST_GAIN, leakage_ratios, smooth_gains

ALONE = torch.eye(2, dtype=torch.bool)


def bursts(seed: int = 0) -> torch.Tensor:
    """Powers (8, 2, 600) of two sources that play by turns and together."""
    rng = np.random.default_rng(seed)
    power = rng.exponential(size=(8, 2, 600)).astype(np.float32)
    power[:, 0, 200:320] *= 1e-6
    power[:, 1, 400:] *= 1e-6
    return torch.from_numpy(power)


def leaking(power: torch.Tensor, gain: float) -> torch.Tensor:
    heard = power.clone()
    heard[:, 0] += gain * power[:, 1]
    return heard


def test_leakage_is_found_where_the_player_rests():
    found = leakage_ratios(leaking(bursts(), 0.05), related=ALONE, quantile=0.15)
    found = smooth_gains(found, related=ALONE)
    assert torch.allclose(found[:, 0, 1], torch.tensor(0.05), rtol=0.2)
    assert float(found[:, 1, 0].max()) < 1e-3
    assert float(torch.diagonal(found, dim1=1, dim2=2).abs().max()) == 0.0


def test_leakage_scales_with_the_gains_of_microphones():
    heard = leaking(bursts(), 0.05)
    louder = heard * torch.tensor([4.0, 1.0])[:, None]
    before = leakage_ratios(heard, related=ALONE, quantile=0.15)
    after = leakage_ratios(louder, related=ALONE, quantile=0.15)
    assert torch.allclose(after[:, 0, 1], 4.0 * before[:, 0, 1], rtol=1e-4)


def test_leakage_is_capped_and_none_between_related_microphones():
    same = bursts()[:, :1].expand(-1, 2, -1)
    everything = smooth_gains(leakage_ratios(same, related=ALONE, quantile=0.15), related=ALONE)
    assert float(everything.max()) <= HIGHEST_GAIN + 1e-6
    together = torch.ones(2, 2, dtype=torch.bool)
    assert not leakage_ratios(same, related=together, quantile=0.15).any()


def test_powers_of_sources_come_near_the_truth():
    truth = bursts()
    heard = leaking(truth, 0.1)
    gains = torch.zeros(8, 2, 2)
    gains[:, 0, 1] = 0.1
    found = source_powers(heard, gains, scale=1.0, steps=10, smear_columns=1, decay=0.6)
    silent = slice(200, 320)  # of the first source
    assert float(found.own[:, 0, silent].mean()) < 0.2 * float(heard[:, 0, silent].mean())
    assert float(found.share[:, 0, silent].mean()) < 0.2
    assert float(found.share[:, 0, 420:].mean()) > 0.98
    assert torch.allclose(found.own[:, 1], truth[:, 1], rtol=0.05, atol=1e-3)


def test_powers_do_not_depend_on_units():
    heard, gains = leaking(bursts(), 0.1), torch.full((8, 2, 2), 0.1)
    gains[:, range(2), range(2)] = 0.0
    options = {"steps": 5, "smear_columns": 4, "decay": 0.6}
    quiet = source_powers(1e-6 * heard, gains, scale=1e-6, **options)
    loud = source_powers(heard, gains, scale=1.0, **options)
    assert torch.allclose(quiet.share, loud.share, rtol=1e-3, atol=1e-5)


def test_no_leakage_leaves_everything():
    heard = bursts()
    found = source_powers(
        heard, torch.zeros(8, 2, 2), scale=1.0, steps=4, smear_columns=4, decay=0.6
    )
    assert torch.allclose(found.own, heard, rtol=1e-4, atol=1e-6)
    assert float(found.share.min()) == 1.0


def test_mira_masks_what_leaks():
    share = mira_share(leaking(bursts(), 0.1), related=ALONE, scale=1.0)
    assert float(share[:, 0, 200:320].mean()) < 0.7 * float(share[:, 0, 420:].mean())
    assert 0.0 <= float(share.min()) <= float(share.max()) <= 1.0
