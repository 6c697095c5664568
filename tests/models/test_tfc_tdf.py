"""The mixer model against a plain restatement of the published network, and its weights' reader."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from carnatic_sep.errors import CheckpointError
from carnatic_sep.models import mixer_weights
from carnatic_sep.models.mixer_weights import load_mixer_model, our_name
from carnatic_sep.models.registry import build
from carnatic_sep.models.tfc_tdf import MixerModel

SMALL = {
    "n_fft": 64,
    "hop_frames": 16,
    "bins": 16,
    "columns": 8,
    "levels": 2,
    "width": 3,
    "bottleneck": 2,
}


def small(**options: object) -> MixerModel:
    torch.manual_seed(0)
    model = build("tfc_tdf", **{"stems": ["vocals", "violin"], **SMALL, **options})
    for module in model.modules():  # statistics of a trained network are not 0 and 1
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
    assert isinstance(model, MixerModel)
    return model.eval()


def published(model: MixerModel) -> dict[str, Tensor]:
    """The state under the published names, each found by turning `our_name` around."""
    names = {}
    for net in range(2):
        blocks = [f"encoding_blocks.{i}" for i in range(2)] + ["bottleneck_block"]
        blocks += [f"decoding_blocks.{i}" for i in range(2)]
        layers = [f"{b}.tfc.H.{j}.{k}" for b in blocks for j in range(3) for k in (0, 1)]
        layers += [f"{b}.tdf.{k}" for b in blocks for k in (0, 1, 3, 4)]
        layers += [f"{side}.{i}.{k}" for side in ("ds", "us") for i in range(2) for k in (0, 1)]
        layers += ["first_conv.0", "first_conv.1", "final_conv.0"]
        parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        names |= {
            our_name(name): name
            for layer in layers
            for part in parts
            for name in [f"model_dict.{net}.{layer}.{part}"]
        }
    names["mixer.weight"] = "mixer.mixing_layer.weight"
    return {names[ours]: tensor for ours, tensor in model.state_dict().items()}


def reference(state: dict[str, Tensor], chunk: Tensor) -> Tensor:
    """One chunk (1, frames) through the published network, written out: (stems, frames)."""

    def norm(x: Tensor, name: str) -> Tensor:
        p = {k: state[f"{name}.{k}"] for k in ("running_mean", "running_var", "weight", "bias")}
        return functional.batch_norm(x, **p, eps=1e-5).relu()

    def conv(x: Tensor, name: str, **options: int) -> Tensor:
        return functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **options)

    def block(x: Tensor, name: str) -> Tensor:
        y = x
        for j in range(3):
            y = norm(conv(y, f"{name}.tfc.H.{j}.0", padding=1), f"{name}.tfc.H.{j}.1")
        z = norm(x @ state[f"{name}.tdf.0.weight"].T, f"{name}.tdf.1")
        return y + norm(z @ state[f"{name}.tdf.3.weight"].T, f"{name}.tdf.4")

    window = torch.hann_window(64)
    spectrum = torch.stft(chunk, 64, 16, window=window, return_complex=True)[:, :16]
    outputs = []
    for net in ("model_dict.0", "model_dict.1"):
        x = torch.stack([spectrum.real, spectrum.imag], dim=1)
        x = norm(conv(x, f"{net}.first_conv.0"), f"{net}.first_conv.1").transpose(-1, -2)
        skips = []
        for i in range(2):
            x = block(x, f"{net}.encoding_blocks.{i}")
            skips.append(x)
            x = norm(conv(x, f"{net}.ds.{i}.0", stride=2), f"{net}.ds.{i}.1")
        x = block(x, f"{net}.bottleneck_block")
        for i in range(2):
            name = f"{net}.us.{i}.0"
            x = functional.conv_transpose2d(
                x, state[f"{name}.weight"], state[f"{name}.bias"], stride=2
            )
            x = block(norm(x, f"{net}.us.{i}.1") * skips[-1 - i], f"{net}.decoding_blocks.{i}")
        x = conv(x.transpose(-1, -2), f"{net}.final_conv.0")
        full = torch.cat([torch.complex(x[:, 0], x[:, 1]), torch.zeros(1, 17, 8)], dim=1)
        outputs.append(torch.istft(full, 64, 16, window=window)[0])
    return state["mixer.mixing_layer.weight"] @ torch.stack([*outputs, chunk[0]])


def test_agrees_with_the_published_network_written_out() -> None:
    model = small()
    torch.nn.init.normal_(model.mixer.weight)
    chunk = torch.randn(1, 16 * 7, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = reference(published(model), chunk)
        assert torch.allclose(model(chunk[None])[0, :, 0], expected, atol=1e-5)


def test_full_size_has_the_published_number_of_weights() -> None:
    model = MixerModel(stems=mixer_weights.PUBLISHED_STEMS)
    assert sum(p.numel() for p in model.parameters()) == 2 * 10_217_602 + 6
    assert model.segment_seconds * model.sample_rate == 142_290


def test_channels_and_chunks_are_independent() -> None:
    model = small()
    audio = torch.randn(2, 2, 300, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        together = model(audio)
        alone = model(audio[1:, 1:, 112:224])
    assert together.shape == (2, 2, 2, 300)
    assert torch.allclose(together[1:, :, 1:, 112:224], alone, atol=1e-5)


def test_gradient_reaches_every_parameter() -> None:
    model = small().train()
    model(torch.randn(2, 1, 224)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("options", [{"bins": 18}, {"columns": 9}, {"bins": 64}, {"stems": []}])
def test_impossible_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        small(**options)


@pytest.fixture
def small_published(monkeypatch: pytest.MonkeyPatch) -> None:
    import carnatic_sep.models.tfc_tdf as module

    class Small(module.MixerModel):
        def __init__(self, *, stems: tuple[str, ...]) -> None:
            super().__init__(stems=stems, **SMALL)

    monkeypatch.setattr(module, "MixerModel", Small)


@pytest.mark.usefixtures("small_published")
def test_published_weights_load_under_their_own_names(tmp_path: Path) -> None:
    model = small()
    torch.save(published(model), tmp_path / "mixer.pth")
    loaded = load_mixer_model(tmp_path / "mixer.pth")
    assert loaded.stems == ("vocals", "violin")
    assert not loaded.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


class Harm:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("__import__('pathlib').Path('harm').write_text('done')",))


@pytest.mark.usefixtures("small_published")
@pytest.mark.parametrize("plain", [True, False])
def test_a_pickle_that_runs_something_is_not_run(
    plain: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pth"
    if plain:
        path.write_bytes(pickle.dumps(Harm(), protocol=2))
    else:
        torch.save({"model_dict": Harm()}, path)
    with pytest.raises(CheckpointError, match=r"evil\.pth: holds more than tensors"):
        load_mixer_model(path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.usefixtures("small_published")
def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_mixer_model(path)
    for content in (b"", b"no pickle", b"PK\x03\x04 no zip"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"x\.pth"):
            load_mixer_model(path)
    torch.save([1, 2], path)
    with pytest.raises(CheckpointError, match="not a dict of tensors"):
        load_mixer_model(path)
    torch.save({"conv.weight": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="not the published mixer model"):
        load_mixer_model(path)
