"""The diffusers pipeline: saving, loading, masks once a recording, and agreement with the model."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers", reason="needs the extra `diffusion`")

from carnatic_sep.diffusion import (
    ColdDiffusionScheduler,
    ColdDiffusionSeparationPipeline,
    ColdUNetModel,
)
from carnatic_sep.diffusion import pipeline as pipeline_module
from carnatic_sep.errors import CheckpointError, UsageError
from carnatic_sep.models.decay_clusters import ClusterSettings

ALL = ("vocals", "violin", "mridangam")
RATE = 22050


class Half(torch.nn.Module):
    """Answers half the mixture, so that what comes out is known."""

    def __init__(self):
        super().__init__()
        self.share = torch.nn.Parameter(torch.tensor(0.5))

    def forward(self, state, step, mixture):
        return self.share * mixture.expand_as(state)


@pytest.fixture
def pipeline():
    torch.manual_seed(0)
    made = ColdDiffusionSeparationPipeline(
        ColdUNetModel(targets=3, base=4, multipliers=(1, 2), gate="mixture", exponent=0.3),
        ColdDiffusionScheduler(num_train_timesteps=3),
        targets=ALL,
        segment_columns=16,
    )
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture
def mixture():
    return np.random.default_rng(0).standard_normal((2, 20_001)).astype(np.float32) * 0.1


def test_stems_are_like_the_mixture_and_sum_to_it(pipeline, mixture):
    stems = pipeline(mixture, RATE).stems
    assert list(stems) == [*ALL, "other"]
    assert all(stem.shape == mixture.shape for stem in stems.values())
    assert all(stem.dtype == np.float32 for stem in stems.values())
    np.testing.assert_allclose(sum(stems.values()), mixture, atol=1e-6)


def test_no_seams_and_no_fade_at_the_ends(pipeline, mixture):
    """The public code fades the first 0.76 s in from zero, and sums one hop twice."""
    pipeline.unet.net = Half()
    pipeline.scheduler.register_to_config(sampling="direct")
    for frames in (20_001, 4000, 300):
        stems = pipeline(mixture[:, :frames], RATE).stems
        np.testing.assert_allclose(stems["violin"], 0.5 * mixture[:, :frames], atol=2e-5)


def test_another_rate_comes_back_at_that_rate(pipeline):
    """The public tools answer at 22 050 Hz whatever they were given."""
    pipeline.unet.net = Half()
    pipeline.scheduler.register_to_config(sampling="direct")
    tone = np.sin(2 * np.pi * 440 / 44100 * np.arange(44100)).astype(np.float32)
    stem = pipeline(tone, 44100).stems["vocals"]
    assert stem.shape == tone.shape
    np.testing.assert_allclose(stem[2000:-2000], 0.5 * tone[2000:-2000], atol=1e-3)


def test_clusters_are_fitted_once_for_a_recording(pipeline, mixture, monkeypatch):
    """The public code fits them anew in every 1.5 s, so that a mask means something else there."""
    calls = []
    original = pipeline_module.find_centres

    def counted(*arguments, **options):
        centres = original(*arguments, **options)
        calls.append(centres)
        return centres

    monkeypatch.setattr(pipeline_module, "find_centres", counted)
    pipeline(mixture, RATE, clusters=ClusterSettings(clusters=3, capacity=500))
    assert len(calls) == 1
    assert calls[0].shape == (3, 3, 3)


def test_masks_only_take_away(pipeline, mixture):
    plain = pipeline(mixture, RATE).stems["vocals"]
    masked = pipeline(mixture, RATE, clusters=ClusterSettings(clusters=4, capacity=2000)).stems[
        "vocals"
    ]
    assert (masked**2).sum() < (plain**2).sum()


def test_strictness_zero_is_no_mask(pipeline, mixture):
    plain = pipeline(mixture, RATE).stems["vocals"]
    lax = pipeline(mixture, RATE, clusters=ClusterSettings(strictness=0.0, capacity=2000)).stems[
        "vocals"
    ]
    np.testing.assert_array_equal(plain, lax)


def test_saved_and_loaded_it_answers_the_same(pipeline, mixture, tmp_path):
    pipeline.save_pretrained(tmp_path / "saved")
    loaded = ColdDiffusionSeparationPipeline.from_pretrained(tmp_path / "saved")
    loaded.set_progress_bar_config(disable=True)
    assert loaded.scheduler.config["schedule"] == "convex"
    before, after = pipeline(mixture, RATE).stems, loaded(mixture, RATE).stems
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


def test_what_is_saved_is_safetensors_and_json(pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path)
    suffixes = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".safetensors"}
    index = json.loads((tmp_path / "model_index.json").read_text())
    assert index["scheduler"][1] == "ColdDiffusionScheduler"
    assert index["targets"] == list(ALL)


def test_pickled_weights_are_neither_written_nor_read(pipeline, tmp_path):
    with pytest.raises(CheckpointError, match="pickled"):
        pipeline.save_pretrained(tmp_path / "a", safe_serialization=False)
    pipeline.save_pretrained(tmp_path / "b")
    weights = tmp_path / "b" / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(pipeline.unet.state_dict(), weights.with_suffix(".bin"))
    weights.unlink()
    with pytest.raises(CheckpointError, match="other formats are not read"):
        ColdDiffusionSeparationPipeline.from_pretrained(tmp_path / "b")


def test_fewer_steps_are_possible(pipeline, mixture):
    assert len(pipeline(mixture, RATE, num_inference_steps=1).stems) == 4
    with pytest.raises(ValueError, match="1 to 3"):
        pipeline(mixture, RATE, num_inference_steps=4)


def test_pipeline_and_separation_model_walk_the_same_way(pipeline):
    magnitudes = torch.rand(2, 1, 8, 512)
    model = pipeline.to_model()
    with torch.inference_mode():
        torch.testing.assert_close(
            pipeline.restore(magnitudes), model.restore(magnitudes), rtol=0, atol=0
        )
        again = ColdDiffusionSeparationPipeline.from_model(model)
        torch.testing.assert_close(
            again.restore(magnitudes), model.restore(magnitudes), rtol=0, atol=0
        )
    assert again.to_model().config == model.config


def test_silence_has_no_clusters(pipeline):
    silence = np.zeros((1, 9000), dtype=np.float32)
    assert not any(stem.any() for stem in pipeline(silence, RATE).stems.values())
    with pytest.raises(UsageError, match="silent"):
        pipeline(silence, RATE, clusters=ClusterSettings())


def test_targets_must_be_as_many_as_the_network_has():
    with pytest.raises(ValueError, match="estimates 1 targets"):
        ColdDiffusionSeparationPipeline(
            ColdUNetModel(base=4, multipliers=(1,)), ColdDiffusionScheduler(), targets=ALL
        )


def test_audio_of_another_shape_is_refused(pipeline):
    with pytest.raises(UsageError, match="shape"):
        pipeline(np.zeros((1, 2, 3), dtype=np.float32), RATE)
