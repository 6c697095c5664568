"""Spleeter's checkpoints as :class:`~carnatic_sep.models.unet.SpleeterUNet`.

Spleeter builds its graph of unnamed Keras layers, one U-Net after the other, so a variable's name
is its layer's number in the whole graph. The checkpoint holds neither the stems' names nor the
activations, and weights of the 2- and the 4-stem model fit each other's graph without complaint:
both come from Spleeter's own JSON where it lies beside, else from the number of stems.

Source: github.com/deezer/spleeter, version 2.4.2: model/functions/unet.py, resources/*.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carnatic_sep.errors import CheckpointError
from carnatic_sep.models.archive import unpacked
from carnatic_sep.models.tensorflow_bundle import INDEX_SUFFIX, Bundle, find_bundle

if TYPE_CHECKING:
    from torch import Tensor

    from carnatic_sep.models.unet import SpleeterUNet

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz")
CONFIG_FILE = "config.json"
_LAYERS = 6
_WANTED = re.compile(r"\.(index|data-\d{5}-of-\d{5})$|^(checkpoint|config\.json)$")
_OUTPUTS = {"unet.unet": "sigmoid", "unet.softmax_unet": "softmax"}
_FIXED = {"frame_length": 4096, "frame_step": 1024, "T": 512, "n_channels": 2}
_PARTS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}

OFFICIAL: Mapping[int, Mapping[str, Any]] = {
    2: {"stems": ("vocals", "accompaniment")},
    4: {
        "stems": ("vocals", "drums", "bass", "other"),
        "encoder_activation": "elu",
        "decoder_activation": "elu",
    },
    5: {
        "stems": ("vocals", "piano", "drums", "bass", "other"),
        "encoder_activation": "elu",
        "decoder_activation": "elu",
        "output": "softmax",
    },
}
"""How Deezer's released models are built, by their number of stems."""


@dataclass(frozen=True)
class SpleeterFiles:
    """A checkpoint, and Spleeter's configuration of it where there is one."""

    bundle: Bundle
    config: Path | None


def is_spleeter(path: Path) -> bool:
    """Whether `path` looks like a TensorFlow checkpoint: a folder of one, an archive, an index."""
    if path.is_dir():
        return any(path.glob(f"*{INDEX_SUFFIX}"))
    return path.name.endswith((*ARCHIVE_SUFFIXES, INDEX_SUFFIX))


def load_spleeter(path: Path) -> SpleeterUNet:
    """Load a Spleeter model in evaluation mode, float32, without TensorFlow.

    Parameters
    ----------
    path : a folder with ``NAME.index`` and ``NAME.data-*`` (and Spleeter's ``config.json``, if
        the model is not one of Deezer's), the index itself, or a ``.tar.gz`` of such a folder

    Raises
    ------
    CheckpointError
        Not a checkpoint of Spleeter, damaged, or of a kind that this network does not build.
    """
    if path.name.endswith(ARCHIVE_SUFFIXES):
        with unpacked(path, wanted=_WANTED) as folder:
            return _load(_files(folder), shown=path)
    return _load(_files(path), shown=path)


def _files(path: Path) -> SpleeterFiles:
    if path.name.endswith(INDEX_SUFFIX):
        prefix = path.with_name(path.name[: -len(INDEX_SUFFIX)])
    else:
        prefix = find_bundle(path)
    config = prefix.with_name(CONFIG_FILE)
    return SpleeterFiles(Bundle(prefix), config if config.is_file() else None)


def _load(files: SpleeterFiles, *, shown: Path) -> SpleeterUNet:
    import torch

    from carnatic_sep.models.unet import SpleeterUNet

    filters, count = _shapes(files.bundle, shown=shown)
    options = _official(count, shown=shown)
    if files.config is not None:
        options = _configured(files.config)
        if len(options["stems"]) != count:
            raise CheckpointError(
                f"{files.config}: names {len(options['stems'])} instruments, the weights beside "
                f"it are of {count}; put the model's own {CONFIG_FILE} there"
            )
    try:
        with torch.random.fork_rng(devices=[]):
            model = SpleeterUNet(filters=filters, **options)
    except ValueError as error:
        raise CheckpointError(
            f"{files.config or shown}: its settings fit no U-Net of Spleeter's ({error}); put the "
            f"model's own {CONFIG_FILE} there"
        ) from error
    model.load_state_dict(_state(files.bundle, model.state_dict(), stems=count, shown=shown))
    return model.eval()


def _shapes(bundle: Bundle, *, shown: Path) -> tuple[list[int], int]:
    """Return the encoder's widths and the number of U-Nets, as the kernels' shapes tell them."""
    encoder = [bundle.entries.get(f"{keras_name('conv2d', k)}/kernel") for k in range(_LAYERS)]
    count = 0
    while f"{keras_name('conv2d', 7 * count + _LAYERS)}/kernel" in bundle.entries:
        count += 1
    filters = [entry.shape[-1] for entry in encoder if entry and len(entry.shape) == 4]
    if len(filters) != _LAYERS or count == 0:
        raise CheckpointError(
            f"{shown}: not a Spleeter U-Net; it holds {len(bundle.entries)} variables, the first "
            f"being {', '.join(sorted(bundle.entries)[:3]) or 'none'}"
        )
    return filters, count


def _official(count: int, *, shown: Path) -> dict[str, Any]:
    if count not in OFFICIAL:
        known = ", ".join(map(str, OFFICIAL))
        raise CheckpointError(
            f"{shown}: has {count} stems, Deezer's models have {known}; put Spleeter's JSON of "
            f"this model beside it as {CONFIG_FILE}, since the weights do not say which "
            "activations they were trained with"
        )
    return dict(OFFICIAL[count])


def _configured(path: Path) -> dict[str, Any]:
    """Turn Spleeter's JSON into options of the network; what it leaves out, Spleeter defaults."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        stems = [str(name) for name in config["instrument_list"]]
        kind = config.get("model", {}).get("type", "unet.unet")
        params = config.get("model", {}).get("params", {})
        for key, value in _FIXED.items():
            if config.get(key, value) != value:
                raise ValueError(f"{key} is {config[key]}, this network has {value}")
        if kind not in _OUTPUTS:
            raise ValueError(f"model type {kind!r}, known ones are {', '.join(_OUTPUTS)}")
        encoder = params.get("conv_activation", "LeakyReLU")
        decoder = params.get("deconv_activation", "ReLU")
        return {
            "stems": stems,
            "encoder_activation": _encoder_activation(encoder),
            "decoder_activation": _decoder_activation(decoder),
            "output": _OUTPUTS[kind],
            "frequency_bins": int(config.get("F", 1024)),
            "mask_extension": config.get("mask_extension", "zeros"),
            "separation_exponent": float(config.get("separation_exponent", 2)),
            "sample_rate": int(config.get("sample_rate", 44100)),
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path}: not a configuration of Spleeter that can be used here ({error}); put the "
            "model's own JSON there, or remove it if the model is one of Deezer's"
        ) from error


def _encoder_activation(name: str) -> str:
    if name == "ReLU":
        raise ValueError("conv_activation ReLU, this network has LeakyReLU or ELU")
    return "elu" if name == "ELU" else "leaky_relu"  # Spleeter takes unknown names for LeakyReLU


def _decoder_activation(name: str) -> str:
    if name == "LeakyReLU":
        raise ValueError("deconv_activation LeakyReLU, this network has ReLU or ELU")
    return "elu" if name == "ELU" else "relu"  # Spleeter takes unknown names for ReLU


def keras_name(layer: str, number: int) -> str:
    """Return the name of an unnamed Keras layer: the first has no number.

    >>> keras_name("conv2d", 0), keras_name("conv2d", 7)
    ('conv2d', 'conv2d_7')
    """
    return f"{layer}_{number}" if number else layer


def layer_names(stem: int) -> dict[str, str]:
    """Return our name of each layer of U-Net number `stem`, and Spleeter's.

    Spleeter's sixth encoder normalisation is left out: its result goes nowhere.
    """
    names = {f"nets.{stem}.last": keras_name("conv2d", 7 * stem + _LAYERS)}
    for k in range(_LAYERS):
        names[f"nets.{stem}.encoder.{k}"] = keras_name("conv2d", 7 * stem + k)
        names[f"nets.{stem}.decoder.{k}"] = keras_name("conv2d_transpose", 6 * stem + k)
        norm = keras_name("batch_normalization", 12 * stem + 6 + k)
        names[f"nets.{stem}.decoder_norms.{k}"] = norm
        if k < _LAYERS - 1:
            norm = keras_name("batch_normalization", 12 * stem + k)
            names[f"nets.{stem}.encoder_norms.{k}"] = norm
    return names


def _state(
    bundle: Bundle, expected: Mapping[str, Tensor], *, stems: int, shown: Path
) -> dict[str, Tensor]:
    """Read every variable that the network has; kernels (h, w, a, b) become (b, a, h, w)."""
    import torch

    state = {}
    for stem in range(stems):
        for ours, theirs in layer_names(stem).items():
            for part, name in _parts_of(f"{theirs}/", bundle.entries):
                tensor = torch.from_numpy(bundle.read(name).astype("float32"))
                if part == "kernel":
                    tensor = tensor.permute(3, 2, 0, 1).contiguous()
                state[f"{ours}.{_PARTS[part]}"] = tensor
    for name, tensor in expected.items():
        if name.endswith("num_batches_tracked"):
            state[name] = tensor
        elif name not in state or state[name].shape != tensor.shape:
            found = tuple(state[name].shape) if name in state else "missing"
            raise CheckpointError(
                f"{shown}: not a Spleeter U-Net, or damaged: {name} is {found}, not "
                f"{tuple(tensor.shape)}"
            )
    return state


def _parts_of(layer: str, names: Sequence[str] | Mapping[str, object]) -> list[tuple[str, str]]:
    return [(part, layer + part) for part in _PARTS if layer + part in names]
