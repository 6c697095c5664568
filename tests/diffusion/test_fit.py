"""Training on multitracks: what it draws, what it learns, and calibration on a recording."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
import torch

pytest.importorskip("diffusers", reason="needs the extra `diffusion`")

from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.diffusion import ColdDiffusionScheduler, ColdUNetModel, calibrate, fit
from carnatic_sep.diffusion.calibration import segments
from carnatic_sep.diffusion.config import ColdConfig, load_cold_config
from carnatic_sep.diffusion.excerpts import Batch, ExcerptSource
from carnatic_sep.errors import CarnaticSepError, ConfigError, DatasetError, UsageError
from carnatic_sep.models.cold_diffusion import ColdDiffusion, FrontEnd
from carnatic_sep.models.decay_clusters import ClusterSettings

RATE = 8000
FRONT = FrontEnd(n_fft=64, hop_frames=16)
TINY = {"base": 4, "multipliers": (1, 2)}


@pytest.fixture
def tracks(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        for stem in ("vocals", "violin"):
            soundfile.write(folder / f"{stem}.wav", 0.1 * rng.standard_normal(16_000), 16_000)
        (folder / "metadata.json").write_text(json.dumps({"mixture_is_sum_of_stems": True}))
    return load_dataset(tmp_path).tracks()


def source(tracks, **options):
    settings = {"targets": ("vocals",), "columns": 16, "batch_size": 3, **options}
    return ExcerptSource(tracks=tracks, front=FRONT, sample_rate=RATE, **settings)


def test_batches_are_of_the_shape_and_level_promised(tracks):
    batch = next(source(tracks, targets=("violin", "vocals"), coherent=0.5).batches())
    assert batch.clean.shape == (3, 2, 16, 32)
    assert batch.mixture.shape == (3, 1, 16, 32)
    assert batch.mixture.square().mean(dim=(1, 2, 3)) == pytest.approx(1.0, abs=1e-4)


def test_the_same_seed_draws_the_same(tracks):
    one, same, other = (next(source(tracks, seed=seed).batches()) for seed in (1, 1, 2))
    assert torch.equal(one.clean, same.clean)
    assert not torch.equal(one.clean, other.clean)


def test_stereo_and_rates_are_heard_at_the_networks_rate(tracks):
    """The public preparation wrote 22 050 Hz audio under a header of 44 100 Hz."""
    frames = FRONT.segment_frames(16)
    stem = tracks[0].read_stem("vocals", start=100, frames=frames, sample_rate=RATE)
    whole, _ = soundfile.read(tracks[0].stems["vocals"][0].path)
    expected = np.abs(np.fft.rfft(whole))[: len(whole) // 4]  # below the new Nyquist frequency
    found = tracks[0].read_stem("vocals", sample_rate=RATE)[0]
    assert stem.shape[1] == frames
    assert len(found) == 8000
    assert (found**2).sum() * 2 == pytest.approx(2 * (expected**2).sum() / len(whole), rel=0.1)


def test_a_track_without_the_target_is_named(tracks):
    with pytest.raises(DatasetError, match="one: has no stem mridangam"):
        source(tracks, targets=("mridangam",))
    with pytest.raises(DatasetError, match="no tracks"):
        source([])


def toy_batches():
    """The upper half of the bins is the target; the lower is not."""
    generator = torch.Generator().manual_seed(0)
    while True:
        mixture = torch.rand(4, 1, 8, 16, generator=generator) + 0.5
        clean = mixture.clone()
        clean[..., :8] = 0
        yield Batch(clean, mixture)


@pytest.mark.parametrize(
    ("schedule", "prediction", "sampling", "gate"),
    [("convex", "clean", "improved", "mixture"), ("ismir23", "previous", "direct", "state")],
)
def test_it_learns_a_band(schedule, prediction, sampling, gate):
    torch.manual_seed(0)
    unet = ColdUNetModel(**TINY, gate=gate)
    scheduler = ColdDiffusionScheduler(
        num_train_timesteps=2, schedule=schedule, prediction_type=prediction, sampling=sampling
    )
    config = ColdConfig(name="toy", steps=60, learning_rate=1e-2)
    losses = list(fit(unet, scheduler, toy_batches(), config=config))
    assert len(losses) == 60
    assert np.mean(losses[-10:]) < 0.5 * losses[0]
    assert not unet.training


def test_the_mean_of_the_weights_is_what_stays():
    torch.manual_seed(0)
    unet = ColdUNetModel(**TINY)
    before = unet.net.head[-1].weight.clone()
    config = ColdConfig(name="toy", steps=5, learning_rate=1e-2, ema_decay=0.999999)
    running = fit(unet, ColdDiffusionScheduler(), toy_batches(), config=config)
    for _ in range(3):
        next(running)
    running.close()
    # The mean starts at the weights after one step, at most 0.01 away, and hardly moves.
    assert 0 < (unet.net.head[-1].weight - before).abs().max() < 0.0101
    assert not unet.training


def test_divergence_stops():
    def batches():
        yield Batch(torch.full((1, 1, 8, 8), float("nan")), torch.ones(1, 1, 8, 8))

    running = fit(
        ColdUNetModel(**TINY), ColdDiffusionScheduler(), batches(), config=ColdConfig(name="toy")
    )
    with pytest.raises(CarnaticSepError, match="smaller learning_rate"):
        next(running)


def test_segments_do_not_depend_on_blocks_and_lose_no_whole_one():
    audio = np.random.default_rng(0).standard_normal((2, 10_500)).astype(np.float32)
    options = {"sample_rate": RATE, "model_rate": RATE, "frames": 1000}
    whole = list(segments([audio], **options))
    parts = list(segments((audio[:, i : i + 77] for i in range(0, 10_500, 77)), **options))
    assert len(whole) == 10
    np.testing.assert_array_equal(np.stack(whole), np.stack(parts))
    assert len(list(segments([audio], every=4, **options))) == 3
    (short,) = segments([audio[:, :300]], **options)
    assert short.shape == (2, 1000)
    with pytest.raises(UsageError, match="every"):
        next(segments([audio], every=0, **options))


def test_segments_hold_no_more_than_one_and_a_block():
    """Blocks are taken only when they are needed, however long the recording."""
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield np.ones((1, 500), dtype=np.float32)

    stream = segments(endless(), sample_rate=RATE, model_rate=RATE, frames=1000)
    for _ in range(20):
        next(stream)
    assert taken == 40


def test_a_calibrated_model_is_a_model_with_clusters():
    torch.manual_seed(0)
    model = ColdDiffusion(
        network=TINY, steps=3, segment_columns=16, n_fft=64, hop_frames=16, sample_rate=RATE
    ).eval()
    audio = np.random.default_rng(0).standard_normal((2, 9000)).astype(np.float32)
    tuned = calibrate(model, [audio], sample_rate=16_000, settings=ClusterSettings(clusters=3))
    assert tuned.config["clusters"] == 3
    centres = tuned.get_centres()
    assert centres.shape == (1, 3, 3)
    assert (centres.mean(dim=-1).diff() >= 0).all()
    assert model.get_centres() is None
    mixture = torch.randn(1, 1, 2000)
    with torch.inference_mode():
        magnitudes = model.front.analyse(mixture).magnitudes
        assert torch.equal(model.restore(magnitudes), tuned.restore(magnitudes))
        quiet, plain = tuned(mixture)[:, 0], model(mixture)[:, 0]
    assert quiet.square().sum() < plain.square().sum()


def test_every_configuration_of_the_recipe_is_valid():
    from pathlib import Path

    folder = Path(__file__).parents[2] / "recipes" / "cold_diffusion"
    found = {path.stem: load_cold_config(path, overrides=[]) for path in folder.glob("*.yaml")}
    assert {"published", "conditioned"} <= set(found)
    published = found["published"]
    assert (published.schedule, published.prediction, published.sampling) == (
        "ismir23",
        "previous",
        "direct",
    )
    assert published.learning_rate == 2e-6
    assert published.network.block_convs == 1


def test_a_wrong_key_names_the_nearest(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("name: a\nlearning_rat: 1")
    with pytest.raises(ConfigError, match="did you mean learning_rate"):
        load_cold_config(path, overrides=[])
