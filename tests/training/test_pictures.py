"""Pictures of a run: written, and the model left as it was."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from carnatic_sep.stems import DEFAULT_STEMS
from carnatic_sep.training.pictures import log_pictures, spectrogram_grid


class Passing(torch.nn.Module):
    """A quarter of the mixture for each stem."""

    channels = 2
    stems = DEFAULT_STEMS
    sample_rate = 44100

    def __init__(self) -> None:
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(0.25))

    def forward(self, mixture):
        assert not self.training
        return self.gain * mixture[:, None].expand(-1, 4, -1, -1)


@pytest.mark.parametrize("training", [True, False])
def test_pictures_and_audio_of_one_mixture(tmp_path, training) -> None:
    stems = np.random.default_rng(0).standard_normal((4, 9000)).astype(np.float32)
    heard, seen = {}, []
    writer = SimpleNamespace(
        add_audio=lambda name, audio, step, sample_rate: heard.update({name: audio}),
        add_figure=lambda name, figure, step: seen.append((name, step)),
    )
    model = Passing().train(training)
    log_pictures(model, stems, step=12, folder=tmp_path, writer=writer)
    assert model.training is training
    parts = [f"{stem}/{part}" for stem in DEFAULT_STEMS for part in ("reference", "estimate")]
    assert list(heard) == ["mixture", *parts]
    # All are equally softer, so that nothing clips.
    gain = 1 / np.abs(stems.sum(axis=0)).max()
    assert float(heard["mixture"].abs().max()) == pytest.approx(1.0)
    assert np.allclose(heard["violin/reference"], gain * stems[1], atol=1e-5)
    assert np.allclose(heard["violin/estimate"], gain * stems.sum(axis=0) / 4, atol=1e-5)
    assert (tmp_path / "picture-000012.png").read_bytes()[:4] == b"\x89PNG"
    assert seen == [("stems", 12)]


def test_truth_is_above_the_estimate() -> None:
    loud, silent = np.ones((4, 9000), np.float32), np.zeros((4, 9000), np.float32)
    figure = spectrogram_grid({"truth": loud, "estimate": silent}, names=DEFAULT_STEMS)
    assert len(figure.axes) == 8
    levels = [axis.images[0].get_array().max() for axis in figure.axes]
    assert min(levels[:4]) > 20 > -79 > max(levels[4:])
    assert figure.axes[0].get_title() == "vocals: truth"
    assert figure.axes[7].get_title() == "other: estimate"
