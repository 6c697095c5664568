"""Clusters of bins: k-means against scikit-learn, samples in bounded memory, ranks and weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carnatic_sep.models.decay_clusters import (
    BinSample,
    ClusterSettings,
    fit_centres,
    gains,
    k_means,
    shapes_of,
)

STEPS = 8


def curves_of_kinds(rng, counts):
    """Bins that keep 1, 0.6 or 0.1 of their level until the last step."""
    kept = np.repeat([1.0, 0.6, 0.1], counts)
    ramp = np.linspace(0, 1, STEPS)
    curves = 1 - (1 - kept[:, None]) * ramp
    return (curves + 0.01 * rng.standard_normal(curves.shape)).clip(0).astype(np.float32)


def test_k_means_is_as_good_as_scikit_learns():
    cluster = pytest.importorskip("sklearn.cluster")
    rng = np.random.default_rng(0)
    points = curves_of_kinds(rng, (300, 200, 500))
    theirs = cluster.KMeans(3, random_state=0, n_init=3).fit(points)
    ours = k_means(points, 3, seed=0)
    distances = ((points[:, None] - ours) ** 2).sum(axis=-1).min(axis=1).sum()
    assert distances == pytest.approx(theirs.inertia_, rel=1e-3)
    ranked = theirs.cluster_centers_[np.argsort(theirs.cluster_centers_.mean(axis=1))]
    np.testing.assert_allclose(ours, ranked, atol=1e-3)


def test_fewer_kinds_of_points_than_clusters():
    assert k_means(np.ones((10, 4), dtype=np.float32), 5, seed=0).shape == (1, 4)


def test_a_sample_does_not_depend_on_how_the_stream_is_cut():
    stream = np.random.default_rng(1).random((5000, STEPS)).astype(np.float32)
    whole, parts = (BinSample(capacity=200, seed=7) for _ in range(2))
    whole.add(stream)
    for start in range(0, 5000, 333):
        parts.add(stream[start : start + 333])
    np.testing.assert_array_equal(whole.curves, parts.curves)


def test_a_sample_is_even_over_the_stream():
    """Of 100 bins out of 10 000, the mean position is 0.5 +- 0.029; six sigma here."""
    sample = BinSample(capacity=100, seed=2)
    for start in range(0, 10_000, 1000):
        sample.add((np.arange(start, start + 1000) / 10_000)[:, None].astype(np.float32))
    assert abs(float(sample.curves.mean()) - 0.5) < 6 * 0.029


def test_memory_does_not_grow_with_the_recording():
    """The public code allocated the whole recording anew for each 1.5 s of it."""
    sample = BinSample(capacity=50, seed=0)
    for _ in range(40):
        sample.add(np.ones((1000, STEPS), dtype=np.float32))
        assert len(sample.curves) <= 50
        assert sample.curves.base is None


def test_an_empty_sample_says_so():
    with pytest.raises(ValueError, match="no bins came"):
        _ = BinSample(capacity=5, seed=0).curves


def test_shapes_do_not_know_levels():
    states = torch.rand(STEPS, 3, 4) + 0.5
    torch.testing.assert_close(shapes_of(states), shapes_of(1000 * states), atol=1e-5, rtol=0)
    assert shapes_of(states).amax(dim=-1) == pytest.approx(1.0, abs=1e-5)


def test_bins_that_stay_weigh_one_and_bins_that_fade_nothing():
    """No constant gain: the published code divides the mask by clusters - 1 besides."""
    rng = np.random.default_rng(3)
    sample = BinSample(capacity=1000, seed=0)
    sample.add(curves_of_kinds(rng, (300, 300, 300)))
    centres = torch.from_numpy(fit_centres([sample], ClusterSettings(clusters=3, strictness=2)))
    bins = torch.from_numpy(curves_of_kinds(rng, (1, 1, 1))).T.reshape(STEPS, 1, 1, 3, 1)
    weights = gains(bins, centres, strictness=2).flatten().tolist()
    assert weights == pytest.approx([1.0, 0.25, 0.0])


def test_the_only_kind_of_bins_weighs_one():
    sample = BinSample(capacity=100, seed=0)
    sample.add(np.ones((100, STEPS), dtype=np.float32))
    settings = ClusterSettings(clusters=4)
    centres = torch.from_numpy(fit_centres([sample], settings))
    assert centres.shape == (1, 4, STEPS)
    assert gains(torch.ones(STEPS, 1, 1, 2, 2), centres, strictness=4).tolist() == [
        [[[1.0, 1.0], [1.0, 1.0]]]
    ]


def test_each_target_has_clusters_of_its_own():
    centres = torch.stack([torch.zeros(2, STEPS), torch.zeros(2, STEPS)])
    centres[0, 1], centres[1, 1] = 1.0, 5.0
    states = torch.full((STEPS, 1, 2, 1, 1), 1.0)
    assert gains(states, centres, strictness=1).flatten().tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "options", [{"clusters": 1}, {"strictness": -1}, {"clusters": 9, "capacity": 8}]
)
def test_impossible_settings_are_refused(options):
    with pytest.raises(ValueError, match="clusters"):
        ClusterSettings(**options)
