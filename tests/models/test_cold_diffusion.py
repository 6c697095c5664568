"""The cold diffusion model: network, levels, edges, and what its public forerunner got wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carnatic_sep.models.checkpoint import Provenance, load_checkpoint, save_checkpoint
from carnatic_sep.models.cold_diffusion import ColdDiffusion, FrontEnd
from carnatic_sep.models.cold_unet import ColdUNet
from carnatic_sep.models.registry import build

TINY = {"base": 4, "multipliers": [1, 2]}
ALL = ("vocals", "violin", "mridangam")


def tiny(**options):
    torch.manual_seed(0)
    return ColdDiffusion(**{"network": TINY, "steps": 3, "segment_columns": 16, **options}).eval()


def count(net):
    return sum(p.numel() for p in net.parameters())


def test_published_widths_have_the_published_size():
    """132.3 of 133.7 M numbers, and 81.8 M more in the convolutions that were never called."""
    with torch.device("meta"):
        executed, declared = ColdUNet(block_convs=1), ColdUNet(block_convs=2)
    assert count(executed) == pytest.approx(133.7e6, rel=0.011)
    assert count(declared) - count(executed) == pytest.approx(81.8e6, rel=1e-3)


def test_the_smaller_network_has_about_ten_million():
    with torch.device("meta"):
        net = ColdUNet(targets=3, multipliers=(1, 2, 4, 8, 8, 8, 8), gate="mixture")
    assert count(net) == pytest.approx(10e6, rel=0.02)


@pytest.mark.parametrize("convs", [1, 2])
@pytest.mark.parametrize("norm", ["group", "batch"])
@pytest.mark.parametrize("gate", ["state", "mixture"])
def test_every_number_of_the_network_learns(convs, norm, gate):
    """In the public code, a third of the declared weights stood behind an `if` never entered."""
    torch.manual_seed(0)
    net = ColdUNet(targets=2, base=4, multipliers=(1, 2), block_convs=convs, norm=norm, gate=gate)
    state, mixture = torch.rand(2, 2, 8, 8), torch.rand(2, 1, 8, 8)
    net(state, torch.tensor([1, 5]), mixture).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
    # Biases in front of a normalisation cancel; weights do not.
    assert all(p.grad.abs().sum() > 0 for p in net.parameters() if p.ndim > 1)


def test_the_network_knows_the_step():
    net = ColdUNet(base=4, multipliers=(1, 2)).eval()
    state = torch.rand(1, 1, 8, 8)
    one, other = (net(state, torch.tensor([t]), state) for t in (1, 8))
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("gate", ["state", "mixture"])
def test_answers_are_shares_of_what_gates_them(gate):
    net = ColdUNet(base=4, multipliers=(1, 2), gate=gate).eval()
    state, mixture = torch.rand(1, 1, 9, 7), torch.rand(1, 1, 9, 7)
    answer = net(state, torch.tensor([2]), mixture)
    assert answer.shape == state.shape
    assert (answer >= 0).all()
    assert (answer <= (state if gate == "state" else mixture)).all()


def test_dropout_and_statistics_work_in_training_and_rest_afterwards():
    """In the public code neither was told that it was training."""
    net = ColdUNet(base=4, multipliers=(1, 2), norm="batch", dropout=0.5)
    state, step = torch.rand(1, 1, 8, 8), torch.tensor([2])
    before = {name: value.clone() for name, value in net.named_buffers()}
    assert not torch.equal(net.train()(state, step, state), net(state, step, state))
    moved = [n for n, value in net.named_buffers() if "mean" in n and (value != before[n]).any()]
    assert moved
    assert torch.equal(net.eval()(state, step, state), net(state, step, state))


@pytest.mark.parametrize(
    "options",
    [{"up_blocks": 2}, {"block_convs": 3}, {"norm": "layer"}, {"gate": "none"}, {"targets": 0}],
)
def test_impossible_networks_are_refused(options):
    with pytest.raises(ValueError, match=r"up_blocks|block_convs|norm"):
        ColdUNet(**{"base": 4, "multipliers": (1,), **options})


def test_the_front_end_gives_back_what_it_takes_to_the_last_sample():
    front = FrontEnd(n_fft=64, hop_frames=16)
    audio = torch.randn(2, 1, 1003)
    analysis = front.analyse(audio)
    assert analysis.magnitudes.square().mean(dim=(1, 2, 3)) == pytest.approx(1.0, abs=1e-5)
    again = front.synthesise(analysis, analysis.magnitudes.expand(-1, 3, -1, -1), frames=1003)
    torch.testing.assert_close(again, audio.expand(-1, 3, -1), atol=2e-5, rtol=0)


def test_a_segment_fills_its_columns():
    """The public code used 128 of 254 columns of every 3 s."""
    model = tiny(segment_columns=128)
    frames = round(model.segment_seconds * model.sample_rate)
    assert model.front.analyse(torch.zeros(1, 1, frames)).magnitudes.shape[-2:] == (128, 512)


@pytest.mark.parametrize("prediction", ["clean", "previous"])
@pytest.mark.parametrize("schedule", ["convex", "ismir23"])
def test_stems_sum_to_the_mixture_and_have_its_shape(prediction, schedule):
    model = tiny(targets=ALL, prediction=prediction, schedule=schedule)
    mixture = torch.randn(2, 1, 5003)
    with torch.inference_mode():
        stems = model(mixture)
    assert stems.shape == (2, 4, 1, 5003)
    assert model.stems == (*ALL, "other")
    torch.testing.assert_close(stems.sum(dim=1), mixture, atol=1e-5, rtol=0)


def test_louder_in_is_louder_out():
    """The public tools scale their output by a peak, so that its amplitude means nothing."""
    model = tiny()
    mixture = torch.randn(1, 1, 5000)
    with torch.inference_mode():
        once, louder = model(mixture), model(37.0 * mixture)
    torch.testing.assert_close(louder, 37.0 * once, atol=1e-3, rtol=1e-3)


def test_silence_stays_silence():
    with torch.inference_mode():
        assert not tiny()(torch.zeros(1, 1, 4000)).any()


def test_what_is_separated_is_the_same_every_time():
    mixture = torch.randn(1, 1, 4000)
    with torch.inference_mode():
        assert torch.equal(tiny()(mixture), tiny()(mixture))


def test_an_error_in_the_network_is_an_error(monkeypatch):
    """compIAM's tool catches everything and returns truncated audio."""
    model = tiny()

    def broken(*arguments):
        raise RuntimeError("no memory")

    monkeypatch.setattr(model.net, "forward", broken)
    with pytest.raises(RuntimeError, match="no memory"):
        model(torch.randn(1, 1, 4000))


def test_improved_sampling_can_mend_and_the_published_gate_can_only_take_away():
    mixture = torch.rand(1, 1, 16, 512)
    published = tiny(schedule="ismir23", prediction="previous", sampling="direct")
    with torch.inference_mode():
        states = published.restore(mixture)
    assert (states.diff(dim=0) <= 0).all()


def test_a_checkpoint_keeps_model_and_clusters(tmp_path):
    model = tiny(targets=ALL, clusters=3)
    with torch.no_grad():
        model.centres.copy_(torch.rand_like(model.centres))
    path = tmp_path / "cold.safetensors"
    save_checkpoint(path, model, Provenance(name="cold", licence="MIT"))
    mixture = torch.randn(1, 1, 5000)
    with torch.inference_mode():
        torch.testing.assert_close(load_checkpoint(path)(mixture), model(mixture), rtol=0, atol=0)


def test_the_registry_builds_it():
    assert build("cold_diffusion", **tiny().config).stems == ("vocals", "other")


@pytest.mark.parametrize("targets", [(), ("vocals", "vocals"), ("vocals", "other")])
def test_impossible_targets_are_refused(targets):
    with pytest.raises(ValueError, match="targets"):
        tiny(targets=targets)


class _Half(torch.nn.Module):
    def forward(self, state, step, mixture):
        return 0.5 * mixture.expand_as(state)


def test_the_engine_separates_with_it_at_any_rate_without_seams():
    """A network that answers half the mixture gives half of every sample, from first to last."""
    from carnatic_sep.separation.separator import Separator

    model = tiny(sampling="direct")
    model.net = _Half()
    mixture = np.random.default_rng(0).standard_normal((2, 30_000)).astype(np.float32)
    stems = Separator(model).separate(mixture, model.sample_rate)
    assert set(stems) == {"vocals", "other"}
    np.testing.assert_allclose(stems["vocals"], 0.5 * mixture, atol=2e-5)
    there = Separator(model).separate(mixture, 44100)
    np.testing.assert_allclose(there["vocals"] + there["other"], mixture, atol=1e-5)
