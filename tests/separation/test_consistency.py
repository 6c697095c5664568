from __future__ import annotations

import numpy as np
import pytest
import torch

from carnatic_sep.errors import UnknownNameError, UsageError
from carnatic_sep.separation.consistency import (
    mixture_consistency,
    out_of_band_shares,
    share_residual,
    shares_of,
)


def test_equal_shares_are_the_orthogonal_projection():
    """The nearest point of the plane "sums to the mixture", by least squares."""
    generator = torch.Generator().manual_seed(0)
    stems = torch.randn(1, 3, 1, 5, generator=generator, dtype=torch.float64)
    mixture = torch.randn(1, 1, 5, generator=generator, dtype=torch.float64)
    projected = mixture_consistency(stems, mixture)
    row = np.ones((1, 3))
    for frame in range(5):
        start = stems[0, :, 0, frame].numpy()
        step = np.linalg.pinv(row) @ (mixture[0, 0, frame].numpy() - row @ start)
        np.testing.assert_allclose(projected[0, :, 0, frame].numpy(), start + step.ravel())


def test_numpy_and_torch_agree_and_sum_to_the_mixture():
    rng = np.random.default_rng(1)
    stems = rng.normal(size=(4, 2, 100)).astype(np.float32)
    mixture = rng.normal(size=(2, 100)).astype(np.float32)
    shares = shares_of(("a", "b", "c", "d"), {"a": 1, "d": 3})
    ours = share_residual(stems, mixture, shares)
    theirs = mixture_consistency(
        torch.from_numpy(stems)[None], torch.from_numpy(mixture)[None], weights=torch.tensor(shares)
    )
    np.testing.assert_allclose(ours, theirs[0].numpy(), atol=1e-6)
    np.testing.assert_allclose(ours.sum(axis=0), mixture, atol=2e-6)
    np.testing.assert_array_equal(ours[1:3], stems[1:3])


def test_a_mixture_of_consistent_stems_changes_nothing():
    stems = np.array([[[0.25, 0.5]], [[0.5, -0.25]]], dtype=np.float32)
    np.testing.assert_array_equal(
        share_residual(stems, stems.sum(axis=0), shares_of(("a", "b"), None)), stems
    )


def test_other_takes_what_is_out_of_band_where_there_is_one():
    equal = shares_of(("vocals", "violin"), None)
    np.testing.assert_array_equal(out_of_band_shares(("vocals", "violin"), equal), [0.5, 0.5])
    equal = shares_of(("vocals", "other"), None)
    np.testing.assert_array_equal(out_of_band_shares(("vocals", "other"), equal), [0, 1])


@pytest.mark.parametrize("shares", [{}, {"vocals": 0}, {"vocals": -1, "other": 2}])
def test_nothing_to_share_by_is_refused(shares):
    with pytest.raises(UsageError, match="residual shares"):
        shares_of(("vocals", "other"), shares)


def test_a_share_for_a_stem_that_is_not_there_is_refused():
    with pytest.raises(UnknownNameError, match="vocals"):
        shares_of(("vocals", "other"), {"vocls": 1})
