"""Several looks at a mixture: who takes them, and who is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carnatic_sep.errors import UsageError
from carnatic_sep.models.registry import build
from carnatic_sep.separation.separator import Separator


def test_views_go_to_the_model_and_are_refused_where_it_has_none(known_model) -> None:
    torch.manual_seed(0)
    options = {"n_fft": 512, "hop_frames": 128, "widths": [4, 6], "hidden": 8}
    model = build(
        "band_unet", sample_rate=8000, bands_per_octave=12, segment_seconds=1.0, **options
    )
    audio = np.random.default_rng(0).uniform(-0.9, 0.9, (1, 12000)).astype(np.float32)
    asked: list[int] = []
    forward = type(model).forward

    class Asked(type(model)):
        def forward(self, mixture, views=1):
            asked.append(views)
            return forward(self, mixture, views)

    model.__class__ = Asked
    once = Separator(model, device="cpu").separate(audio, 8000)
    assert set(asked) == {1}
    asked.clear()
    separator = Separator(model, device="cpu", views=3)
    thrice = separator.separate(audio, 8000)
    assert set(asked) == {3}
    assert separator.views == 3
    assert not np.allclose(once["vocals"], thrice["vocals"], atol=1e-4)
    np.testing.assert_allclose(sum(thrice.values()), audio, rtol=0, atol=1e-6)
    with pytest.raises(UsageError, match="4 views were asked for"):
        Separator(model, device="cpu", views=4)
    with pytest.raises(UsageError, match="views 0: give a whole number"):
        Separator(model, device="cpu", views=0)
    with pytest.raises(UsageError, match="has one only"):
        Separator(known_model(), device="cpu", views=2)
