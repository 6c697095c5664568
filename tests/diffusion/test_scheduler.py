"""The diffusers scheduler, against closed forms and diffusers' own conventions."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

pytest.importorskip("diffusers", reason="needs the extra `diffusion`")

from carnatic_sep.diffusion import ColdDiffusionScheduler


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(1)
    clean = torch.rand(2, 3, 4, 5, generator=generator)
    return clean, torch.rand(2, 1, 4, 5, generator=generator)


@pytest.mark.parametrize("schedule", ["convex", "ismir23"])
def test_noise_is_the_mixture(schedule, pair):
    clean, mixture = pair
    scheduler = ColdDiffusionScheduler(schedule=schedule)
    assert torch.equal(scheduler.add_noise(clean, mixture, torch.tensor([0, 0])), clean)
    last = scheduler.add_noise(clean, mixture, torch.tensor([8, 8]))
    assert torch.equal(last, mixture.expand_as(clean))


@pytest.mark.parametrize("schedule", ["convex", "ismir23"])
@pytest.mark.parametrize("prediction_type", ["clean", "previous"])
@pytest.mark.parametrize("sampling", ["improved", "direct"])
@pytest.mark.parametrize("steps", [8, 4, 1])
def test_a_perfect_network_recovers_the_target(schedule, prediction_type, sampling, steps, pair):
    """What `target` says a network shall learn is what `step` needs, in any number of steps."""
    clean, mixture = pair
    scheduler = ColdDiffusionScheduler(
        schedule=schedule, prediction_type=prediction_type, sampling=sampling
    )
    scheduler.set_timesteps(steps)
    assert len(scheduler.timesteps) == steps
    state = mixture.expand_as(clean)
    for timestep in scheduler.timesteps:
        perfect = scheduler.target(clean, mixture, timestep.expand(2))
        state = scheduler.step(perfect, timestep, state, mixture).prev_sample
    torch.testing.assert_close(state, clean, atol=1e-5, rtol=1e-5)


def test_settings_survive_a_folder(tmp_path):
    scheduler = ColdDiffusionScheduler(
        num_train_timesteps=20, schedule="ismir23", prediction_type="previous", sampling="direct"
    )
    scheduler.save_pretrained(tmp_path)
    loaded = ColdDiffusionScheduler.from_pretrained(tmp_path)
    assert loaded.cold == scheduler.cold
    assert dict(loaded.config) == dict(scheduler.config)
    assert len(loaded) == 20


def test_tuples_instead_of_outputs(pair):
    clean, mixture = pair
    scheduler = ColdDiffusionScheduler()
    named = scheduler.step(clean, 8, mixture.expand_as(clean), mixture).prev_sample
    (plain,) = scheduler.step(clean, 8, mixture.expand_as(clean), mixture, return_dict=False)
    assert torch.equal(named, plain)
    assert scheduler.scale_model_input(clean, 8) is clean


def test_steps_that_are_not_on_the_way_are_refused(pair):
    clean, mixture = pair
    scheduler = ColdDiffusionScheduler()
    scheduler.set_timesteps(4)
    with pytest.raises(ValueError, match="not on the way"):
        scheduler.step(clean, 7, clean, mixture)
    with pytest.raises(ValueError, match="1 to 8"):
        scheduler.set_timesteps(9)


@pytest.mark.parametrize(
    "options",
    [{"schedule": "linear"}, {"prediction_type": "epsilon"}, {"sampling": "ddim"}],
)
def test_unknown_options_are_refused(options):
    with pytest.raises(ValueError, match=r"schedule|prediction_type"):
        ColdDiffusionScheduler(**options)


def test_without_diffusers_the_extra_is_named():
    """And the room itself imports neither torch nor diffusers."""
    code = (
        "import sys; sys.modules['diffusers'] = None\n"
        "import carnatic_sep.diffusion as room\n"
        "assert 'torch' not in sys.modules\n"
        "from carnatic_sep.errors import UsageError\n"
        "try: room.ColdDiffusionScheduler\n"
        "except UsageError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "carnatic-sep[diffusion]" in done.stdout
