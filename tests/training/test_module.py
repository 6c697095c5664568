"""Schedule, weight decay, averaging."""

from __future__ import annotations

import math

import lightning
import pytest
import torch

from carnatic_sep.models.registry import build
from carnatic_sep.training.module import SeparationModule, blend


@pytest.fixture
def module(run_config) -> SeparationModule:
    config = run_config(steps=100, warmup_steps=10, learning_rate=0.01)
    return SeparationModule(build("band_unet", **config.model), config)


def test_the_learning_rate_rises_in_a_line_and_falls_as_a_cosine(module) -> None:
    assert module.learning_rate(0) == pytest.approx(0.001)
    assert module.learning_rate(4) == pytest.approx(0.005, rel=0.01)
    assert module.learning_rate(50) == pytest.approx(0.005)
    assert module.learning_rate(100) == pytest.approx(0.0, abs=1e-12)
    assert module.learning_rate(130) == pytest.approx(0.0, abs=1e-12)
    for step in range(10, 100):
        assert module.learning_rate(step) == pytest.approx(
            0.01 * math.cos(math.pi * step / 200) ** 2
        )


def test_only_matrices_and_kernels_decay(module) -> None:
    optimizer = module.configure_optimizers()
    decayed, plain = optimizer.param_groups
    assert decayed["weight_decay"] == module.config.weight_decay
    assert plain["weight_decay"] == 0.0
    assert all(parameter.dim() > 1 for parameter in decayed["params"])
    assert all(parameter.dim() <= 1 for parameter in plain["params"])
    count = len(list(module.model.parameters()))
    assert len(decayed["params"]) + len(plain["params"]) == count


def test_the_average_is_a_geometric_series(module) -> None:
    weight = module.model.stem_in.weight
    values = [1.0, 2.0, -1.0, 4.0]
    expected = None
    for step, value in enumerate(values, start=1):
        with torch.no_grad():
            weight.fill_(value)
        module.count_step()
        decay = min(module.config.ema_decay, (1 + step) / (10 + step))
        expected = value if expected is None else decay * expected + (1 - decay) * value
    assert module.step == 4
    averaged = module.ema.module.stem_in.weight
    assert torch.allclose(averaged, torch.full_like(averaged, expected))
    assert not any(parameter.requires_grad for parameter in module.ema.parameters())


def test_what_is_constant_is_not_averaged(module) -> None:
    module.ema.module.bands.weights.add_(1e-6)  # as rounding would, over thousands of steps
    module.count_step()
    assert torch.equal(module.ema.module.bands.weights, module.model.bands.weights)


def test_dropout_depends_on_the_step_alone(module, monkeypatch) -> None:
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    wrapped = lightning.pytorch.core.optimizer.LightningOptimizer(optimizer)
    monkeypatch.setattr(module, "optimizers", lambda: wrapped)

    def drawn(step: int) -> torch.Tensor:
        module.step = step
        module.on_train_batch_start(None, 0)
        return torch.rand(5)

    first = drawn(3)
    torch.rand(11)
    assert torch.equal(drawn(3), first)
    assert not torch.equal(drawn(4), first)


def test_blending() -> None:
    assert blend(0.75)(torch.tensor(4.0), torch.tensor(8.0), 3) == 5.0


@pytest.mark.parametrize("channels", [1, 2])
def test_waveform_losses_serve_mono_and_stereo_models(run_config, channels) -> None:
    config = run_config(loss="complex_l1")

    class Passing(torch.nn.Module):
        """Gives each stem a quarter of the mixture."""

        def __init__(self) -> None:
            super().__init__()
            self.channels = channels
            self.gain = torch.nn.Parameter(torch.tensor(0.25))

        def forward(self, mixture):
            assert mixture.shape[1] == channels
            return self.gain * mixture[:, None].expand(-1, 4, -1, -1)

    same = torch.randn(2, 1, 9000).expand(2, 4, 9000)
    loss = SeparationModule(Passing(), config).loss(same)
    assert float(loss.detach()) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("band_unet", {"widths": [4, 6], "hidden": 4, "n_fft": 2048, "bands_per_octave": 12}),
        ("scnet", {"widths": [4, 4, 8], "dual_path_layers": 1, "n_fft": 1024, "hop_frames": 512}),
        ("unet", {"stems": ["vocals", "violin", "mridangam", "other"], "filters": [1] * 6}),
    ],
)
def test_bf16_comes_near_fp32(run_config, architecture, options) -> None:
    torch.manual_seed(0)
    model = build(architecture, **options)
    module = SeparationModule(model, run_config(loss="complex_l1", snr_weight=0.1))
    stems = 0.1 * torch.randn(1, 4, 44100)
    exact = module.loss(stems)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = module.loss(stems)
    assert rough.dtype == torch.float32
    assert float(rough.detach()) == pytest.approx(float(exact.detach()), rel=0.05)
    rough.backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in model.parameters() if p.grad is not None)
