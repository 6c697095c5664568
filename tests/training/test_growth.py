"""A network that goes on with more layers: at first it answers as it did."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import torch

from carnatic_sep.errors import ConfigError
from carnatic_sep.models.checkpoint import Provenance, load_checkpoint, save_checkpoint
from carnatic_sep.models.registry import build
from carnatic_sep.training.growth import grow

AVERAGE = Path(__file__).parents[2] / "recipes" / "default" / "average.py"
OPTIONS = {"n_fft": 512, "hop_frames": 128, "sample_rate": 8000, "widths": [4, 6, 8], "hidden": 8}


def built(options):
    return build("band_unet", **options)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return built(OPTIONS).eval()


def test_fresh_layers_change_nothing_at_first_and_learn(model) -> None:
    said = []
    torch.manual_seed(1)
    larger = grow(model, {"time_paths": [0, 5]}, build=built, report=said.append).eval()
    power = torch.rand(2, len(model.bands.weights), 37, generator=torch.manual_seed(2))
    assert torch.equal(larger.masks(power), model.masks(power))
    fresh = {name for name, _ in larger.named_parameters()} - set(model.state_dict())
    assert {".".join(name.split(".")[:2]) for name in fresh} == {
        "encoder_paths.1",
        "decoder_paths.1",
    }
    assert (
        f"{len(fresh)} of {sum(larger.get_parameter(n).numel() for n in fresh):,} para" in said[0]
    )

    optimiser = torch.optim.SGD(larger.train().parameters(), lr=0.1)
    for _ in range(2):  # what starts at zero has a gradient at once, what lies before it next
        optimiser.zero_grad()
        larger.masks(power)[:, 0].square().mean().backward()
        optimiser.step()
    moved = {n for n in fresh if larger.get_parameter(n).grad.abs().max() > 0}
    assert moved == fresh


def test_the_same_options_are_the_same_network(model) -> None:
    assert grow(model, {"hidden": 8, "widths": [4, 6, 8]}, build=built) is model


@pytest.mark.parametrize("options", [{"hidden": 12}, {"widths": [4, 6]}])
def test_what_was_learnt_must_have_a_place(model, options) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(options))} differ from the checkpoint's"):
        grow(model, options, build=built)


@pytest.mark.skipif(not AVERAGE.is_file(), reason="only a checkout has recipes")
def test_an_average_with_a_smaller_network_lies_between_the_two(
    model, tmp_path, monkeypatch
) -> None:
    torch.manual_seed(1)
    larger = grow(model, {"time_paths": [0, 5]}, build=built)
    with torch.no_grad():
        for parameter in larger.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    about = Provenance(name="toy", description="", licence="MIT", credits=[], trained_on="", seed=0)
    for name, each in (("small", model), ("large", larger)):
        save_checkpoint(tmp_path / name, each, about)
    power = torch.rand(2, len(model.bands.weights), 37, generator=torch.manual_seed(2))
    masks = {}
    for share in ("0", "0.5", "1"):
        out = tmp_path / f"average-{share}"
        given = [str(tmp_path / "small"), str(tmp_path / "large"), "--share", share]
        monkeypatch.setattr("sys.argv", ["average.py", *given, "--out", str(out)])
        runpy.run_path(str(AVERAGE), run_name="__main__")
        masks[share] = load_checkpoint(out).masks(power)
    assert torch.allclose(masks["0"], model.eval().masks(power), atol=2e-3)  # float16
    assert torch.allclose(masks["1"], larger.eval().masks(power), atol=2e-3)
    assert not torch.allclose(masks["0.5"], masks["1"], atol=2e-3)
