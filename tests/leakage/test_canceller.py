"""The canceller against plain least squares, and against filters that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from carnatic_sep.leakage.canceller import Taps, accumulate, residual, solve, stack, subtract

TAPS = Taps(echo=3, early=1, target=1)


def spectra(bins: int, count: int, columns: int, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    real, imaginary = rng.standard_normal((2, bins, count, columns))
    return torch.from_numpy((real + 1j * imaginary).astype(np.complex64))


def later(sound: torch.Tensor, lag: int) -> torch.Tensor:
    """`sound` by `lag` columns later, silence before and after it."""
    out = torch.zeros_like(sound)
    if lag >= 0:
        out[..., lag:] = sound[..., : sound.shape[-1] - lag]
    else:
        out[..., :lag] = sound[..., -lag:]
    return out


@given(start=st.integers(0, 30), length=st.integers(1, 12))
def test_stack_holds_delayed_copies(start: int, length: int):
    sound = spectra(2, 3, 40)
    stop = min(start + length, 40)
    rows = stack(sound, TAPS, start, stop)
    for source in range(3):
        for row, lag in enumerate(TAPS.lags):
            wanted = later(sound[:, source], lag)[:, start:stop]
            assert torch.equal(rows[:, source * len(TAPS.lags) + row], wanted)


def test_filters_that_are_known_come_back():
    sources = spectra(4, 2, 900)
    echo = {-1: 0.05 - 0.1j, 0: 0.3j, 1: -0.2, 2: 0.1 + 0.1j}
    heard = sources.clone()
    for lag, gain in echo.items():
        heard[:, 0] += gain * later(sources[:, 1], lag)
    related = torch.eye(2, dtype=torch.bool)
    flat = torch.ones(4, 2, 900)
    matrices = accumulate(heard, sources, flat, TAPS, related).matrices
    filters = [solve(matrix, ridge=1e-9) for matrix in matrices]
    for row, gain in enumerate(echo.values()):
        assert torch.allclose(filters[0][:, row], torch.tensor(gain).to(torch.complex64), atol=2e-4)
    cleaned = subtract(heard, sources, filters, TAPS, related)
    assert float((cleaned - sources).abs().max()) < 5e-3


def test_solution_is_weighted_least_squares():
    heard, regressors = spectra(1, 2, 300, 1), spectra(1, 2, 300, 2)
    weights = torch.from_numpy(np.random.default_rng(3).uniform(0.1, 5.0, (1, 2, 300))).float()
    related = torch.eye(2, dtype=torch.bool)
    matrix = accumulate(heard, regressors, weights, TAPS, related).matrices[0]
    found = solve(matrix, ridge=1e-8)[0].numpy()

    rows, others = TAPS.rows(0, related)
    design = stack(regressors, TAPS, 0, 300)[0, rows].numpy().T
    root = np.sqrt(weights[0, 0].numpy())
    wanted, *_ = np.linalg.lstsq(design * root[:, None], heard[0, 0].numpy() * root, rcond=None)
    assert others == 4
    assert np.abs(found - wanted).max() < 1e-4
    error = root * (heard[0, 0].numpy() - design @ wanted)
    assert float(residual(matrix, torch.from_numpy(found)[None])[0]) == pytest.approx(
        float(np.sum(np.abs(error) ** 2)), rel=1e-4
    )


def test_statistics_add_up_over_columns():
    heard, regressors = spectra(2, 3, 1300), spectra(2, 3, 1300, 5)
    related = torch.eye(3, dtype=torch.bool)
    whole = accumulate(heard, regressors, torch.ones(2, 3, 1300), TAPS, related)
    for target, matrix in enumerate(whole.matrices):
        rows, _ = TAPS.rows(target, related)
        every = torch.cat([stack(regressors, TAPS, 0, 1300)[:, rows], heard[:, target, None]], 1)
        assert torch.allclose(matrix, every @ every.mH, rtol=1e-3, atol=1e-1)


def test_related_microphones_are_no_regressors():
    related = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    rows, others = TAPS.rows(0, related)
    width = len(TAPS.lags)
    assert others == width
    assert all(row // width in (0, 2) for row in rows)


def test_silent_bins_are_left_alone():
    silent = torch.zeros(3, 2, 50, dtype=torch.complex64)
    related = torch.eye(2, dtype=torch.bool)
    matrices = accumulate(silent, silent, torch.ones(3, 2, 50), TAPS, related).matrices
    filters = [solve(matrix, ridge=1e-4) for matrix in matrices]
    assert all(not filter_.abs().any() for filter_ in filters)
    assert torch.equal(subtract(silent, silent, filters, TAPS, related), silent)
